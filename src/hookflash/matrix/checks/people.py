"""Responders can be reached, and desks are what they say they are."""

from collections.abc import Iterator
from typing import Any

from hookflash.matrix.findings import Finding, at, choices
from hookflash.model import BUILTIN_DESK

OWN_KINDS = (BUILTIN_DESK, "webhook")
DESK_KEYS = ("kind", "baa", "url", "secret_env")


def lines(document: Any) -> Iterator[Finding]:
    """Yield responders that no line leads to."""
    for path, line in at(document, ("responders", "*", "line")):
        if line == {}:
            yield Finding("no-line", path, "nobody can be reached on an empty line", 'add `voice: "+1..."` or `chat: name`')


def desks(document: Any) -> Iterator[Finding]:
    """Yield desks under our own name, without what their kind needs, or with keys that it does not know."""
    for path, desk in at(document, ("desks", "*")):
        if not isinstance(desk, dict):
            continue
        kind = desk.get("kind")
        if path[-1] == BUILTIN_DESK and kind != BUILTIN_DESK:
            yield Finding("reserved-name", path, "`builtin` is the name of hookflash's own desk", "give this desk another name")
        if kind == "webhook" and not desk.get("url"):
            yield Finding("missing-key", path, "a webhook desk needs a `url`", 'add `url: "https://..."`')
        for key in desk:
            if kind in OWN_KINDS and key not in DESK_KEYS:
                yield Finding("unknown-key", (*path, key), f"`{key}` is not a key of a {kind} desk", choices(str(key), DESK_KEYS))
