"""The escalation matrix as typed data."""

from hookflash.matrix.load import Loaded, examine, load_matrix, parse_matrix
from hookflash.matrix.match import Situation, first_match, severity_of
from hookflash.matrix.routes import Nobody, Route, Step, When
from hookflash.matrix.schema import Matrix
from hookflash.matrix.triggers import DISTRESS_CLASSES, TRIGGERS, Stuck, Threshold
from hookflash.matrix.wording import words, words_about

__all__ = [
    "DISTRESS_CLASSES",
    "TRIGGERS",
    "Loaded",
    "Matrix",
    "Nobody",
    "Route",
    "Situation",
    "Step",
    "Stuck",
    "Threshold",
    "When",
    "examine",
    "first_match",
    "load_matrix",
    "parse_matrix",
    "severity_of",
    "words",
    "words_about",
]
