"""Every name that is used is declared, and every name that is declared is used."""

from collections.abc import Iterator
from typing import Any

from hookflash.matrix.findings import Finding, at, at_any, choices, names, one_or_more
from hookflash.matrix.triggers import FAMILIES, TRIGGERS
from hookflash.matrix.wording import MOMENTS, VARIANTS

# What must be found here, and where its names are declared.
REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("responders", "*", "hours"), "hours"),
    (("responders", "*", "desk"), "desks"),
    (("routes", "*", "ladder", "*", "to"), "responders"),
    (("nobody", "desk"), "desks"),
    (("nobody", "callback", "hours"), "hours"),
    (("routes", "*", "nobody", "desk"), "desks"),
    (("routes", "*", "nobody", "callback", "hours"), "hours"),
    (("routes", "*", "when", "topic"), "scope.fenced"),
    (("routes", "*", "when", "during"), "hours"),
    (("routes", "*", "when", "outside"), "hours"),
)
# What must be found in a list of the business, and what is taken where the list is left out.
LISTED: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (("routes", "*", "when", "language"), "languages", ("en",)),
    (("routes", "*", "when", "segment"), "segments", ()),
)
SAID = (("routes", "*", "say"), ("nobody", "say"), ("routes", "*", "nobody", "say"))


def declared_names(document: Any) -> Iterator[Finding]:
    """Yield every name that is declared nowhere."""
    for pattern, section in REFERENCES:
        known = names(document, section)
        for path, value in one_or_more(document, pattern):
            if value not in known:
                yield Finding("unknown-name", path, f"`{value}` is not declared under `{section}`", choices(value, known))
    for pattern, key, default in LISTED:
        known = [value for _, value in one_or_more(document, ("business", key))] or list(default)
        for path, value in one_or_more(document, pattern):
            if value not in known:
                yield Finding("unknown-name", path, f"`{value}` is not among `business.{key}`", choices(value, known))


def known_triggers(document: Any) -> Iterator[Finding]:
    """Yield every trigger that does not exist."""
    known = [*TRIGGERS, *FAMILIES]
    for path, value in one_or_more(document, ("routes", "*", "when", "trigger")):
        if value not in known:
            yield Finding("unknown-trigger", path, f"`{value}` is not a trigger", choices(value, known))


def used_names(document: Any) -> Iterator[Finding]:
    """Yield every responder, desk, calendar, segment and text that nothing uses: most often a slip in a name."""
    for section in ("hours", "desks", "responders"):
        used = {value for pattern, where in REFERENCES if where == section for _, value in one_or_more(document, pattern)}
        for name in names(document, section):
            if name not in used:
                yield Finding("unused", (section, name), f"`{name}` is declared and never used", "use it, or remove it")
    yield from _unused_words(document)
    used = {value for _, value in one_or_more(document, ("routes", "*", "when", "segment"))}
    for path, value in one_or_more(document, ("business", "segments")):
        if not used:
            yield Finding("unused", path, f"no route tells the segment `{value}` apart", "name it in a route's `when`, or remove it")


def _unused_words(document: Any) -> Iterator[Finding]:
    said = {value for _, value in at_any(document, SAID) if isinstance(value, str)} | {*MOMENTS, *VARIANTS}
    for path, _ in at(document, ("wording", "*", "*")):
        if path[-1] not in said:
            yield Finding("unused", path, f"the words `{path[-1]}` are never said", choices(str(path[-1]), sorted(said)))
