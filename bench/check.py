"""What the proof costs beside going through the year minute by minute, in the same run, on a large matrix.

Brute force over a whole year would take days, so it goes through a few minutes of it, spread evenly, and the
time for the year's 527,040 minutes is that times what is left out: the work at each minute is the same.
"""

import time
from datetime import UTC, datetime, timedelta
from io import StringIO

from ruamel.yaml import YAML

from hookflash.hours import after_open_time, is_open
from hookflash.matrix import Matrix, examine, first_match
from hookflash.review.check import check_text
from hookflash.review.proof import proved
from hookflash.review.situations import situations
from hookflash.review.year import YEAR, Year

ROUTES, RESPONDERS, CALENDARS = 200, 50, 20
LOOKED_AT = 12
NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)
ZONES = ("America/Chicago", "Europe/Madrid", "Australia/Lord_Howe", "Asia/Kathmandu")
TRIGGERS = ("distress.pain", "distress.anger", "distress.urgency", "scope.fenced", "stuck", "scope", "confidence", "explicit_request")


def large() -> str:
    """Return a matrix of 200 rules, 50 responders and 20 calendars, no two rules alike."""
    hours: dict[str, object] = {"always_on": "always"}
    for number in range(CALENDARS - 1):
        openings = f"{6 + number % 5:02}:{number % 4 * 15:02}-12:00 13:00-{17 + number % 6:02}:30"
        hours[f"h{number}"] = {
            "mon-thu": openings,
            "fri": "08:00-13:30",
            "timezone": ZONES[number % 4],
            "holidays": ("US", "ES", "AU", "FR")[number % 4],
        }
    people = {
        f"p{number}": {
            "hours": f"h{number % (CALENDARS - 1)}" if number else "always_on",
            "desk": "d",
            "line": {"chat": f"p{number}", "voice": "+13125550100"},
        }
        for number in range(RESPONDERS)
    }
    topics = [f"t{number}" for number in range(12)]
    fenced = {topic: {"examples": [f"words about {topic}", f"more about {topic}"]} for topic in topics}
    segments = [f"s{number}" for number in range(12)]
    routes: list[dict[str, object]] = [
        {"when": {"trigger": ["distress.crisis", "distress.red_flag"]}, "ladder": [{"to": "p0", "warm": "30s"}]}
    ]
    for number in range(ROUTES - 2):
        when: dict[str, object] = {
            "trigger": TRIGGERS[number % 8],
            "segment": segments[number // 8 % 12],
            "language": ("en", "es")[number // 96 % 2],
        }
        when |= {"channel": ("chat", "voice")[number // 192 % 2]} | ({"topic": topics[number % 12]} if number % 8 == 3 else {})
        when |= {"during": f"h{number % (CALENDARS - 1)}"} if number // 16 % 2 else {}
        rungs = [{"to": f"p{(number + step) % RESPONDERS}", "warm": "45s"} for step in range(3)]
        routes.append({"name": f"r{number}", "when": when, "ladder": rungs})
    routes.append({"when": {}, "ladder": [{"to": "p0", "warm": "60s"}]})
    document = {
        "hookflash": 1,
        "business": {"name": "Large", "timezone": "America/Chicago", "languages": ["en", "es"], "segments": segments},
        "hours": hours,
        "desks": {"d": {"kind": "builtin"}},
        "responders": people,
        "scope": {"fenced": fenced},
        "routes": routes,
        "nobody": {"desk": "d", "callback": {"within": "2h", "hours": "h0"}},
    }
    out = StringIO()
    YAML().dump(document, out)
    return out.getvalue()


def brute_force(matrix: Matrix, at: datetime) -> int:
    """Ask about every situation at one minute: the route, who is there, and when the promise falls due."""
    found = 0
    for situation in situations(matrix):
        route = first_match(matrix, situation, lambda name: is_open(matrix.calendars[name], at))
        there = [step.to for step in route.ladder if is_open(matrix.calendars[matrix.responders[step.to].hours], at)]
        nobody = route.nobody or matrix.nobody
        due = after_open_time(matrix.calendars[nobody.callback.hours], at, nobody.callback.within)
        found += bool(there) + bool(due)
    return found


def main() -> None:
    text = large()
    begin = time.perf_counter()
    report = check_text(text, "large.yaml", NOW)
    whole = time.perf_counter() - begin
    matrix = examine(text, "large.yaml").matrix
    assert matrix is not None
    begin = time.perf_counter()
    year = Year(matrix, NOW)
    list(proved(year))
    list(year.waits())
    proof = time.perf_counter() - begin
    step = YEAR / LOOKED_AT
    begin = time.perf_counter()
    for number in range(LOOKED_AT):
        brute_force(matrix, NOW + step * number)
    minutes = YEAR / timedelta(minutes=1)
    brute = (time.perf_counter() - begin) / LOOKED_AT * minutes
    print(f"a matrix of {ROUTES} rules, {RESPONDERS} responders, {CALENDARS} calendars: {len(situations(matrix))} situations")
    print(f"{len(report.faults)} findings: {', '.join(sorted({fault.code for fault in report.faults})) or 'none'}")
    print(f"the proof is {brute / proof:,.0f} times as fast as minute by minute ({LOOKED_AT} of {minutes:,.0f} minutes gone through)")
    print(
        f"the whole of check, reading the file included: {brute / whole:,.0f} times as fast; the proof is {100 * proof / whole:.0f} % of it"
    )
    print(f"whole of check: {whole:.2f} s here")


if __name__ == "__main__":
    main()
