"""Drop training lines that a test set holds too, to the letter or nearly: `python tools/near_copies.py`."""

import json
from pathlib import Path

from rapidfuzz import fuzz, process

from hookflash.signals.text import words_in

CORPORA = Path(__file__).parents[1] / "corpora"
# Two texts this alike (0 to 100) are copies. Shorter ones are what everybody says ("agent please").
ALIKE, MIN_WORDS = 90, 3


def plain(text: str) -> str:
    """Return a text's plain words."""
    return " ".join(word.plain for word in words_in(text))


def main() -> None:
    """Rewrite the training files without the copies, and say how many there were."""
    tested = [
        plain(json.loads(line)["text"]) for file in sorted((CORPORA / "test").glob("*.jsonl")) for line in file.open(encoding="utf-8")
    ]
    tested = [text for text in tested if len(text.split()) >= MIN_WORDS]
    for file in [*sorted((CORPORA / "train").glob("*.jsonl")), CORPORA / "ordinary.jsonl"]:
        lines = file.read_text(encoding="utf-8").splitlines()
        texts = [plain(json.loads(line)["text"]) for line in lines]
        likeness = process.cdist(texts, tested, scorer=fuzz.ratio, score_cutoff=ALIKE, workers=-1).max(axis=1)
        kept = [line for line, text, alike in zip(lines, texts, likeness, strict=True) if not alike or len(text.split()) < MIN_WORDS]
        if len(kept) < len(lines):
            file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            print(f"{file.name}: {len(lines) - len(kept)} of {len(lines)} dropped")


if __name__ == "__main__":
    main()
