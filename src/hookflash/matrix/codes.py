"""Every kind of finding that `check` can report, with how bad it is and what it means.

`docs/findings.md` has a section for each. `error` stops a matrix from being taken up, `warning` does not. A code is
`unreadable` where the file or a value in it cannot be read at all, rather than being read and found wrong.
"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding."""

    name: str
    severity: Severity
    means: str
    unreadable: bool = False


_UNREADABLE = {
    "no-such-file": "the file cannot be opened",
    "file-too-large": "the file is larger than any matrix",
    "not-utf8": "the file is not UTF-8 text",
    "broken-yaml": "the text is not YAML",
    "tab": "a line is indented with a tab",
    "duplicate-key": "a key is written twice in one place",
    "too-nested": "brackets or lists are nested deeper than in any matrix",
    "too-many-values": "aliases unfold into more values than any matrix holds",
    "not-a-matrix": "the file holds no settings",
    "format-version": "the file is of a format that this version does not read",
    "impossible-date": "a day is not in the calendar",
    "bad-duration": "a length of time cannot be read, or is out of range",
    "bad-time": "a time of day does not exist",
    "bad-hours": "the openings of a day cannot be read",
    "bad-day": "a weekday cannot be read",
    "overlapping-hours": "two openings overlap",
    "unknown-zone": "a time zone does not exist",
    "unknown-holidays": "no public holidays are known for a place",
    "unknown-country": "a country does not exist",
    "bad-language": "a language code cannot be read",
    "bad-phone": "a phone number cannot be dialled",
    "bad-url": "an address on the web cannot be called",
    "unquoted": "a value was read as a number or a date and needs quotes",
    "not-true-or-false": "a switch is neither true nor false",
    "bad-value": "a value is not of the kind that its key takes",
}
_ERRORS = {
    "unknown-key": "a key does not exist",
    "missing-key": "a key that is needed is not there",
    "empty": "a list or name that must hold something is empty",
    "unknown-name": "a name is used that is declared nowhere",
    "unknown-trigger": "a trigger does not exist",
    "duplicate-name": "two things have the same name",
    "reserved-name": "a name belongs to hookflash itself",
    "day-given-twice": "a weekday has two entries in one calendar",
    "never-open": "a calendar never opens",
    "cannot-be-switched-off": "a trigger that is always on is switched off",
    "explicit-request-conditioned": "a request for a person depends on something",
    "explicit-request-questioned": "a request for a person is answered with a question",
    "no-catch-all": "the last route does not take everything",
    "shadowed-route": "earlier routes take everything that a route would",
    "unreachable-route": "nothing can ever meet the conditions of a route",
    "bad-rung": "a rung does not say how it rings",
    "no-line": "a responder cannot be reached",
    "rung-never-open": "a rung is closed whenever its route is taken",
    "severe-less-urgent": "the severe form of a trigger is less urgent than the moderate one",
    "unkeepable-promise": "a promise never falls due: there is not so much opening time",
    "promise-beyond-cap": "a promise can fall due later than the cap",
    "unstaffed-promise": "a promise can fall due before anybody is there to keep it",
    "missing-wording": "words are missing in a language that is answered",
    "empty-wording": "words are empty",
    "bad-placeholder": "a placeholder cannot be read or does not exist",
    "untimely-placeholder": "words use a placeholder that is not known when they are said",
    "claims-connection": "words claim a connection that nobody makes at that moment",
    "claims-callback": "words claim a callback that is not promised at that moment",
    "fixed-callback-time": "words name a time by themselves, beside the promised one",
    "claims-human": "words claim that the assistant is a person",
    "discourages-person": "words talk a customer out of a person",
    "contradicting-examples": "the same words stand for two things in the scope",
    "outside-boundary": "protected data would leave the boundary",
    "retention-too-short": "records of health data are kept for less time than the law asks",
    "insecure-url": "briefs would travel unencrypted",
    "secret-in-plain-text": "a secret stands in the file",
}
_WARNINGS = {
    "crisis-uncovered": "a crisis or red flag finds nobody at some times",
    "early-connection": "words claim a connection shortly before anybody is rung",
    "explicit-request-delayed": "a request for a person waits while others are there",
    "no-emergency-words": "words for a crisis name no emergency number",
    "pain-unheard": "pain is switched off where health data is handled",
    "language-not-spoken": "nobody on a ladder speaks the customer's language",
    "no-line-for-channel": "a responder has no line of the kind that the route is for",
    "no-callback-time": "the words for nobody being there do not give the time",
    "unused": "something is declared and never used",
}

CODES: dict[str, Code] = {
    **{name: Code(name, "error", means, unreadable=True) for name, means in _UNREADABLE.items()},
    **{name: Code(name, "error", means) for name, means in _ERRORS.items()},
    **{name: Code(name, "warning", means) for name, means in _WARNINGS.items()},
}
