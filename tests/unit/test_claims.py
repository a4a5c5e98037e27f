"""What words said to customers may not claim, in each of the languages that hookflash brings words in."""

from datetime import UTC, datetime

import pytest

from hookflash.matrix.wording import BUILTIN_WORDING
from hookflash.review.check import check_text
from tests.conftest import SHOP

NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)
# At the moment of the decision, on a route that nobody is there for at night.
AT_ONCE = [
    ("en", "I am putting you through to a colleague.", "claims-connection"),
    ("en", "Somebody will ring you back.", "claims-callback"),
    ("en", "Shall I ask a person?", "explicit-request-questioned"),
    ("en", "You have an answer within half an hour.", "fixed-callback-time"),
    ("en", "I am a human.", "claims-human"),
    ("es", "Le comunico con un compañero.", "claims-connection"),
    ("es", "Le llamaremos.", "claims-callback"),
    ("es", "¿Quiere que avise a una persona?", "explicit-request-questioned"),
    ("fr", "Je vous mets en relation avec un collègue.", "claims-connection"),
    ("fr", "Nous vous rappellerons.", "claims-callback"),
    ("fr", "Voulez-vous que je demande une personne ?", "explicit-request-questioned"),
    ("de", "Ich verbinde Sie mit einer Kollegin.", "claims-connection"),
    ("de", "Wir rufen Sie zurück.", "claims-callback"),
    ("de", "Soll ich einen Menschen holen?", "explicit-request-questioned"),
    ("it", "La metto in contatto con un collega.", "claims-connection"),
    ("it", "La richiameremo.", "claims-callback"),
    ("pt", "Vou transferi-lo para um colega.", "claims-connection"),
    ("nl", "Ik verbind u door.", "claims-connection"),
    ("nl", "Wij bellen u terug.", "claims-callback"),
    ("pl", "Łączę Pana z konsultantem.", "claims-connection"),
    ("pl", "Oddzwonimy.", "claims-callback"),
    ("pl", "Jestem człowiekiem.", "claims-human"),
]
HONEST = [
    ("en", "I cannot connect you to anybody yet; I am asking a person."),
    ("es", "No soy una persona: soy el asistente, y aviso a alguien."),
    ("de", "Ich verbinde Sie noch nicht; zuerst frage ich, wer Zeit hat."),
    ("fr", "Je demande à une personne de prendre le relais."),
    ("it", "Chiedo a una persona di occuparsene."),
    ("pl", "Nie jestem człowiekiem; proszę człowieka o pomoc."),
]


def codes(language, text):
    matrix = SHOP.replace("languages: [en, es]", f"languages: [{language}]").replace("when: {}, ladder", "when: {}, say: own, ladder")
    report = check_text(matrix + f'wording: {{{language}: {{own: "{text}"}}}}\n', "m.yaml", NOW)
    return {fault.code for fault in report.faults}


@pytest.mark.parametrize(("language", "text", "code"), AT_ONCE, ids=lambda value: value[:30])
def test_words_that_claim_too_much_are_found(language, text, code):
    """By what they claim, where it is not so."""
    assert code in codes(language, text)


@pytest.mark.parametrize(("language", "text"), HONEST, ids=lambda value: value[:30])
def test_honest_words_are_left_alone(language, text):
    """Negations and plain announcements claim nothing."""
    assert codes(language, text) == set()


@pytest.mark.parametrize("language", BUILTIN_WORDING)
def test_our_own_words_claim_nothing_and_are_whole_in_every_language(language):
    """As if a matrix had written them itself."""
    words = BUILTIN_WORDING[language]
    written = ", ".join(f'{key}: "{text}"' for key, text in words.items())
    matrix = SHOP.replace("languages: [en, es]", f"languages: [{language}]") + f"wording: {{{language}: {{{written}}}}}\n"
    assert set(words) == set(BUILTIN_WORDING["en"])
    assert check_text(matrix, "m.yaml", NOW).faults == ()
