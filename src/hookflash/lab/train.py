"""Train the heads from the corpora: the same corpora and library versions give the same weights.

Nothing of `corpora/test` is read. What the two models say of lines by authors that they have not learned from decides how they are
blended, so that the blend is calibrated for customers whom nobody has seen. The n-grams then learn from these authors too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.model import Kind
from hookflash.signals.encoder import encoder
from hookflash.signals.heads import by_lexicon
from hookflash.signals.meaning import CLASSES, DRAFTS, meaning_heads
from hookflash.signals.ngrams import hashed_text

PLACES = 1 << 16
# Lines that one author wrote most of are dealt out into so many groups.
GROUPS = 5
# The encoder has not learned from these authors: what its heads say of their lines is what they say of anybody's.
HELD_OUT = frozenset(
    {"en7", "en14", "es13", "nl12", "pl12", "sv12", "zh12", "ja12", "ko12"} | {f"train10 {group}" for group in range(GROUPS)}
)
# How many needless alarms a missed one weighs. A class fires from the probability where the two balance.
MISS_WEIGHS = {Kind.CRISIS: 6.0, Kind.RED_FLAG: 6.0, Kind.EXPLICIT_REQUEST: 2.0} | dict.fromkeys(DRAFTS, 2.5) | {Kind.DRAFT_HUMAN: 1.0}
# What calls a person at once fires no lower than where so many ordinary turns would fire needlessly.
ORDINARY_ALARMS = {Kind.EXPLICIT_REQUEST: 0.003, Kind.CRISIS: 0.003, Kind.RED_FLAG: 0.003}

Rows = NDArray[np.floating[Any]]


class Line(NamedTuple):
    """A labelled line. Where only `known` classes were looked for, the others teach nothing."""

    text: str
    labels: frozenset[str]
    near: frozenset[str]
    author: str
    known: frozenset[str] | None = None


def turns(folder: Path) -> list[Line]:
    """Return the customers' turns to train on: those of `train/` and the ordinary ones."""
    return [line for file in [*sorted((folder / "train").glob("*.jsonl")), folder / "ordinary.jsonl"] for line in _lines(file)]


def drafts(folder: Path) -> list[Line]:
    """Return the assistants' drafts to train on. One author wrote most of them, so that folds are by line."""
    lines = [line for file in sorted((folder / "drafts").glob("train*.jsonl")) for line in _lines(file)]
    return [line._replace(author=f"{line.author} {number % GROUPS}") for number, line in enumerate(lines)]


def _lines(file: Path) -> Iterator[Line]:
    for number, raw in enumerate(file.read_text(encoding="utf-8").splitlines()):
        row: Mapping[str, Any] = json.loads(raw)
        author = file.stem if file.stem != "ordinary" else f"ordinary {number % GROUPS}"
        known = frozenset(row["known"]) if "known" in row else None
        yield Line(row["text"], frozenset(row["labels"]), frozenset(row.get("near", ())), author, known)


def ordinary(folder: Path) -> list[str]:
    """Return ordinary texts of real customers, whose topics alone were learned: what fires on them fires needlessly."""
    rows = [json.loads(line) for name in ("topics", "replies") for line in (folder / f"{name}.jsonl").open(encoding="utf-8")]
    return [row["text"] for row in rows if not row["source"].startswith("own:")]


def train(lines: Sequence[Line], names: Sequence[str], plain: Sequence[str] = ()) -> bytes:
    """Return the weights of heads with the classes `names`, as an `.npz` file; `plain` texts show none of them.

    Raises `RuntimeError` without the encoder: the blends are fitted with it.
    """
    wanted = np.array([[name in line.labels for name in names] for line in lines])
    counts = np.array([[line.known is None or name in line.known for name in names] for line in lines])
    ngrams, rarity = _ngram_rows([line.text for line in lines])
    meaning, lexicon = _meaning([line.text for line in lines], names)
    held_out = np.array([line.author in HELD_OUT for line in lines])
    weights, bias = _fit_ngrams(ngrams[~held_out], wanted[~held_out], counts[~held_out])
    unseen = ngrams[held_out] @ weights + bias, meaning[held_out], lexicon[held_out]
    blend = _blends(unseen, wanted[held_out], counts[held_out])
    without = _blends((unseen[0], unseen[2]), wanted[held_out], counts[held_out])
    weights, bias = _fit_ngrams(ngrams, wanted, counts)
    learned = {line.text for line in lines}
    on_plain = _on_plain([text for text in plain if text not in learned], names, (weights, bias, rarity), blend)
    fires_at = [_fires_at(name, on_plain[:, k]) for k, name in enumerate(names)]
    return _packed(
        names="\n".join(names),
        rarity=rarity.astype(np.float16),
        ngrams=weights.astype(np.float16),
        ngram_bias=bias.astype(np.float32),
        blend=blend,
        blend_without=without,
        fires_at=np.array(fires_at, dtype=np.float32),
    )


