import time

import pytest

from hookflash.signals import phrases
from hookflash.signals.phrases import Hit, PhraseIndex, PhraseSyntaxError


def find(pattern, text, **classes):
    return PhraseIndex([pattern], classes).find(text.split())


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("talk to", "let me talk to you", True),
        ("talk (to|with) [a|an] human", "talk with human", True),
        ("talk (to|with) [a|an] human", "talk with a human", True),
        ("talk (to|with) [a|an] human", "talk at a human", False),
        ("swell* ... throat", "swelling of my throat", True),
        ("swell* ... throat", "swelling one two three four five throat", False),
        ("a _ b", "a x b", True),
        ("a _ b", "a b", False),
        ("@who now", "real person now", True),
        ("(a|b c) d", "b c d", True),
        ("(a|b c) d", "b d", False),
    ],
)
def test_patterns_mean_what_they_say(pattern, text, found):
    """Choices, options, classes, beginnings and gaps."""
    assert bool(find(pattern, text, who=["real person"])) is found


def test_the_longest_reading_is_reported():
    """A hit begins at the earliest word from which the pattern reaches its end."""
    assert find("[very] [very] sore", "it is very very sore") == [Hit(0, 2, 4)]


@pytest.mark.parametrize("pattern", ["(a|b", "a)", "@nobody", "[a]", "..."])
def test_patterns_that_cannot_be_read_are_refused(pattern):
    """A slip in a lexicon is found when it is compiled, not when somebody needs it."""
    with pytest.raises(PhraseSyntaxError):
        PhraseIndex([pattern], {})


def test_a_full_table_starts_afresh(monkeypatch):
    """Running out of remembered states and words changes no result."""
    monkeypatch.setattr(phrases, "MAX_STATES", 3)
    monkeypatch.setattr(phrases, "MAX_KNOWN_WORDS", 3)
    index = PhraseIndex(["a ... b", "c d e"], {})
    for _ in range(3):
        assert [hit.pattern for hit in index.find("a x y b c d e f g".split())] == [0, 1]


def test_time_grows_with_the_length_and_no_faster():
    """A text ten times as long takes about ten times as long: measured in steps of the automaton, not in seconds."""
    from hookflash.signals.lexicon import lexicon
    from hookflash.signals.normalise import words_of

    def seconds(count):
        words = words_of("i want to to to talk talk my chest is is tight " * count)
        begun = time.process_time()
        lexicon().find(words)
        return time.process_time() - begun

    seconds(50)
    short, long = min(seconds(100) for _ in range(3)), min(seconds(1_000) for _ in range(3))
    assert long < 40 * short
