"""What the proof finds: routes and rungs that can never be, promises that cannot be kept, distress that finds nobody."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from hookflash.decide import FLOOR, urgency_of
from hookflash.matrix import Route, Situation
from hookflash.matrix.findings import Finding, Steps
from hookflash.matrix.match import MODERATE, SEVERE
from hookflash.matrix.values import format_duration
from hookflash.matrix.wording import text_of
from hookflash.model import Kind
from hookflash.review.situations import is_off
from hookflash.review.stretches import describe, length, moment
from hookflash.review.timeline import NEVER, common, union, without
from hookflash.review.year import Year, late, unstaffed

# Routes named in one finding at most.
MAX_NAMED = 5
# An emergency number, or the words for one.
_EMERGENCY = re.compile(r"\d{2,}|emergenc|emergênc|urgence|notruf|emergenz|alarm|pogotowi", re.IGNORECASE)


def proved(year: Year) -> Iterator[Finding]:
    """Yield everything that the proof finds."""
    checks: tuple[Callable[[Year], Iterator[Finding]], ...] = (
        closed_calendars,
        unreached_routes,
        closed_rungs,
        promises,
        uncovered_emergencies,
        delayed_requests,
        unspoken_languages,
        replaced_emergency_words,
        lowered_urgency,
    )
    for check in checks:
        yield from check(year)


def closed_calendars(year: Year) -> Iterator[Finding]:
    """Calendars that name days and yet never open in the year."""
    for name, openings in year.openings.items():
        if common(openings, year.window).is_empty:
            what = f"`{name}` is not open at any time of the coming year"
            yield Finding("never-open", ("hours", name), what, "look at its holidays and closed days")


def unreached_routes(year: Year) -> Iterator[Finding]:
    """Routes that nothing ever reaches. The last one takes what is left over, be it nothing."""
    matrix = year.matrix
    for index, route in enumerate(matrix.routes[:-1]):
        if index in year.reach.taken:
            continue
        path = ("routes", index)
        never = _never(route, year)
        if never is not None:
            yield Finding("unreachable-route", path, f"nothing ever meets its conditions: {never}", "mend its `when`, or remove it")
            continue
        before = [matrix.route_name(matrix.routes[other]) for other in _takers(year, index)]
        others = f" and {len(before) - MAX_NAMED} others" if len(before) > MAX_NAMED else ""
        what = f"everything that it would take is taken before, by {', '.join(before[:MAX_NAMED])}{others}"
        yield Finding("shadowed-route", path, what, "move it up, or remove it")


def _never(route: Route, year: Year) -> str | None:
    """Return why the conditions of a route are never met, or None where they are and others come first."""
    index = year.matrix.routes.index(route)
    off = [trigger for trigger in route.when.trigger if is_off(trigger, year.matrix)]
    if off and len(off) == len(route.when.trigger):
        return f"{', '.join(off)} is off"
    if not any(index in routes for routes in year.reach.fitting.values()):
        return "no escalation has all of them together"
    if route.when.during or route.when.outside:
        openings = union(year.openings[name] for name in route.when.during) if route.when.during else year.window
        if without(common(openings, year.window), *(year.openings[name] for name in route.when.outside)).is_empty:
            return "its calendars leave no time at all"
    return None


def _takers(year: Year, index: int) -> list[int]:
    """Return the earlier routes that take what a route would take."""
    wanted = [situation for situation, routes in year.reach.fitting.items() if index in routes]
    return sorted({other for situation in wanted for other in year.reach.taken_by[situation] if other < index})


def closed_rungs(year: Year) -> Iterator[Finding]:
    """Rungs that are closed at every time at which their route is taken."""
    for index in year.reach.taken:
        route = year.matrix.routes[index]
        asked = year.reach.when(index)
        for number, (step, openings) in enumerate(zip(route.ladder, year.rungs(route), strict=True)):
            if common(asked, openings).is_empty:
                hours = year.matrix.responders[step.to].hours
                what = f"`{step.to}` is never there when this route is taken: `{hours}` is closed then"
                yield Finding("rung-never-open", ("routes", index, "ladder", number), what, "ring somebody who is, or mend the hours")


def promises(year: Year) -> Iterator[Finding]:
    """Promises beyond their cap, or due before anybody is there."""
    told: set[Steps] = set()
    zone = year.matrix.business.timezone
    for index in year.reach.taken:
        route = year.matrix.routes[index]
        nobody = year.nobody_of(route)
        path: Steps = (*(("routes", index) if route.nobody else ()), "nobody", "callback")
        if path in told:
            continue
        made = year.reach.when(index).lasting(year.ringing(route))
        beyond = late(year, nobody, made)
        if beyond is not None:
            told.add(path)
            cap = format_duration(nobody.callback.cap)
            due = "in more than a year" if beyond[1] >= NEVER else f"by {moment(beyond[1], zone)}, {length(beyond[1] - beyond[0])} later"
            what = f"asked at {moment(beyond[0], zone)}, a customer is promised an answer {due}; the cap is {cap}"
            yield Finding("promise-beyond-cap", path, what, "open earlier, shorten `within`, or raise `cap`")
        first = unstaffed(year, nobody, made)
        if first is not None:
            told.add(path)
            due = f"falls due at {moment(first[1], zone)}, and nobody of `{nobody.desk}` is there before"
            what = f"a promise made at {moment(first[0], zone)} {due}"
            yield Finding("unstaffed-promise", path, what, "promise within hours at which somebody is there")


def uncovered_emergencies(year: Year) -> Iterator[Finding]:
    """Crises and red flags that find nobody. Where patients are answered that is an error."""
    zone = year.matrix.business.timezone
    regulated = year.matrix.business.regulated is not None
    for index in year.reach.taken:
        route = year.matrix.routes[index]
        for trigger in (Kind.CRISIS, Kind.RED_FLAG):
            gaps = year.uncovered(route, year.reach.when(index, trigger=trigger))
            if not gaps.is_empty:
                share = 100 * gaps.total / year.window.total
                what = f"{trigger} finds nobody {share:.0f} % of the time: {describe(gaps, zone)}"
                mend = "end its ladder with somebody who is there at all times"
                yield Finding("crisis-uncovered", ("routes", index, "ladder"), what, mend, raised=regulated)
                break


def delayed_requests(year: Year) -> Iterator[Finding]:
    """Requests for a person that are put off while those who take everything else are there."""
    matrix, zone = year.matrix, year.matrix.business.timezone
    general = matrix.routes[-1]
    there = union(year.rungs(general))
    for index in year.reach.taken:
        route = matrix.routes[index]
        gaps = common(year.uncovered(route, year.reach.when(index, trigger=Kind.EXPLICIT_REQUEST)), there)
        if not gaps.is_empty:
            names = ", ".join(dict.fromkeys(step.to for step in general.ladder))
            what = f"a request for a person finds nobody here while the last route has {names}: {describe(gaps, zone)}"
            mend = f"add {general.ladder[0].to} to the end of this ladder"
            yield Finding("explicit-request-delayed", ("routes", index, "ladder"), what, mend)


def unspoken_languages(year: Year) -> Iterator[Finding]:
    """Ladders on which nobody speaks a language that customers of the route speak. Who names no language speaks them all."""
    for index, situations in year.reach.taken.items():
        people = [year.matrix.responders[step.to] for step in year.matrix.routes[index].ladder]
        if not all(person.languages for person in people):
            continue
        spoken = {language.partition("-")[0] for person in people for language in person.languages}
        missing = sorted({one.language for one in situations if one.language.partition("-")[0] not in spoken})
        if missing:
            what = f"nobody on the ladder speaks {', '.join(missing)}"
            yield Finding("language-not-spoken", ("routes", index, "ladder"), what, "add somebody who does, or mend their `languages`")


def replaced_emergency_words(year: Year) -> Iterator[Finding]:
    """Words of a route that stand in for those of an emergency and name no emergency number."""
    matrix = year.matrix
    for index, situations in year.reach.taken.items():
        key = matrix.routes[index].say
        if key is None or not any(one.trigger in FLOOR for one in situations):
            continue
        silent = [one for one in matrix.business.languages if not _EMERGENCY.search(text_of(matrix, one, key) or "")]
        if silent:
            what = f"a crisis or red flag is answered with `{key}`, which names no emergency number ({', '.join(silent)})"
            yield Finding("no-emergency-words", ("routes", index, "say"), what, "leave `say` out, or say whom to call in danger")


def lowered_urgency(year: Year) -> Iterator[Finding]:
    """Severe forms of a trigger that are less urgent than moderate ones: a stronger signal must never weigh less."""
    told: set[int] = set()
    for situation, routes in year.reach.taken_by.items():
        milder = year.reach.taken_by.get(situation._replace(severity=MODERATE), {}) if situation.severity == SEVERE else {}
        for index, pieces in routes.items():
            for other, then in milder.items():
                if index in told or _rank(year, other, situation) <= _rank(year, index, situation) or not np.any(pieces & then):
                    continue
                told.add(index)
                name = year.matrix.route_name(year.matrix.routes[other])
                what = f"severe {situation.trigger} is less urgent here than moderate {situation.trigger} is on {name}"
                yield Finding("severe-less-urgent", ("routes", index), what, "raise the `urgency` of this route")


def _rank(year: Year, index: int, situation: Situation) -> int:
    return urgency_of(year.matrix.routes[index], situation.trigger).rank