def _packed(**arrays: Any) -> bytes:
    content = BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _ngram_rows(texts: Sequence[str], rarity: Rows | None = None) -> tuple[Any, Rows]:
    """Return a row of n-grams for each text, and how rare each is: as given, or among these texts."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.preprocessing import normalize

    rows = [hashed_text(text, PLACES) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    matrix = csr_matrix(
        (np.concatenate([values for _, values in rows]), np.concatenate([places for places, _ in rows]), ends), (len(texts), PLACES)
    )
    if rarity is None:
        rarity = 1.0 + np.log((1 + len(texts)) / (1 + np.diff(matrix.tocsc().indptr)))
        rarity = rarity.astype(np.float16).astype(np.float32)
    return normalize(matrix @ diags(rarity)).tocsr(), rarity


def _meaning(texts: Sequence[str], names: Sequence[str]) -> tuple[Rows, Rows]:
    """Return what the encoder's heads make of each whole text, and what the lexicons find in it."""
    reader = encoder()
    if reader is None:
        raise RuntimeError("the encoder is missing; heads are trained with it")
    lexicon = np.array([by_lexicon(text, [(0, len(text))], names)[0] for text in texts], dtype=np.float32)
    return meaning_heads().logits(reader.many(texts))[:, [CLASSES.index(name) for name in names]], lexicon


def _fit_ngrams(rows: Any, wanted: NDArray[np.bool_], counts: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    from sklearn.linear_model import LogisticRegression

    fitted = [
        LogisticRegression(C=30.0, solver="liblinear", random_state=0).fit(rows[counts[:, k]], wanted[counts[:, k], k])
        for k in range(wanted.shape[1])
    ]
    return np.stack([one.coef_[0] for one in fitted], axis=1), np.array([one.intercept_[0] for one in fitted])


def _blends(signals: Sequence[Rows], wanted: NDArray[np.bool_], counts: NDArray[np.bool_]) -> Rows:
    """Return one blend a class (`_blend`)."""
    blends = [_blend([sign[:, k] for sign in signals], wanted[:, k], counts[:, k]) for k in range(wanted.shape[1])]
    return np.array(blends, dtype=np.float32)


def _blend(signals: Sequence[Rows], wanted: NDArray[np.bool_], counts: NDArray[np.bool_]) -> Rows:
    """Return a weight for each sign, none negative, and a bias, calibrated on lines that the models had not seen."""
    from sklearn.linear_model import LogisticRegression

    rows = np.stack(signals, axis=1)[counts]
    used = list(range(rows.shape[1]))
    while True:
        fitted = LogisticRegression(C=10.0, max_iter=500).fit(rows[:, used], wanted[counts])
        negative = [place for place, weight in zip(used, fitted.coef_[0], strict=True) if weight < 0]
        if not negative:
            break
        used = [place for place in used if place not in negative]
    weights = np.zeros(rows.shape[1] + 1, dtype=np.float32)
    weights[used] = fitted.coef_[0]
    weights[-1] = fitted.intercept_[0]
    return weights


def _blended(signals: Sequence[Rows], blend: Rows) -> Rows:
    logits = sum((sign * blend[:, place] for place, sign in enumerate(signals)), start=blend[:, -1])
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


def _on_plain(texts: Sequence[str], names: Sequence[str], model: tuple[Rows, Rows, Rows], blend: Rows) -> Rows:
    """Return what finished heads say of texts that show nothing (text x class)."""
    if not texts:
        return np.zeros((0, len(names)))
    weights, bias, rarity = model
    ngrams, _ = _ngram_rows(texts, rarity)
    meaning, lexicon = _meaning(texts, names)
    return _blended([ngrams @ weights + bias, meaning, lexicon], blend)


def _fires_at(name: str, on_plain: Rows) -> float:
    """Return the probability from which a class speaks for itself."""
    balance = 1.0 / (1.0 + MISS_WEIGHS.get(name, 1.0))
    if name not in ORDINARY_ALARMS or not len(on_plain):
        return balance
    return max(balance, float(np.quantile(on_plain, 1 - ORDINARY_ALARMS[name])))
