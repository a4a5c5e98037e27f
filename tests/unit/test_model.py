import pytest
from pydantic import ValidationError

from hookflash.model import Turn, Urgency
from hookflash.model.conversation import MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": "a\x00b"}, "NUL character at character 1"),
        ({"text": "ab\ud800"}, "half of a surrogate pair"),
        ({"text": "x" * (MAX_TEXT_CHARACTERS + 1)}, "at most 32,768"),
        ({"conversation": ""}, "1 to 200 characters"),
        ({"conversation": "x" * 201}, "1 to 200 characters"),
        ({"conversation": "a\nb"}, "control character"),
        ({"at": "2026-11-24T10:00:00"}, "timezone"),
        ({"seq": 0}, "greater than or equal to 1"),
        ({"mood": "bad"}, "mood"),
    ],
)
def test_a_turn_that_cannot_be_kept_is_refused_without_repeating_it(change, said):
    """Every refusal says what is wrong; none carries the customer's words."""
    with pytest.raises(ValidationError) as caught:
        Turn(**{"speaker": "customer", "text": "my secret", **change})
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "input_value" not in str(caught.value)


def test_urgencies_are_ordered():
    """The highest is the most urgent."""
    assert Urgency.highest(Urgency.NORMAL, Urgency.IMMEDIATE, Urgency.HIGH) is Urgency.IMMEDIATE
