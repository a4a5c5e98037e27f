"""Which of the business' languages a customer writes in."""

from functools import cache, lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from hookflash.matrix import Matrix
from hookflash.model import Conversation, Turn
from hookflash.signals.text import words_in

# On fewer words the identifier guesses.
MIN_WORDS = 3
# It takes this many to believe that a customer has changed to another language.
CONVINCING_WORDS = 8
# The languages of the lexicons, the one that the encoder knows, and how sure it must be that a text is in another.
KNOWN = (
    "ar",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "fr",
    "hi",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sv",
    "tl",
    "tr",
    "uk",
    "vi",
    "zh",
)
LEARNED = frozenset({"en"})
DOUBT = 0.5
# Letters before this one are Latin; so many characters tell in which script a text is written.
LATIN_ENDS, SCRIPT_CHARACTERS = "\u0250", 400


def spoken_language(text: str, languages: tuple[str, ...], known: str | None = None) -> str | None:
    """Return the likeliest of `languages` for a text, or the `known` one where the text is too short to tell."""
    if len(languages) < 2 or len(words_in(text)) < (CONVINCING_WORDS if known else MIN_WORDS):
        return known
    by_base = {language.partition("-")[0]: language for language in reversed(languages)}
    found, _ = _identifier(tuple(sorted(by_base))).classify(text)
    return by_base.get(str(found))


@lru_cache(maxsize=2_048)
def is_learned(text: str) -> bool:
    """Whether a text may be in the language that the encoder knows; in doubt it is."""
    letters = [letter for letter in text[:SCRIPT_CHARACTERS] if letter.isalpha()]
    if sum(letter < LATIN_ENDS for letter in letters) * 2 < len(letters):
        return False
    if len(words_in(text)) < MIN_WORDS:
        return True
    found, likelihood = _identifier(KNOWN, norm=True).classify(text)
    return str(found) in LEARNED or float(likelihood) < DOUBT


def language_of(turn: Turn, conversation: Conversation, matrix: Matrix) -> str:
    """Return the language to answer in, of those the business answers in: the turn's, the conversation's, the main one."""
    spoken = {language.partition("-")[0]: language for language in reversed(matrix.business.languages)}
    for known in (turn.language, conversation.language, conversation.customer.language):
        if known and known.lower().partition("-")[0] in spoken:
            return spoken[known.lower().partition("-")[0]]
    return matrix.business.languages[0]


@cache
def _identifier(languages: tuple[str, ...], *, norm: bool = False) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=norm)
    identifier.set_languages(list(languages))
    return identifier
