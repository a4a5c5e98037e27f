"""Facts that the customer gave: each as said, as a machine reads it, in which turn, and how sure."""

from datetime import datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from hookflash.brief.amounts import amounts, postcodes
from hookflash.brief.answers import answer
from hookflash.brief.dates import dates, times
from hookflash.brief.facts import Fact, complaints, emails, phones
from hookflash.brief.names import names
from hookflash.brief.numbers import cards, numbers, references
from hookflash.cards import mask_cards
from hookflash.model import Entity, EntityKind, HistoryTurn, Speaker
from hookflash.spoken import written

# Customers state facts in the first lines; what follows in a pasted document is no fact about them.
SCANNED_CHARACTERS = 4_000
MAX_OF_A_KIND = 12


def entities(
    history: tuple[HistoryTurn, ...], *, now: datetime, zone: str, country: str, complaint: bool, language: str = "en"
) -> tuple[Entity, ...]:
    """Return the facts in the customer's turns, each normalised value once, at its first mention.

    `now`, `zone` (IANA) and `country` (two letters) resolve relative dates, local phone numbers and postcodes; numbers in
    words are read as `language` (two letters). Complaint types are looked for only where the handoff is about one.
    """
    kept: dict[tuple[EntityKind, str], Entity] = {}
    asked = ""
    for turn in history:
        if turn.speaker is not Speaker.CUSTOMER:
            asked = turn.text
            continue
        said_at = (turn.at or now).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for fact in _facts(turn.text[:SCANNED_CHARACTERS], asked[-SCANNED_CHARACTERS:], said_at, country, language):
            if fact.kind is EntityKind.COMPLAINT and not complaint:
                continue
            entity = Entity(kind=fact.kind, value=fact.said, normalised=fact.normalised, turn=turn.number, confidence=fact.confidence)
            kept.setdefault((fact.kind, fact.normalised), entity)
        asked = ""
    return tuple(sorted(kept.values(), key=lambda entity: entity.turn))


@lru_cache(maxsize=4_096)
def _facts(text: str, asked: str, said_at: datetime, country: str, language: str) -> tuple[Fact, ...]:
    """Return the facts in one turn, a reply to what was `asked`; `said_at` is the wall time of the business.

    Remembered, since briefs are made anew.
    """
    read = written(text, language)
    finders = (
        emails(read),
        phones(read, country),
        numbers(read),
        cards(read),
        amounts(read),
        postcodes(read, country),
        names(read),
        complaints(read),
        dates(read, said_at),
        times(read),
    )
    found = [fact for finder in finders for fact in islice(finder, MAX_OF_A_KIND)]
    meant = answer(read, asked, country) if asked else None
    if meant is not None and all(meant.kind is not fact.kind for fact in found):
        found.append(meant)
    found += islice(references(read, found), MAX_OF_A_KIND)
    return tuple(fact._replace(said=mask_cards(fact.said), normalised=mask_cards(fact.normalised)) for fact in found)
