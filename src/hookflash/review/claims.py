"""Words that claim what the plan does not do at the moment at which they are said.

`connecting you` needs somebody who is being rung; a callback needs a promise; a time needs to be the promised one.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from hookflash.matrix.findings import Finding, Steps
from hookflash.matrix.wording import KNOWN_AT, MOMENTS, VARIANTS, placeholders_of, text_of
from hookflash.model import Kind
from hookflash.review.stretches import describe
from hookflash.review.timeline import Timeline, union
from hookflash.review.year import Year
from hookflash.signals.lexicon import Lexicon
from hookflash.signals.text import phrases_in, words_in

CONNECTION, CALLBACK, CONFIRM, TIME = "connection", "callback", "confirm", "time"
AT_ONCE = ("acknowledge", "crisis")
WHILE_RINGING = ("connecting", "ringing")
_PLACEHOLDER = re.compile(r"\{\w*\}")
_NUMBER = r"(\d+|one|two|three|four|five|six|a few|an|una|dos|tres|une|deux|eine[rm]?|zwei|due|uma|een|twee)"
_UNIT = (
    r"(min(ute|uto|uut|uten|utes|utos|uti|ut)?s?|hours?|horas?|heures?|stunden?|or[ae]|uur|uren|godzin\w*"
    r"|days?|d[ií]as?|jours?|tagen?|giorni|dias?|dagen|dni)"
)
_WITHIN = (
    r"(within|in|in under|in less than|after|en|dentro de|en menos de|dans|sous|in weniger als|innerhalb von|entro|tra|em"
    r"|binnen|w ci[ąa]gu)"
)
_UNTIL = r"(by|before|antes de las?|avant|bis|prima delle|até às|vóór|do)"
# A length or hour of its own: `within two hours`, `in 10 minutes`, `by 5 pm`, `antes de las 17:00`.
_OWN_TIME = re.compile(
    rf"\b{_WITHIN}\s+(the next\s+)?({_NUMBER}|the)\s+{_UNIT}\b"
    rf"|(?<!\d )(?<!uhr )\b{_UNTIL}\s+\d{{1,2}}([:.h]\d{{2}})?\s*([ap]\.?m\b\.?|o'clock|uhr|h\b|uur)"
    rf"|(?<!\d )(?<!uhr )\b{_UNTIL}\s+\d{{1,2}}[:.h]\d{{2}}\b",
    re.IGNORECASE,
)


class _Use(NamedTuple):
    """Words at a moment: where they are written or named, in which language, what they are, and on which routes."""

    path: Steps
    language: str
    key: str
    moment: str
    text: str
    routes: tuple[int, ...]


def claims(year: Year) -> Iterator[Finding]:
    """Yield everything that the words of a matrix claim and the plan does not do."""
    for use in _uses(year):
        yield from _untimely(use)
        yield from _of_moment(use, year)
        yield from _of_any_moment(use)


def _uses(year: Year) -> Iterator[_Use]:
    """Yield every text of every moment, in every language, as far as the matrix names or writes it."""
    told: set[tuple[str, str, str]] = set()
    for path, key, moment, routes in _named(year):
        for language in year.matrix.business.languages:
            text = text_of(year.matrix, language, key)
            if text is None or (language, key, moment) in told:
                continue
            told.add((language, key, moment))
            own = year.matrix.wording.get(language, {}).get(key)
            if own is not None:
                yield _Use(("wording", language, key), language, key, moment, own, routes)
            elif key not in (*MOMENTS, *VARIANTS) or (key in MOMENTS and key != moment):
                yield _Use(path, language, key, moment, text, routes)


def _named(year: Year) -> Iterator[tuple[Steps, str, str, tuple[int, ...]]]:
    """Yield (where it is named, name, moment, routes) for everything that can be said."""
    matrix = year.matrix
    everywhere = tuple(year.reach.taken)
    silent = tuple(index for index in everywhere if matrix.routes[index].say is None)
    for index in everywhere:
        key = matrix.routes[index].say
        if key is not None:
            same = tuple(other for other in everywhere if matrix.routes[other].say == key)
            yield ("routes", index, "say"), key, "acknowledge", same
        nobody = matrix.routes[index].nobody
        if nobody is not None:
            yield ("routes", index, "nobody", "say"), nobody.say, "nobody", (index,)
    yield ("nobody", "say"), matrix.nobody.say, "nobody", everywhere
    for variant in VARIANTS:
        yield ("wording",), variant, "nobody", everywhere
    for moment in MOMENTS:
        if moment != "nobody":
            yield ("wording",), moment, moment, silent if moment in AT_ONCE else everywhere


def _untimely(use: _Use) -> Iterator[Finding]:
    """Our own words, named for a moment at which they cannot be filled in."""
    if use.path[0] == "wording":
        return  # what is written in the file was looked at with its text
    for name in sorted(placeholders_of(use.text) - KNOWN_AT[use.moment]):
        what = f"`{use.key}` says {{{name}}}, which is not known when it is said ({MOMENTS[use.moment]})"
        yield Finding("untimely-placeholder", use.path, what, "name other words")


def _of_moment(use: _Use, year: Year) -> Iterator[Finding]:
    found = _found(use.text)
    if CONNECTION in found and use.moment in AT_ONCE:
        yield _early_connection(use, year, found[CONNECTION])
    elif CONNECTION in found and use.moment not in WHILE_RINGING:
        what = f"it says “{found[CONNECTION]}”, and nobody is being rung when it is said ({MOMENTS[use.moment]})"
        yield Finding("claims-connection", use.path, what, "say it in `connecting`, which is said when it rings")
    if CALLBACK in found and use.moment != "nobody":
        what = f"it says “{found[CALLBACK]}”, and nothing is promised when it is said ({MOMENTS[use.moment]})"
        yield Finding("claims-callback", use.path, what, "say it in `nobody`, which is said once the promise is stored")
    own_time = _OWN_TIME.search(use.text)
    said = own_time.group() if own_time else found.get(TIME)
    if said and use.moment in (*AT_ONCE, "nobody"):
        what = f"it says “{said}”, whatever the promised time is"
        yield Finding("fixed-callback-time", use.path, what, "say {callback_by} in `nobody`; leave times out elsewhere")
    if use.moment == "nobody" and "{callback_by" not in use.text:
        yield Finding("no-callback-time", use.path, "it does not say by when somebody gets back", "say {callback_by}")
    if CONFIRM in found and "?" in use.text and use.moment in AT_ONCE and _is_for_requests(use, year):
        what = f"somebody who asked for a person is asked “{found[CONFIRM]}”"
        yield Finding("explicit-request-questioned", use.path, what, "say what happens now; ask nothing")


def _early_connection(use: _Use, year: Year, words: str) -> Finding:
    """Nobody is rung yet when it is said. Where somebody always will be it is early; elsewhere it is not so."""
    gaps = union([*(_uncovered(year, index) for index in use.routes)])
    mend = "say that a person is asked; `connecting` is said when it rings"
    if gaps.is_empty:
        return Finding("early-connection", use.path, f"it says “{words}” before anybody is rung", mend)
    when = describe(gaps, year.matrix.business.timezone)
    return Finding("claims-connection", use.path, f"it says “{words}”, and nobody is there to ring: {when}", mend)


def _uncovered(year: Year, index: int) -> Timeline:
    return year.uncovered(year.matrix.routes[index], year.reach.when(index))


def _is_for_requests(use: _Use, year: Year) -> bool:
    return any(situation.trigger == Kind.EXPLICIT_REQUEST for index in use.routes for situation in year.reach.taken[index])


def _of_any_moment(use: _Use) -> Iterator[Finding]:
    phrases = {*phrases_in(_bare(use.text)), *_found(use.text)}
    if not phrases.isdisjoint((Kind.DRAFT_HUMAN, "human")):
        yield Finding("claims-human", use.path, "it claims that the assistant is a person", "say that it is an assistant")
    if not phrases.isdisjoint((Kind.DRAFT_DISCOURAGES, "discourage")) and use.moment != "nobody":
        yield Finding("discourages-person", use.path, "it talks the customer out of a person", "offer the person without conditions")


def _found(text: str) -> dict[str, str]:
    """Return the first words of each kind of claim in a text."""
    bare = _bare(text)
    found: dict[str, str] = {}
    for one in _lexicon().find(words_in(bare)):
        found.setdefault(one.kind, bare[one.start : one.end])
    return found


def _bare(text: str) -> str:
    """Put a name in the place of each placeholder."""
    return _PLACEHOLDER.sub("somebody", text)


@cache
def _lexicon() -> Lexicon:
    text = resources.files("hookflash.review").joinpath("claims.toml").read_text(encoding="utf-8")
    documents: dict[str, Any] = tomllib.loads(text)
    return Lexicon(documents)
