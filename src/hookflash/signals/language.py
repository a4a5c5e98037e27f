"""Which of the business' languages a customer writes in."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from hookflash.matrix import Matrix
from hookflash.model import Conversation, Turn
from hookflash.signals.text import words_in

# On fewer words the identifier guesses.
MIN_WORDS = 3
# It takes this many to believe that a customer has changed to another language.
CONVINCING_WORDS = 8


def spoken_language(text: str, languages: tuple[str, ...], known: str | None = None) -> str | None:
    """Return the likeliest of `languages` for a text, or the `known` one where the text is too short to tell."""
    if len(languages) < 2 or len(words_in(text)) < (CONVINCING_WORDS if known else MIN_WORDS):
        return known
    by_base = {language.partition("-")[0]: language for language in reversed(languages)}
    identifier = _identifier(tuple(sorted(by_base)))
    return by_base.get(str(identifier.classify(text)[0])) if identifier else known


def language_of(turn: Turn, conversation: Conversation, matrix: Matrix) -> str:
    """Return the language to answer in, of those the business answers in: the turn's, the conversation's, the main one."""
    spoken = {language.partition("-")[0]: language for language in reversed(matrix.business.languages)}
    for known in (turn.language, conversation.language, conversation.customer.language):
        if known and known.lower().partition("-")[0] in spoken:
            return spoken[known.lower().partition("-")[0]]
    return matrix.business.languages[0]


@cache
def _identifier(languages: tuple[str, ...]) -> LanguageIdentifier | None:
    """Return what tells languages apart, or None where it knows fewer than two of them."""
    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    known = [language for language in languages if language in every.labels]
    if len(known) < 2:
        return None
    every.set_languages(known)
    # A copy of what these languages need: the whole model is 20 MB more.
    return LanguageIdentifier(every.nb_ptc, every.nb_pc, every.nb_classes, every.tk_nextmove, every.tk_output, tk_row=every.tk_row)
