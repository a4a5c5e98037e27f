"""Train the heads from the corpora: the same corpora and library versions give the same weights.

Nothing of `corpora/test` is read. What the two models say of lines by authors that they have not learned from decides how they are
blended, so that the blend is calibrated for customers whom nobody has seen.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookflash.model import DISTRESS, Kind
from hookflash.signals.encoder import encoder
from hookflash.signals.heads import by_lexicon
from hookflash.signals.ngrams import hashed_text

TURNS = (Kind.EXPLICIT_REQUEST, *DISTRESS)
DRAFTS = (Kind.DRAFT_PROMISE, Kind.DRAFT_HUMAN, Kind.DRAFT_DISCOURAGES, Kind.DRAFT_REASSURES)
PLACES = 1 << 16
HIDDEN = 256
SEEDS = (1, 2)
EPOCHS = 20
FOLDS = 5
# How many needless alarms a missed one weighs. A class fires from the probability where the two balance.
MISS_WEIGHS = {Kind.CRISIS: 6.0, Kind.RED_FLAG: 6.0, Kind.EXPLICIT_REQUEST: 2.0} | dict.fromkeys(DRAFTS, 2.5) | {Kind.DRAFT_HUMAN: 1.0}
# A request fires no lower than where so many ordinary turns would fire needlessly.
ORDINARY_ALARMS = 0.004

Rows = NDArray[np.floating[Any]]


class Line(NamedTuple):
    """A labelled line. Where only `known` classes were looked for, the others teach nothing."""

    text: str
    labels: frozenset[str]
    near: frozenset[str]
    author: str
    known: frozenset[str] | None = None

    @property
    def lexicographer(self) -> bool:
        """Whether the author wrote the lexicon of the language too, so that its hits on these lines prove nothing."""
        return self.author.endswith("1") and self.author[:2] not in ("en", "es")


def turns(folder: Path) -> list[Line]:
    """Return the customers' turns to train on: those of `train/` and the ordinary ones."""
    return [line for file in [*sorted((folder / "train").glob("*.jsonl")), folder / "ordinary.jsonl"] for line in _lines(file)]


def drafts(folder: Path) -> list[Line]:
    """Return the assistants' drafts to train on. One author wrote most of them, so that folds are by line."""
    lines = [line for file in sorted((folder / "drafts").glob("train*.jsonl")) for line in _lines(file)]
    return [line._replace(author=f"{line.author} {number % FOLDS}") for number, line in enumerate(lines)]


def _lines(file: Path) -> Iterator[Line]:
    for number, raw in enumerate(file.read_text(encoding="utf-8").splitlines()):
        row: Mapping[str, Any] = json.loads(raw)
        author = file.stem if file.stem != "ordinary" else f"ordinary {number % FOLDS}"
        known = frozenset(row["known"]) if "known" in row else None
        yield Line(row["text"], frozenset(row["labels"]), frozenset(row.get("near", ())), author, known)


def train(lines: Sequence[Line], names: Sequence[str]) -> bytes:
    """Return the weights of heads with the classes `names`, as an `.npz` file."""
    wanted = np.array([[name in line.labels for name in names] for line in lines])
    counts = np.array([[line.known is None or name in line.known for name in names] for line in lines])
    ngrams, rarity = _ngram_rows([line.text for line in lines])
    meaning, lexicon = _meaning([line.text for line in lines], names)
    middle = meaning.mean(axis=0)
    unseen_ngrams, unseen_meaning = np.zeros(wanted.shape), np.zeros(wanted.shape)
    for inside, outside in _folds(lines):
        weights, bias = _fit_ngrams(ngrams[inside], wanted[inside], counts[inside])
        unseen_ngrams[outside] = ngrams[outside] @ weights + bias
        unseen_meaning[outside] = _forward(
            meaning[outside] - middle, _fit_meaning(meaning[inside] - middle, wanted[inside], counts[inside])
        )
    fair = counts & np.array([[not line.lexicographer] for line in lines])
    blend = [_blend([unseen_ngrams[:, k], unseen_meaning[:, k], lexicon[:, k]], wanted[:, k], fair[:, k]) for k in range(len(names))]
    without = [_blend([unseen_ngrams[:, k], lexicon[:, k]], wanted[:, k], fair[:, k]) for k in range(len(names))]
    weights, bias = _fit_ngrams(ngrams, wanted, counts)
    layers = _fit_meaning(meaning - middle, wanted, counts)
    scores = _blended([unseen_ngrams, unseen_meaning, lexicon], np.array(blend))
    return _packed(
        names="\n".join(names),
        rarity=rarity.astype(np.float16),
        ngrams=weights.astype(np.float16),
        ngram_bias=bias.astype(np.float32),
        middle=middle,
        hidden=layers[0].astype(np.float16),
        hidden_bias=layers[1],
        out=layers[2].astype(np.float16),
        out_bias=layers[3],
        blend=np.array(blend, dtype=np.float32),
        blend_without=np.array(without, dtype=np.float32),
        fires_at=np.array([_fires_at(name, scores[:, k], wanted[:, k], lines) for k, name in enumerate(names)], dtype=np.float32),
    )


