"""Train the heads from `data/turns.jsonl` and `data/ordinary.jsonl` and write `data/heads.npz`. The same turns give the same weights."""

import json
from pathlib import Path

import numpy as np

from hookflash.signals.intents import OTHER, Vectoriser, train
from hookflash.signals.text import background

DATA = Path(__file__).parents[1] / "src" / "hookflash" / "signals" / "data"
# A feature of a single turn tells more about that turn than about its class.
AT_LEAST = 2


def read(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    turns = [turn for name in ("turns.jsonl", "ordinary.jsonl") for turn in read(DATA / name)]
    names = sorted({turn["label"] for turn in turns} - {"none"})
    texts = [turn["text"] for turn in turns] + list(background())
    labels = [turn["label"] for turn in turns] + ["none"] * len(background())
    vectors = Vectoriser.fitted(texts, AT_LEAST)
    targets = np.array([names.index(label) if label in names else len(names) for label in labels])
    weights, temperature = train(vectors.many(texts), targets, len(names) + 1, balanced=False)
    kinds = [name if name == "explicit_request" else f"distress.{name}" for name in names]
    np.savez_compressed(
        DATA / "heads.npz",
        features="\n".join(vectors.features),
        rarity=vectors.rarity,
        weights=weights.astype(np.float16),
        temperature=temperature,
        names="\n".join([*kinds, OTHER]),
    )
    print(f"{len(texts)} turns, {len(vectors.features)} features, temperature {temperature:.2f}")


if __name__ == "__main__":
    main()
