"""What a matrix must fulfil beyond its shape: every name exists, every route can be taken, nothing leaves the boundary.

The checks read the plain document, not the typed matrix, so that they report their findings beside faults of shape.
They therefore trust nothing: where a value has the wrong shape they pass over it, since its shape is reported already.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rapidfuzz import process

from hookflash.hours import after_open_time
from hookflash.matrix.schema import TRIGGERS, Matrix, Nobody
from hookflash.matrix.values import DAYS, parse_days, parse_spans
from hookflash.matrix.wording import BUILTIN_WORDING, PLACEHOLDERS, placeholders_of
from hookflash.model import BUILTIN_DESK

Steps = tuple[str | int, ...]
# What must be found here, and where its names are declared. `*` stands for every key or item.
REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("responders", "*", "hours"), "hours"),
    (("responders", "*", "desk"), "desks"),
    (("routes", "*", "ladder", "*", "to"), "responders"),
    (("nobody", "desk"), "desks"),
    (("nobody", "callback", "hours"), "hours"),
    (("routes", "*", "nobody", "desk"), "desks"),
    (("routes", "*", "nobody", "callback", "hours"), "hours"),
    (("routes", "*", "when", "topic"), "scope.fenced"),
    (("routes", "*", "when", "topic", "*"), "scope.fenced"),
)
FAMILIES = ("distress", "scope", "draft")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path of the document, and its mend."""

    path: Steps
    what: str
    mend: str


def findings(document: dict[str, Any]) -> list[Finding]:
    """Return everything that is inconsistent in a matrix document."""
    checks: tuple[Callable[[dict[str, Any]], Iterator[Finding]], ...] = (
        _references,
        _triggers,
        _days,
        _rungs,
        _routes,
        _wording,
        _moments,
        _boundary,
        _desks,
        _openings,
    )
    return [finding for check in checks for finding in check(document)]


