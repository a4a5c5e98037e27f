from hypothesis import given
from hypothesis import strategies as st

from hookflash.cards import mask_cards
from hookflash.signals.lexicon import lexicon
from hookflash.signals.normalise import words_of

TEXT = st.text(max_size=300)


@given(TEXT)
def test_every_word_lies_in_the_text_in_order(text):
    """Whatever the text, words are found in order and within it."""
    words = words_of(text)
    assert all(0 <= word.start < word.end <= len(text) for word in words)
    assert all(first.end <= second.start for first, second in zip(words, words[1:], strict=False))


@given(TEXT)
def test_every_phrase_lies_in_the_text(text):
    """Evidence never points outside the turn."""
    assert all(0 <= found.start < found.end <= len(text) for found in lexicon().find(words_of(text)))


@given(TEXT, TEXT)
def test_a_request_is_heard_whatever_stands_around_it(before, after):
    """No text before or after a request for a person hides it, unless it joins into another word or phrase."""
    text = f"{before}\n. xyzzy xyzzy xyzzy xyzzy xyzzy I want to talk to a human being right now xyzzy xyzzy xyzzy xyzzy xyzzy .\n{after}"
    assert "explicit_request" in {found.kind for found in lexicon().find(words_of(text))}


@given(TEXT)
def test_masking_keeps_every_character_in_its_place(text):
    """Offsets into a turn hold after card numbers were masked."""
    masked = mask_cards(text)
    assert len(masked) == len(text)
    assert all(new == old or (new == "*" and old.isdigit()) for new, old in zip(masked, text, strict=True))
