"""Whether a turn says what the customer wants, rather than being small talk, an answer or a remark."""

from hookflash.model import Conversation, Speaker, Turn
from hookflash.signals.meaning import WISH, probability
from hookflash.signals.text import SUBSTANCE_WORDS, has_request_form, substance, words_in

# A reply this short to a question is an answer ("Tuesday works, around ten"), not a new wish.
ANSWER_WORDS = 12
LIKELY = 0.5


def states_a_wish(turn: Turn, conversation: Conversation, main: str) -> bool:
    """Whether a turn has substance and is a wish: by its meaning in English, elsewhere by its form and its place.

    What nobody knows the language of is taken to be in the business' `main` one.
    """
    if len(substance(turn.text)) < SUBSTANCE_WORDS:
        return False
    english = (turn.language or conversation.language or main).lower().startswith("en")
    likely = probability(WISH, turn.text) if english else None
    if likely is not None:
        return likely >= LIKELY
    return has_request_form(turn.text) if follows_up(conversation) else not _is_answer(turn, conversation)


def follows_up(conversation: Conversation) -> bool:
    """Whether the customer already said what they want."""
    return any(len(substance(record.turn.text)) >= SUBSTANCE_WORDS for record in conversation.said_by(Speaker.CUSTOMER))


def _is_answer(turn: Turn, conversation: Conversation) -> bool:
    asked = conversation.turns and conversation.turns[-1].turn
    if not asked or asked.speaker is not Speaker.ASSISTANT or "?" not in asked.text:
        return False
    return len(words_in(turn.text)) <= ANSWER_WORDS and not has_request_form(turn.text)