def _at(node: Any, pattern: tuple[str, ...], done: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield every (path, value) that a pattern matches in the document."""
    if not pattern:
        yield done, node
        return
    step, rest = pattern[0], pattern[1:]
    if step != "*":
        if isinstance(node, dict) and step in node:
            yield from _at(node[step], rest, (*done, step))
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _at(value, rest, (*done, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _at(value, rest, (*done, index))


def _names(document: dict[str, Any], section: str) -> list[str]:
    found = next(_at(document, tuple(section.split("."))), None)
    return [str(name) for name in found[1]] if found and isinstance(found[1], dict) else []


def _choices(word: str, known: list[str]) -> str:
    nearest = process.extractOne(word, known, score_cutoff=60)
    return f"did you mean `{nearest[0]}`?" if nearest else f"declared: {', '.join(known) or 'none'}"


def _references(document: dict[str, Any]) -> Iterator[Finding]:
    for pattern, section in REFERENCES:
        known = _names(document, section)
        for path, value in _at(document, pattern):
            if isinstance(value, str) and value not in known:
                yield Finding(path, f"`{value}` is not declared under `{section}`", _choices(value, known))


def _triggers(document: dict[str, Any]) -> Iterator[Finding]:
    known = [*TRIGGERS, *FAMILIES]
    for pattern in (("routes", "*", "when", "trigger"), ("routes", "*", "when", "trigger", "*")):
        for path, value in _at(document, pattern):
            if isinstance(value, str) and value not in known:
                yield Finding(path, f"`{value}` is not a trigger", _choices(value, known))


def _days(document: dict[str, Any]) -> Iterator[Finding]:
    """Keys of a calendar are days; none is given twice, and none runs into the next one's opening."""
    for path, calendar in _at(document, ("hours", "*")):
        if not isinstance(calendar, dict):
            continue
        given: set[int] = set()
        for key, spans in calendar.items():
            if key in ("holidays", "closed", "timezone"):
                continue
            try:
                days = set(parse_days(str(key)))
                parse_spans(spans) if isinstance(spans, str) else ()
            except Exception as error:  # noqa: BLE001 - a fault of shape; only that of the key is ours to report
                if "is not a day" in str(error):
                    yield Finding((*path, key), f"`{key}` is not a day", f"use {', '.join(DAYS)}, or a range like mon-fri")
                continue
            if given & days:
                twice = ", ".join(DAYS[day] for day in sorted(given & days))
                yield Finding((*path, key), f"{twice} is given twice", "put all openings of a day in one string")
            given |= days


def _rungs(document: dict[str, Any]) -> Iterator[Finding]:
    for path, step in _at(document, ("routes", "*", "ladder", "*")):
        if isinstance(step, dict) and ("warm" in step) == ("cold" in step):
            yield Finding(path, "a rung rings either `warm` or `cold`", "write one of them, like `warm: 60s`")
    for path, line in _at(document, ("responders", "*", "line")):
        if line == {}:
            yield Finding(path, "nobody can be reached on an empty line", 'add `voice: "+1..."` or `chat: name`')


def _routes(document: dict[str, Any]) -> Iterator[Finding]:
    routes = document.get("routes")
    if not isinstance(routes, list) or not routes:
        return
    catching = [index for index, route in enumerate(routes) if isinstance(route, dict) and route.get("when") == {}]
    last = len(routes) - 1
    if last not in catching and isinstance(routes[last], dict):
        yield Finding(("routes", last), "the last route does not take everything", "end with a route that has `when: {}`")
    named = [route.get("name") for route in routes if isinstance(route, dict)]
    for index, name in enumerate(named):
        if name is not None and name in named[:index]:
            yield Finding(("routes", index), f"another route is called `{name}` already", "give each route a name of its own")
    for index in catching:
        if index < last:
            yield Finding(("routes", index), "no route after this one can be reached", "move the route with `when: {}` to the end")
            return


def _wording(document: dict[str, Any]) -> Iterator[Finding]:
    languages = [value for _, value in _at(document, ("business", "languages", "*")) if isinstance(value, str)] or ["en"]
    for pattern in (("routes", "*", "say"), ("nobody", "say"), ("routes", "*", "nobody", "say")):
        for path, key in _at(document, pattern):
            missing = [language for language in languages if not _has_wording(document, language, key)]
            if isinstance(key, str) and missing:
                where = ", ".join(missing)
                yield Finding(path, f"there are no words `{key}` in {where}", f"add `{key}` under `wording` for each language")
    for path, text in _at(document, ("wording", "*", "*")):
        yield from _placeholders(path, text)


def _has_wording(document: dict[str, Any], language: str, key: Any) -> bool:
    own = next(_at(document, ("wording", language)), None)
    written = own is not None and isinstance(own[1], dict) and key in own[1]
    return written or key in BUILTIN_WORDING.get(language.partition("-")[0], {})


def _placeholders(path: Steps, text: Any) -> Iterator[Finding]:
    if not isinstance(text, str):
        return
    try:
        used = placeholders_of(text)
    except ValueError:
        yield Finding(path, "the braces do not match, or hold more than a name", "write placeholders like {callback_by}")
        return
    for name in sorted(used - PLACEHOLDERS):
        yield Finding(path, f"{{{name}}} is not a placeholder", _choices(name, sorted(PLACEHOLDERS)))


def _moments(document: dict[str, Any]) -> Iterator[Finding]:
    """Words are said when they are so: a due time only with a promise, a responder only when one is rung."""
    for path, key in _at(document, ("routes", "*", "say")):
        for language, text in _own_words(document, key):
            for name in sorted(_used(text) - {"business"}):
                what = f"`{key}` in {language} says {{{name}}}, which is not known when the decision is made"
                yield Finding(path, what, "say it in `nobody` or `connecting`, or leave it out")


def _own_words(document: dict[str, Any], key: Any) -> Iterator[tuple[str, str]]:
    for path, text in _at(document, ("wording", "*")):
        if isinstance(text, dict) and isinstance(text.get(key), str):
            yield str(path[-1]), text[key]


def _used(text: str) -> set[str]:
    try:
        return placeholders_of(text)
    except ValueError:
        return set()


def _openings(document: dict[str, Any]) -> Iterator[Finding]:
    """A calendar that never opens keeps no promise and answers no ring."""
    for path, calendar in _at(document, ("hours", "*")):
        if isinstance(calendar, dict) and not set(calendar) - {"holidays", "closed", "timezone"}:
            yield Finding(path, "the calendar is never open", 'name days, like mon-fri: "09:00-17:00", or write `always`')


def _boundary(document: dict[str, Any]) -> Iterator[Finding]:
    """In a regulated matrix every destination of a brief lies inside the boundary."""
    business = document.get("business")
    if not isinstance(business, dict) or not business.get("regulated"):
        return
    for pattern in (("responders", "*", "desk"), ("nobody", "desk"), ("routes", "*", "nobody", "desk")):
        for path, name in _at(document, pattern):
            desk = next(_at(document, ("desks", str(name))), None)
            if desk and isinstance(desk[1], dict) and desk[1].get("kind") != BUILTIN_DESK and desk[1].get("baa") is not True:
                yield Finding(
                    path,
                    f"protected health data would leave the boundary: desk `{name}` has no `baa: true`",
                    "set `baa: true` once the agreement is signed, or name a desk that has it",
                )


def _desks(document: dict[str, Any]) -> Iterator[Finding]:
    for path, desk in _at(document, ("desks", "*")):
        if not isinstance(desk, dict):
            continue
        if path[-1] == BUILTIN_DESK and desk.get("kind") != BUILTIN_DESK:
            yield Finding(path, "`builtin` is the name of hookflash's own desk", "give this desk another name")
        if desk.get("kind") == "webhook" and not desk.get("url"):
            yield Finding(path, "a webhook desk needs a `url`", 'add `url: "https://..."`')
        for key in desk:
            if desk.get("kind") in (BUILTIN_DESK, "webhook") and key not in ("kind", "baa", "url", "secret_env"):
                known = ["kind", "baa", "url", "secret_env"]
                yield Finding((*path, key), f"`{key}` is not a key of a {desk['kind']} desk", _choices(str(key), known))


# Any instant does: a calendar repeats itself within the year that is looked ahead.
_SOME_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def unkeepable(matrix: Matrix) -> list[Finding]:
    """Return a finding for each promise whose opening time never adds up within a year."""
    promises: list[tuple[Steps, Nobody | None]] = [(("nobody",), matrix.nobody)]
    promises += [(("routes", number, "nobody"), route.nobody) for number, route in enumerate(matrix.routes)]
    return [
        Finding((*path, "callback"), "there is not so much opening time in a year", "shorten `within`, or name other hours")
        for path, nobody in promises
        if nobody and nobody.callback.hours in matrix.calendars
        if after_open_time(matrix.calendars[nobody.callback.hours], _SOME_INSTANT, nobody.callback.within) is None
    ]
