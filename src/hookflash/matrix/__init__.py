"""The escalation matrix as typed data."""

from hookflash.matrix.load import load_matrix, parse_matrix
from hookflash.matrix.schema import DISTRESS_CLASSES, TRIGGERS, Matrix, Nobody, Route, Step, Stuck, Threshold, When
from hookflash.matrix.wording import words

__all__ = [
    "DISTRESS_CLASSES",
    "TRIGGERS",
    "Matrix",
    "Nobody",
    "Route",
    "Step",
    "Stuck",
    "Threshold",
    "When",
    "load_matrix",
    "parse_matrix",
    "words",
]
