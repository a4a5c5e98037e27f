import pytest

from hookflash.signals.normalise import plain_word, words_of


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("HUMAN", "human"),
        ("don’t", "dont"),
        ("niño", "nino"),
        ("ａｇｅｎｔ", "agent"),
        ("аgеnt", "agent"),  # Cyrillic a and e
        ("hum4n", "human"),
        ("pleeeease", "please"),
        ("2nd", "2nd"),
        ("b12", "b12"),
        ("911", "911"),
    ],
)
def test_disguises_come_off(said, plain):
    """Case, accents, look-alikes, digits inside words and stretched letters lead to one plain word."""
    assert plain_word(said) == plain


def test_words_know_their_place_in_the_original():
    """Evidence points into the text as it was sent, invisible characters included."""
    text = "a re\u200bal person"
    second = words_of(text)[1]
    assert second.plain == "real"
    assert text[second.start : second.end] == "re\u200bal"
