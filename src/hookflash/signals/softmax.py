"""Softmax regression in plain numpy: weights by L-BFGS, an honest temperature by cross-validation."""

import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Labels = NDArray[np.intp]

_STEPS = 80
_MEMORY = 8
_HALVINGS = 20
_ENOUGH = 1e-5
_TEMPERATURES = np.geomspace(0.1, 4.0, 40)
_FOLDS = 5
# With so many rows one fold tells as much as five, in a fifth of the time.
_MANY = 3_000


class Regression(NamedTuple):
    """Weights (features x classes) and biases; logits are divided by the temperature."""

    weights: Rows
    bias: Rows
    temperature: float = 1.0

    def logits(self, rows: Rows) -> Rows:
        """Return one row of logits for each row."""
        return np.asarray((rows @ self.weights + self.bias) / np.float32(self.temperature), dtype=np.float32)


def softmax(logits: Rows) -> Rows:
    """Return probabilities, one row for each row of logits."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def energy(logits: Rows) -> Rows:
    """Return how much any class answers to each row: the logarithm of the sum of the exponentials."""
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), dtype=np.float32)


def fit(rows: Rows, labels: Labels, classes: int, *, decay: float) -> Regression:
    """Return the regression that explains the labels; every class weighs the same, `decay` keeps weights small."""
    width = rows.shape[1]
    wanted = np.eye(classes, dtype=np.float32)[labels]
    share = (1.0 / np.maximum(wanted.sum(axis=0), 1.0))[labels] / max(1, len(np.unique(labels)))

    def loss(flat: Rows) -> tuple[float, Rows]:
        weights, bias = flat[: width * classes].reshape(width, classes), flat[width * classes :]
        scores = softmax(rows @ weights + bias)
        error = (scores - wanted) * share[:, None].astype(np.float32)
        surprise = -np.log(scores[np.arange(len(labels)), labels] + 1e-12)
        gradient = np.concatenate([(rows.T @ error + 2 * decay * weights).ravel(), error.sum(axis=0)])
        return float(surprise @ share + decay * (weights * weights).sum()), gradient.astype(np.float32)

    flat = _minimum(loss, np.zeros(width * classes + classes, dtype=np.float32))
    return Regression(flat[: width * classes].reshape(width, classes), flat[width * classes :])


def held_out_logits(rows: Rows, labels: Labels, classes: int, *, decay: float) -> tuple[Rows, Labels]:
    """Return logits of rows that the regression behind them has not seen, and which rows they are."""
    fold = np.arange(len(labels)) * 7919 % _FOLDS
    logits, places = [], []
    for number in range(_FOLDS if len(labels) < _MANY else 1):
        inside, outside = fold != number, fold == number
        if inside.any() and outside.any():
            logits.append(fit(rows[inside], labels[inside], classes, decay=decay).logits(rows[outside]))
            places.append(np.flatnonzero(outside))
    return np.concatenate(logits), np.concatenate(places)


def best_temperature(logits: Rows, labels: Labels) -> float:
    """Return the temperature under which the labels surprise least."""
    losses = [-np.log(softmax(logits / np.float32(t))[np.arange(len(labels)), labels] + 1e-9).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _minimum(loss: Callable[[Rows], tuple[float, Rows]], start: Rows) -> Rows:
    """Return the argument where a smooth convex loss is least (L-BFGS; Nocedal and Wright, algorithm 7.5)."""
    here = start
    value, gradient = loss(here)
    steps: deque[tuple[Rows, Rows, float]] = deque(maxlen=_MEMORY)
    for _ in range(_STEPS):
        direction = -_inverse_hessian_times(gradient, steps)
        slope = float(gradient @ direction)
        if -slope < _ENOUGH * _ENOUGH:
            break
        length = 1.0 if steps else min(1.0, 1.0 / (float(np.linalg.norm(gradient)) + 1e-12))
        for _ in range(_HALVINGS):
            there = here + np.float32(length) * direction
            new_value, new_gradient = loss(there)
            if new_value <= value + 1e-4 * length * slope:
                break
            length /= 2
        else:
            break
        moved, turned = there - here, new_gradient - gradient
        curvature = float(moved @ turned)
        if curvature > 1e-12:
            steps.append((moved, turned, 1.0 / curvature))
        done = value - new_value < _ENOUGH * max(1e-3, abs(new_value))
        here, value, gradient = there, new_value, new_gradient
        if done and math.isfinite(value):
            break
    return here


def _inverse_hessian_times(gradient: Rows, steps: deque[tuple[Rows, Rows, float]]) -> Rows:
    result = gradient.copy()
    shares = []
    for moved, turned, inverse in reversed(steps):
        share = inverse * float(moved @ result)
        shares.append(share)
        result -= np.float32(share) * turned
    if steps:
        moved, turned, inverse = steps[-1]
        result *= np.float32(1.0 / (inverse * float(turned @ turned)))
    for (moved, turned, inverse), share in zip(steps, reversed(shares), strict=True):
        result += np.float32(share - inverse * float(turned @ result)) * moved
    return result
