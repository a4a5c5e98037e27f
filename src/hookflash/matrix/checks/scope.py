"""The scope says one thing about each sentence."""

import re
from collections.abc import Iterator
from typing import Any

from hookflash.matrix.findings import Finding, at, at_any, names

EXAMPLES = (("scope", "intents", "*", "examples", "*"), ("scope", "fenced", "*", "examples", "*"))


def contradictions(document: Any) -> Iterator[Finding]:
    """Yield examples that stand for two things, and names that are both allowed and fenced."""
    meant: dict[str, tuple[Any, ...]] = {}
    for path, text in at_any(document, EXAMPLES):
        if not isinstance(text, str):
            continue
        before = meant.setdefault(_plain(text), path[:3])
        if before != path[:3]:
            what = f"the same words stand for `{before[2]}` under {before[1]} and for `{path[2]}` under {path[1]}"
            yield Finding("contradicting-examples", path, what, "keep them in one place")
    for name in set(names(document, "scope.intents")) & set(names(document, "scope.fenced")):
        for path, _ in at(document, ("scope", "fenced", name)):
            yield Finding(
                "contradicting-examples", path, f"`{name}` is both an intent and fenced", "name one of them otherwise, or remove it"
            )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold().replace("'", "").replace("’", "")))
