"""Routes and ladders: each rung rings, the last route takes everything, and a request for a person meets no friction."""

from collections.abc import Iterator
from typing import Any

from hookflash.matrix.findings import Finding, at, at_any, one_or_more
from hookflash.matrix.match import covers
from hookflash.model import Channel, Kind


def rungs(document: Any) -> Iterator[Finding]:
    """Yield rungs that ring in no way or in two."""
    for path, step in at(document, ("routes", "*", "ladder", "*")):
        if isinstance(step, dict) and ("warm" in step) == ("cold" in step):
            yield Finding("bad-rung", path, "a rung rings either `warm` or `cold`", "write one of them, like `warm: 60s`")


def _routes(document: Any) -> list[Any]:
    routes = document.get("routes") if isinstance(document, dict) else None
    return routes if isinstance(routes, list) else []


def last_route(document: Any) -> Iterator[Finding]:
    """Yield a last route that leaves something out, and routes that an earlier one without conditions hides."""
    routes = _routes(document)
    if not routes:
        return
    last = len(routes) - 1
    catching = [index for index, route in enumerate(routes) if isinstance(route, dict) and not route.get("when", True)]
    if last not in catching and isinstance(routes[last], dict) and "when" in routes[last]:
        what = "the last route does not take everything, so that some escalations would find no route"
        yield Finding("no-catch-all", ("routes", last), what, "end with a route that has `when: {}`")
    for index in range(catching[0] + 1, last + 1) if catching else ():
        what = f"routes[{catching[0]}] takes everything, so this one never gets anything"
        yield Finding("shadowed-route", ("routes", index), what, f"move routes[{catching[0]}] to the end")


def route_names(document: Any) -> Iterator[Finding]:
    """Yield names that two routes share: reports could not tell them apart."""
    named = [route.get("name") if isinstance(route, dict) else None for route in _routes(document)]
    for index, name in enumerate(named):
        if name is not None and name in named[:index]:
            path = ("routes", index, "name")
            yield Finding("duplicate-name", path, f"another route is called `{name}` already", "give each route a name of its own")


def explicit_request(document: Any) -> Iterator[Finding]:
    """Yield routes on which a request for a person depends on how sure we are of it."""
    for path, when in at(document, ("routes", "*", "when")):
        if not isinstance(when, dict) or not when.get("severity"):
            continue
        asked = [value for _, value in one_or_more(when, ("trigger",))]
        if any(covers(name, Kind.EXPLICIT_REQUEST) for name in asked):
            what = "a request for a person depends on `severity`; it is the same request however it is put"
            yield Finding("explicit-request-conditioned", (*path, "severity"), what, "remove `severity`, or give the request its own route")


def lines_for_channels(document: Any) -> Iterator[Finding]:
    """Yield rungs of a route for one channel that have no line of its kind."""
    for path, route in at(document, ("routes", "*")):
        channels = [value for _, value in one_or_more(route, ("when", "channel"))]
        if len(channels) != 1 or channels[0] not in list(Channel):
            continue
        for step, to in at(route, ("ladder", "*", "to")):
            line = next((found for _, found in at(document, ("responders", str(to), "line"))), None)
            if isinstance(line, dict) and line and channels[0] not in line:
                what = f"the route is for {channels[0]}, and `{to}` has no {channels[0]} line"
                yield Finding(
                    "no-line-for-channel", (*path, *step), what, f"give `{to}` a `{channels[0]}` line, or ring somebody who has one"
                )


def pain(document: Any) -> Iterator[Finding]:
    """Yield pain that nobody hears, where patients are answered."""
    regulated = next(at(document, ("business", "regulated")), None)
    for path, value in at_any(document, (("triggers", "distress", "pain"),)):
        if value == "off" and regulated and regulated[1]:
            what = "pain is off where health data is handled: a patient in pain is left to the assistant"
            yield Finding("pain-unheard", path, what, "leave it on, like pain: {at: 0.5}")
