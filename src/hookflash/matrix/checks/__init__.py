"""What a matrix must fulfil beyond its shape, as far as the text alone tells: names, rungs, words, boundary, secrets.

The checks read the plain document, not the typed matrix, so that they report their findings beside faults of shape.
They therefore trust nothing: where a value has the wrong shape they pass over it, since its shape is reported already.
What needs calendars and every situation is proved in `hookflash.review`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from hookflash.matrix.checks import boundary, calendars, people, references, routing, scope, secrets, wording
from hookflash.matrix.findings import Finding

CHECKS: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    references.declared_names,
    references.known_triggers,
    references.used_names,
    calendars.days,
    calendars.openings,
    people.lines,
    people.desks,
    routing.rungs,
    routing.last_route,
    routing.route_names,
    routing.explicit_request,
    routing.lines_for_channels,
    routing.pain,
    scope.contradictions,
    wording.languages,
    wording.texts,
    wording.moments,
    boundary.destinations,
    boundary.encryption,
    boundary.retention,
    secrets.plain_secrets,
)


def findings(document: Any) -> list[Finding]:
    """Return everything that is inconsistent in a matrix document."""
    return [finding for check in CHECKS for finding in check(document)]
