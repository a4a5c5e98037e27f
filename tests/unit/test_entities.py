from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookflash.brief.entities import entities
from hookflash.cards import mask_cards
from hookflash.model import EntityKind, HistoryTurn, Speaker
from hookflash.spoken import written

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


def facts(*lines, country="US", language="en"):
    """Facts of a conversation: a line of the assistant begins with "A: "."""
    history = tuple(
        HistoryTurn(number=n, speaker=Speaker.ASSISTANT if text.startswith("A: ") else Speaker.CUSTOMER, text=text, at=NOW)
        for n, text in enumerate(lines, start=1)
    )
    found = entities(history, now=NOW, zone="America/Chicago", country=country, complaint=False, language=language)
    return {(one.kind.value, one.value, one.normalised) for one in found}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (
            "it's three one two double five five oh one four eight",
            ("phone", "three one two double five five oh one four eight", "+13125550148"),
        ),
        ("policy number is p o l dash four four one two two", ("policy", "p o l dash four four one two two", "POL44122")),
        ("claim 7 7 1 double 2 please", ("claim", "7 7 1 double 2", "77122")),
        ("confirmation number mjh 489", ("order", "mjh 489", "MJH489")),
        ("sure b as in boy 7 n 9 m for mike 5", ("reference", "b as in boy 7 n 9 m for mike 5", "B7N9M5")),
        ("ana dot ruiz at example dot com", ("email", "ana dot ruiz at example dot com", "ana.ruiz@example.com")),
        ("it was one hundred and twenty dollars", ("amount", "one hundred and twenty dollars", "120.00 USD")),
        ("forty five quid", ("amount", "forty five quid", "45.00 GBP")),
        ("€1.250,50 in all", ("amount", "€1.250,50", "1250.50 EUR")),
        ("on the third of may", ("date", "third of may", "2027-05-03")),
        ("charged 3 days ago", ("date", "3 days ago", "2026-11-21")),
        ("at half past three", ("time", "half past three", "03:30")),
        ("tomorrow at 3:30pm", ("time", "3:30pm", "15:30")),
        ("my zip is nine oh two one oh", ("postcode", "nine oh two one oh", "90210")),
        ("last name joseph", ("name", "joseph", "Joseph")),
        ("ruth okafor is my name", ("name", "ruth okafor", "Ruth Okafor")),
        ("my mobile is 394 293 1022", ("phone", "394 293 1022", "+13942931022")),
    ],
)
def test_spoken_and_spelled_facts(text, fact):
    """Each is quoted as it was said and normalised for machines."""
    assert fact in facts(text)


@pytest.mark.parametrize(
    ("text", "language", "country", "fact"),
    [
        ("mi número de cuenta es cuatro cuatro uno dos", "es", "ES", ("account", "cuatro cuatro uno dos", "4412")),
        ("el tres de mayo a las 15:30", "es", "ES", ("date", "tres de mayo", "2027-05-03")),
        ("je m'appelle Luc Martin", "fr", "FR", ("name", "Luc Martin", "Luc Martin")),
        ("rendez-vous à 14h30", "fr", "FR", ("time", "14h30", "14:30")),
        ("I live at sw1a 1aa", "en", "GB", ("postcode", "sw1a 1aa", "SW1A 1AA")),
    ],
)
def test_other_languages_and_countries(text, language, country, fact):
    """Number words are read in the language of the conversation, postcodes by the business' country."""
    assert fact in facts(text, language=language, country=country)


@pytest.mark.parametrize(
    ("asked", "reply", "fact"),
    [
        ("A: May I have your full name please?", "lakshmi narayan", ("name", "lakshmi narayan", "Lakshmi Narayan")),
        ("A: And your booking number?", "it's 4411", ("order", "4411", "4411")),
        ("A: What is your zip code?", "43225", ("postcode", "43225", "43225")),
        ("A: What number can we reach you on? A phone is fine.", "my phone? 312 555 0148", ("phone", "312 555 0148", "+13125550148")),
    ],
)
def test_a_bare_reply_means_what_was_asked_for(asked, reply, fact):
    """The question before it tells what a reply of a few words is."""
    assert fact in facts(asked, reply)


@pytest.mark.parametrize(
    "text",
    ["no thanks", "I have a question about two bills", "ticket for 12 people", "my case is hopeless", "500mg twice, the 3rd at night"],
)
def test_what_is_no_fact_is_none(text):
    """Counts, doses and figures of speech are no numbers of anything."""
    assert not {one for one in facts("A: Is there anything else, your name perhaps?", text) if one[0] not in ("date", "time")}


def test_a_card_number_in_words_is_masked_but_for_its_last_four():
    """Read out or typed, a full card number is never kept."""
    said = "it's four two four two four two four two four two four two four two four two thanks"
    masked = mask_cards(said)
    assert len(masked) == len(said)
    assert "four" not in masked
    assert masked.endswith("4242 thanks")
    assert mask_cards("five apples and two pears, one of each") == "five apples and two pears, one of each"


@given(st.text(max_size=80))
def test_what_was_said_can_always_be_quoted(text):
    """The written form's words come from the original, whatever it is."""
    read = written(text, "en")
    quoted = read.said(0, len(read.text))
    assert quoted in text
    assert quoted.split() == text.split() or not read.tokens


def test_the_kinds_have_names_for_people():
    """Nothing is called by a number or a code."""
    assert all(kind.value.replace("_", "").isalpha() for kind in EntityKind)


def test_replies_that_give_nothing_give_no_fact():
    """A phone number is taken as given, possible or none; words and short counts are no numbers."""
    asked = "A: What phone number can we call?"
    assert facts(asked, "394 293 1022") == {("phone", "394 293 1022", "+13942931022")}
    assert not facts(asked, "dunno")
    assert not facts(asked, "12")
    assert not facts("A: What is your order number?", "dunno")
    assert not facts("order number 12 please")
    assert not facts("Hello.", "A: Thanks.", "dunno")
