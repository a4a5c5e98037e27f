"""The words said to customers. Each says only what is so at the moment it is used.

`builtin.toml` holds ours, by language; a matrix may bring its own under `wording`.
"""

import tomllib
from importlib import resources
from string import Formatter

from hookflash.matrix.schema import Matrix
from hookflash.model import Contact

PLACEHOLDERS = frozenset({"business", "responder", "callback_by", "ticket", "number"})
# When each of the words is said.
MOMENTS = {
    "acknowledge": "with the decision: the request is stored, nobody is rung yet",
    "crisis": "with the decision, in an emergency: nobody is rung yet",
    "connecting": "once a responder is being rung whose desk holds the brief",
    "ringing": "once a responder is being rung whose desk has not acknowledged the brief yet",
    "nobody": "once a promise with its due time is stored",
    "waiting": "instead of the assistant's reply while a person is awaited",
    "assistant": "instead of a draft that claims to be human",
}
# Said in place of `nobody` by how the customer can be reached; without words for them in its language, `nobody` is said.
VARIANTS = {
    "nobody_read_back": "once a promise is stored, to a customer whose number is known from their own words alone",
    "nobody_here": "once a promise is stored, to a customer in a chat whose phone and e-mail are not known",
    "nobody_unknown": "once a promise is stored, to a caller whose number is not known",
}
# What is known at each of them.
KNOWN_AT = {
    **dict.fromkeys(MOMENTS, frozenset({"business"})),
    **dict.fromkeys(("connecting", "ringing"), frozenset({"business", "responder"})),
    **dict.fromkeys(("nobody", *VARIANTS), frozenset({"business", "callback_by", "ticket"})),
    "nobody_read_back": frozenset({"business", "callback_by", "ticket", "number"}),
}
BUILTIN_WORDING: dict[str, dict[str, str]] = tomllib.loads(
    resources.files("hookflash.matrix.wording").joinpath("builtin.toml").read_text(encoding="utf-8")
)


def placeholders_of(text: str) -> set[str]:
    """Return the names of the placeholders in a text. Raises `ValueError` where it is not well formed."""
    parts = list(Formatter().parse(text))
    if any(form or conversion for _, _, form, conversion in parts):
        raise ValueError("placeholders take no format")
    return {name for _, name, _, _ in parts if name is not None}


def text_of(matrix: Matrix, language: str, key: str, *, like: str | None = None) -> str | None:
    """Return the words for a key as they are written: the matrix' own, else the built-in ones, else in the main language.

    With `like` they are only looked for in the language in which there are words for that key.
    """
    spoken = _language_with(matrix, language, like or key)
    return None if spoken is None else _known_in(matrix, spoken).get(key)


def _language_with(matrix: Matrix, language: str, key: str) -> str | None:
    """Return the language in which a customer of a language hears the words for a key."""
    main = matrix.business.languages[0]
    candidates = (language, language.partition("-")[0], main, main.partition("-")[0], "en")
    return next((candidate for candidate in candidates if key in _known_in(matrix, candidate)), None)


def _known_in(matrix: Matrix, language: str) -> dict[str, str]:
    return BUILTIN_WORDING.get(language, {}) | matrix.wording.get(language, {})


def words_about(matrix: Matrix, language: str, key: str, contact: Contact | None, heard: str | None, **values: str) -> str:
    """Return the words of a promise to a customer who can be reached by `contact`, filled in.

    `heard` is their number where it is known from their own words alone: it is read back, so that they can put it right.
    """
    read_back = contact == "phone" and heard and not _are_signed(matrix, language, key)
    variant = f"{key}_read_back" if read_back else f"{key}_{contact or 'unknown'}"
    if text_of(matrix, language, variant, like=key) is None:
        variant = key
    return words(matrix, language, variant, number=heard or "", **values)


def _are_signed(matrix: Matrix, language: str, key: str) -> bool:
    """Whether the matrix has words of its own for a key, and none for reading a number back, so that its own are said."""
    own = matrix.wording.get(_language_with(matrix, language, key) or "", {})
    return key in own and f"{key}_read_back" not in own


def words(matrix: Matrix, language: str, key: str, **values: str) -> str:
    """Return the words for a key in a language, filled in."""
    text = text_of(matrix, language, key)
    if text is None:
        raise KeyError(f"Bug! no words {key!r} in any language")
    known = dict.fromkeys(PLACEHOLDERS, "") | {"business": matrix.business.name, **values}
    return text.format_map(known)
