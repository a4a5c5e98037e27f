"""What the encoder's own heads make of a text: one logit a class, straight from the vector of its last layer.

They are trained together with the encoder (`tools/encoder`), on top of which they are one matrix. `data/MODELS.md` is
their card.
"""

from functools import cache, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from hookflash.model import DISTRESS, Kind
from hookflash.signals.encoder import LAYER_DIMS
from hookflash.signals.parts import rows_of

DRAFTS = (Kind.DRAFT_PROMISE, Kind.DRAFT_HUMAN, Kind.DRAFT_DISCOURAGES, Kind.DRAFT_REASSURES)
TURNS = (Kind.EXPLICIT_REQUEST, *DISTRESS)
# Whether a turn says what the customer wants: no trigger.
WISH = "wish"
CLASSES = (*TURNS, *DRAFTS, WISH, Kind.PLEASED)

Rows = NDArray[np.float32]


class MeaningHeads:
    """One linear head a class of `CLASSES`."""

    def __init__(self, weights: Rows, bias: Rows) -> None:
        """Take the weights (dimensions of a layer x classes) and biases."""
        self._weights, self._bias = weights, bias

    def logits(self, rows: Rows) -> Rows:
        """Return one row of logits for each row of the encoder."""
        return np.asarray(rows[:, -LAYER_DIMS:] @ self._weights + self._bias, dtype=np.float32)


@cache
def meaning_heads() -> MeaningHeads:
    """Return the shipped heads, read once."""
    with resources.files("hookflash.signals").joinpath("data", "meaning.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        names = str(stored["names"]).split("\n")
        columns = [names.index(name) for name in CLASSES]  # by name, so that another order cannot swap two classes
        return MeaningHeads(stored["weights"][:, columns], stored["bias"][columns])


@lru_cache(maxsize=1_024)
def logits_of(text: str) -> Rows | None:
    """Return one row of logits for the whole text and each part of it, or None without an encoder."""
    rows = rows_of(text)
    return None if rows is None else meaning_heads().logits(rows)


def probability(name: str, text: str) -> float | None:
    """Return how likely a whole text shows a class, by its meaning alone; None without an encoder."""
    logits = logits_of(text)
    return None if logits is None else float(1.0 / (1.0 + np.exp(-logits[0, CLASSES.index(name)])))