def _packed(**arrays: Any) -> bytes:
    content = BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _folds(lines: Sequence[Line]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split by author: what is held out of a fold was written by somebody who wrote nothing in it."""
    authors = sorted({line.author for line in lines})
    fold = np.array([authors.index(line.author) % FOLDS for line in lines])
    return [(fold != number, fold == number) for number in range(FOLDS) if (fold == number).any()]


def _ngram_rows(texts: Sequence[str]) -> tuple[Any, Rows]:
    from scipy.sparse import csr_matrix, diags
    from sklearn.preprocessing import normalize

    rows = [hashed_text(text, PLACES) for text in texts]
    ends = np.cumsum([0, *(len(places) for places, _ in rows)])
    matrix = csr_matrix(
        (np.concatenate([values for _, values in rows]), np.concatenate([places for places, _ in rows]), ends), (len(texts), PLACES)
    )
    rarity = 1.0 + np.log((1 + len(texts)) / (1 + np.diff(matrix.tocsc().indptr)))
    rarity = rarity.astype(np.float16).astype(np.float32)
    return normalize(matrix @ diags(rarity)).tocsr(), rarity


def _meaning(texts: Sequence[str], names: Sequence[str]) -> tuple[Rows, Rows]:
    """Return what the encoder makes of each whole text, and what the lexicons find in it."""
    reader = encoder()
    if reader is None:
        raise RuntimeError("the encoder is missing; heads are trained with it")
    lexicon = np.array([by_lexicon(text, [(0, len(text))], names)[0] for text in texts], dtype=np.float32)
    return reader.many(texts), lexicon


def _fit_ngrams(rows: Any, wanted: NDArray[np.bool_], counts: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    from sklearn.linear_model import LogisticRegression

    fitted = [
        LogisticRegression(C=30.0, solver="liblinear", random_state=0).fit(rows[counts[:, k]], wanted[counts[:, k], k])
        for k in range(wanted.shape[1])
    ]
    return np.stack([one.coef_[0] for one in fitted], axis=1), np.array([one.intercept_[0] for one in fitted])


def _fit_meaning(rows: Rows, wanted: NDArray[np.bool_], counts: NDArray[np.bool_]) -> tuple[Rows, Rows, Rows, Rows]:
    """Train several small networks and lay them side by side as one, which gives the mean of their logits."""
    nets = [_network(rows, wanted, counts, seed) for seed in SEEDS]
    share = np.float32(1 / len(nets))
    return (
        np.concatenate([net[0] for net in nets], axis=1),
        np.concatenate([net[1] for net in nets]),
        np.concatenate([net[2] for net in nets]) * share,
        sum((net[3] for net in nets), start=np.zeros(wanted.shape[1], np.float32)) * share,
    )


def _forward(rows: Rows, layers: tuple[Rows, Rows, Rows, Rows]) -> Rows:
    hidden, hidden_bias, out, out_bias = layers
    return np.asarray(np.maximum(rows @ hidden + hidden_bias, 0) @ out + out_bias, dtype=np.float32)


def _network(rows: Rows, wanted: NDArray[np.bool_], counts: NDArray[np.bool_], seed: int) -> tuple[Rows, Rows, Rows, Rows]:
    """Train one hidden layer shared by all classes, with Adam."""
    random = np.random.default_rng(seed)
    classes, width = wanted.shape[1], rows.shape[1]
    params = [
        (random.standard_normal((width, HIDDEN)) * np.sqrt(2 / width)).astype(np.float32) * 3,
        np.zeros(HIDDEN, np.float32),
        (random.standard_normal((HIDDEN, classes)) * np.sqrt(1 / HIDDEN)).astype(np.float32),
        np.full(classes, -2.0, np.float32),
    ]
    first, second = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    targets, mask = wanted.astype(np.float32), counts.astype(np.float32)
    steps = EPOCHS * (len(rows) // 64 + 1)
    step = 0
    for _ in range(EPOCHS):
        for batch in np.array_split(random.permutation(len(rows)), len(rows) // 64 + 1):
            step += 1
            for place, gradient in enumerate(_gradients(rows[batch], targets[batch], mask[batch], params, random)):
                first[place] += 0.1 * (gradient - first[place])
                second[place] += 0.001 * (gradient * gradient - second[place])
                rate = 2e-3 * (1 - step / steps) / (1 - 0.9**step) * np.sqrt(1 - 0.999**step)
                decay = 1e-3 * params[place] if place in (0, 2) else 0.0
                params[place] -= (rate * (first[place] / (np.sqrt(second[place]) + 1e-8) + decay)).astype(np.float32)
    return params[0], params[1], params[2], params[3]


def _gradients(rows: Rows, wanted: Rows, mask: Rows, params: Sequence[Rows], random: np.random.Generator) -> list[Rows]:
    hidden, hidden_bias, out, out_bias = params
    before = rows @ hidden + hidden_bias
    kept = (random.random(before.shape) > 0.3).astype(np.float32) / 0.7
    inner = np.maximum(before, 0) * kept
    error = (1 / (1 + np.exp(-(inner @ out + out_bias))) - wanted) * mask / len(rows)
    back = (error @ out.T) * kept * (before > 0)
    return [rows.T @ back, back.sum(axis=0), inner.T @ error, error.sum(axis=0)]


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


def _fires_at(name: str, scores: Rows, wanted: NDArray[np.bool_], lines: Sequence[Line]) -> float:
    """Return the probability from which a class speaks for itself."""
    balance = 1.0 / (1.0 + MISS_WEIGHS.get(name, 1.0))
    if name != Kind.EXPLICIT_REQUEST:
        return balance
    ordinary = np.array([line.author.startswith("ordinary") for line in lines]) & ~wanted
    return max(balance, float(np.quantile(scores[ordinary], 1 - ORDINARY_ALARMS)))
