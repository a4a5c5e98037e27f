"""What the encoder learns from: labelled texts, made a little worse the way customers do, and texts on one topic."""

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hookflash.lab.train import HELD_OUT, Line, drafts, turns
from hookflash.model import Kind
from hookflash.signals.meaning import DRAFTS, TURNS, WISH

# Speech comes without punctuation and typing with slips; the share of texts that are changed so.
BARE, SLIP, MAX_SLIPS = 0.3, 0.12, 2
# A share of texts is continued by another one, so that long turns are learned too.
CONTINUED, CONTINUED_CHARACTERS = 0.2, 200
JOINTS = (". ", " ", " ", ", ")
# How many texts of other businesses teach what a wish is, beside as many replies that state none.
WISHES = 4_000


class Sample(NamedTuple):
    """A text and, for each class that was looked for, whether it shows it; only texts of one `family` may follow one another."""

    text: str
    shown: Mapping[str, bool]
    family: str


def samples(corpora: Path) -> list[Sample]:
    """Return every labelled text, less those of the authors who are held out."""
    labelled = [_of_turn(line) for line in turns(corpora) if line.author not in HELD_OUT]
    replies = [_of_line(line, DRAFTS, "draft") for line in drafts(corpora) if line.author not in HELD_OUT]
    others = random.Random(3).sample(_rows(corpora / "topics.jsonl"), WISHES)
    wishes = [Sample(row["text"], {WISH: True, Kind.PLEASED: False}, "wish") for row in others]
    no_wishes = [Sample(row["text"], {WISH: False}, "wish") for row in _rows(corpora / "replies.jsonl")]
    feelings = [Sample(row["text"], {Kind.PLEASED: Kind.PLEASED in row["labels"]}, "feeling") for row in _rows(corpora / "feelings.jsonl")]
    return [*labelled, *replies, *wishes, *no_wishes, *feelings]


def topics(corpora: Path) -> dict[str, dict[str, list[str]]]:
    """Return texts by topic by source; each invented business is a source of its own."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(corpora / "topics.jsonl"):
        found[row["source"]][row["topic"]].append(row["text"])
    return found


def _of_turn(line: Line) -> Sample:
    """Whether a customer is pleased is taught by lines that say so, that are near it, and that show something else."""
    sample = _of_line(line, TURNS, "turn")
    if Kind.PLEASED in line.labels:
        return sample._replace(shown={**sample.shown, Kind.PLEASED: True})
    if Kind.PLEASED in line.near or any(sample.shown.values()):
        return sample._replace(shown={**sample.shown, Kind.PLEASED: False})
    return sample


def _of_line(line: Line, names: Sequence[str], family: str) -> Sample:
    return Sample(line.text, {name: name in line.labels for name in names if line.known is None or name in line.known}, family)


def _rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def varied(sample: Sample, everything: Sequence[Sample], chance: random.Random) -> Sample:
    """Return a sample as a customer may write it, perhaps with another one behind it."""
    if sample.family == "wish":
        return sample
    text = _worse(sample.text, chance)
    if len(text) >= CONTINUED_CHARACTERS or chance.random() >= CONTINUED:
        return sample._replace(text=text)
    other = everything[chance.randrange(len(everything))]
    if other.family != sample.family or len(other.text) >= CONTINUED_CHARACTERS:
        return sample._replace(text=text)
    shown = {name: sample.shown[name] or other.shown[name] for name in sample.shown if name in other.shown}
    return Sample(text + chance.choice(JOINTS) + other.text, shown, sample.family)


def _worse(text: str, chance: random.Random) -> str:
    if chance.random() < BARE:
        text = "".join(letter for letter in text if letter not in ".,!?;:¿¡")
    if chance.random() < SLIP and len(text) > 8:
        for _ in range(chance.randint(1, MAX_SLIPS)):
            place, kind = chance.randrange(len(text) - 1), chance.random()
            swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            text = swapped if kind < 0.4 else text[:place] + text[place + 1 :] if kind < 0.8 else text[:place] + text[place] + text[place:]
    return text
