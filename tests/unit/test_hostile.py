"""What would make the engine slow, blind or careless, found by people who tried."""

import time
from datetime import UTC, datetime

import pytest

from hookflash.brief.entities import entities
from hookflash.cards import mask_cards
from hookflash.model import Conversation, HistoryTurn, Kind, Speaker
from hookflash.signals.language import spoken_language
from tests.unit.test_detectors import NEW, customer

CARD = "4111111111111111"


@pytest.mark.parametrize(
    "said",
    [
        "mi tarjeta cuatro uno uno uno uno uno uno uno uno uno uno uno uno uno uno uno",
        "forty one eleven eleven eleven eleven eleven eleven eleven",
        "vier eins eins eins eins eins eins eins eins eins eins eins eins eins eins eins",
        "4111 1111 one one one one one one one one",
        *(f"4111{gap}1111{gap}1111{gap}1111" for gap in ("  ", ",", "\u00a0", "/", "\u2011", "\n", " - ")),
    ],
)
def test_no_full_card_number_is_kept_however_it_is_said(said):
    """Neither in the turn nor, read by another language, in a fact of the brief."""
    masked = mask_cards(said)
    assert len(masked) == len(said)
    assert masked.endswith("1111")
    for language in ("en", "es", "de"):
        turn = HistoryTurn(number=1, speaker=Speaker.CUSTOMER, text=masked, at=datetime(2026, 11, 24, tzinfo=UTC))
        found = entities((turn,), now=datetime(2026, 11, 24, tzinfo=UTC), zone="UTC", country="ES", language=language, complaint=False)
        assert CARD not in {one.normalised for one in found}


def test_a_card_number_is_found_wherever_a_long_turn_has_it():
    """Numbers are read in stretches of words; none is cut in two, and one may stand at the very end."""
    card = "four one one one one one one one one one one one one one one one"
    for before in range(20, 60):
        assert mask_cards(f"{'yes ' * before}{card}").endswith("1111")
        assert mask_cards(f"{'five ' * before}and then {card} thanks").endswith("1111 thanks")


def test_numbers_in_a_list_are_no_card():
    """Two telephone numbers side by side stay as they are."""
    text = "call 555 123 4567, or 555 987 6543"
    assert mask_cards(text) == text


@pytest.mark.parametrize("before", ["after the film", "I love that song but", "in class today"])
@pytest.mark.parametrize("said", ["I took an overdose", "my husband is choking"])
def test_words_before_it_do_not_switch_a_red_flag_off(before, said, clinic_panel):
    """What cancels a phrase of a film or a song does not cancel the next sentence."""
    scores = {one.kind: one.score for one in clinic_panel.measure(customer(f"{before} {said}"), NEW)}
    assert max(scores[Kind.RED_FLAG], scores[Kind.CRISIS]) >= 0.5


@pytest.mark.parametrize("sentences", [5, 30, 60, 190])
def test_a_request_in_the_middle_of_a_long_turn_is_heard(sentences, clinic_panel):
    """The encoder reads the two ends of a long turn; n-grams and lexicons read all of it."""
    filler = "The weather was fine and we went to the market to buy some apples and bread. " * sentences
    text = f"{filler}I would much rather have somebody living deal with this. {filler}"
    assert max(one.score for one in clinic_panel.measure(customer(text), NEW) if one.kind == Kind.EXPLICIT_REQUEST) >= 0.5


@pytest.mark.parametrize("word", ["one a ", "one and ", "人工客服", "pain ", "agent please ", "1 ", "double five "])
def test_repeated_words_take_linear_time(word, clinic_panel):
    """Twice the text takes about twice the time, card numbers and all."""

    def seconds(length):
        text = (word * length)[:length]
        begun = time.perf_counter()
        clinic_panel.measure(customer(mask_cards(text)), Conversation(id="c"))
        return time.perf_counter() - begun

    seconds(500)
    whole, half = min(seconds(16_000), seconds(15_990)), min(seconds(8_000), seconds(7_990))
    assert whole < 6 * half + 0.2


def test_a_language_that_cannot_be_told_apart_is_not_guessed():
    """A business may answer in a language that the identifier does not know."""
    text = "hello I would like to know when you are open"
    assert spoken_language(text, ("en", "fil"), "en") == "en"
    assert spoken_language(text, ("en", "fil", "es")) == "en"
