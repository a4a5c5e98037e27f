"""The customer's own name, by the words that introduce it."""

import re
from collections.abc import Iterator

from hookflash.brief.facts import Fact
from hookflash.model import EntityKind
from hookflash.spoken import Written

_NAME_FIRST = re.compile(
    r"^\W*(?:(?:yes|ok|sure|and)\W+)?(?P<name>[^\W\d_][\w'’-]{1,30}(?:\s[^\W\d_][\w'’-]{1,30})?) is my name\b", re.IGNORECASE
)
_LEAD = (
    r"my name is|my name's|(?:last|first|full|family|sur) ?name(?: is)?|name is|i'm|i am|this is|the name is|the name's|i am called"
    r"|you're speaking (?:with|to)|it's under|me llamo|mi nombre es|soy|je m'appelle|je suis|mon nom est|ich hei(?:ß|ss)e|ich bin"
    r"|mein name ist|mi chiamo|sono|me chamo|meu nome [eé]|mijn naam is|ik ben"
)
_NAME = re.compile(
    rf"\b(?P<lead>{_LEAD})\s+(?P<name>[^\W\d_][\w'’-]{{1,30}}"
    r"(?:\s+(?!(?:and|y|et|und|with|from|calling|i|my|con|the|but|for|here|that|it|it's|that's|is|spell\w*|as)\b)[^\W\d_][\w'’-]{1,30}){0,2})",
    re.IGNORECASE,
)
# Leads that say outright that a name follows; after the others a capital letter must tell.
_OUTRIGHT = ("name", "nombre", "nom ", "nome", "naam", "called", "llamo", "appelle", "heiße", "heisse", "chiamo", "chamo")
_NOT_NAMES = frozenset(
    {"a", "an", "the", "not", "so", "very", "really", "just", "ridiculous", "unacceptable", "urgent", "about", "for", "my", "your"}
    | {"his", "her", "taking", "getting", "going", "still", "also", "sorry", "on", "wrong", "spelled", "spelt"}
    | {"el", "la", "un", "una", "muy", "le", "une", "der", "die", "das", "ein", "eine", "il", "lo", "o", "os"}
)


def names(text: Written) -> Iterator[Fact]:
    """Yield the customer's own name, behind the words that introduce it."""
    if found := _NAME_FIRST.search(text.text):
        yield Fact(EntityKind.NAME, text.said(*found.span("name")), found["name"].title(), 0.8)
    shouted = text.text.isupper()  # there a capital letter tells nothing
    for found in _NAME.finditer(text.text):
        name, lead = found["name"].strip(), found["lead"].lower()
        outright = any(word in f"{lead} " for word in _OUTRIGHT)
        if name.split()[0].lower() not in _NOT_NAMES and ((name[0].isupper() and not shouted) or outright):
            yield Fact(EntityKind.NAME, text.said(*found.span("name")), name.title(), 0.8)
