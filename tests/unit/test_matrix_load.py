"""One faulty matrix for each mistake, with the line it is reported at and what is said about it."""

import pytest

from hookflash.errors import InputError, MatrixError
from hookflash.matrix import Matrix, load_matrix, parse_matrix
from hookflash.matrix.values import format_duration, parse_duration
from tests.conftest import CLINIC, SHOP

LINES = SHOP.splitlines()


def line_of(fragment):
    return next(number for number, line in enumerate(LINES, start=1) if fragment in line)


def broken(old, new):
    assert old in SHOP
    return SHOP.replace(old, new, 1)


MISTAKES = {
    "an unknown key, with the nearest known one": ("name: Lamp Shop", "nmae: Lamp Shop", "did you mean `name`"),
    "a missing key": ("name: Lamp Shop, ", "", "business.name is missing"),
    "a zone that does not exist": ("Europe/Madrid", "Europe/Madird", "no time zone"),
    "a language that is no code": ("[en, es]", "[english]", "not a language code"),
    "a minute beyond 59": ("09:00-13:00", "09:60-13:00", "not a time"),
    "the hour 24": ("15:00-18:00", "15:00-24:00", 'write "00:00"'),
    "openings that overlap": ("09:00-13:00 15:00-18:00", "09:00-13:00 12:00-18:00", "overlap"),
    "an opening that is no opening": ("09:00-13:00 15:00-18:00", "nine to five", "not an opening"),
    "a day that is no day": ("mon-fri:", "mon-fry:", "not a day"),
    "openings that are no text": ('"09:00-13:00 15:00-18:00"', "5", "not a list of openings"),
    "an empty day": ('"09:00-13:00 15:00-18:00"', '""', "no opening"),
    "a length of time without a unit": ("warm: 60s", "warm: 60", "not a length of time"),
    "no time at all": ("warm: 60s", "warm: 0s", "no time at all"),
    "a route to nobody": ("ladder: [{to: night, warm: 30s}]", "ladder: []", "ladder is empty"),
    "a responder that does not exist": ("{to: team,", "{to: taem,", "did you mean `team`"),
    "hours that do not exist": ("night: {hours: always_on", "night: {hours: alwayson", "did you mean `always_on`"),
    "a desk that does not exist": ("desk: crm,", "desk: crn,", "did you mean `crm`"),
    "a trigger that does not exist": ("distress.red_flag]", "distress.redflag]", "did you mean `distress.red_flag`"),
    "a rung that rings in no way": ("{to: lead, cold: 45s}", "{to: lead}", "either `warm` or `cold`"),
    "a rung that rings in two ways": ("{to: lead, cold: 45s}", "{to: lead, cold: 45s, warm: 45s}", "either `warm` or `cold`"),
    "a last route with a condition": ("when: {}, ladder", "when: {channel: chat}, ladder", "does not take everything"),
    "a route that hides the next": ("when: {trigger: [distress.crisis, distress.red_flag]}", "when: {}", "can be reached"),
    "two routes of one name": ("name: general", "name: emergency", "called `emergency` already"),
    "a calendar that never opens": ('office: {mon-fri: "09:00-13:00 15:00-18:00"}', "office: {}", "never open"),
    "a promise that no year can keep": ('{mon-fri: "09:00-13:00 15:00-18:00"}', '{mon: "09:00-09:01"}', "not so much opening time"),
    "a foreign desk under our own desk's name": (
        "desks: {tickets",
        'desks: {builtin: {kind: webhook, url: "http://x"}, tickets',
        "own desk",
    ),
    "words that say what is not known yet": ("when: {}, ladder", "when: {}, say: hello, ladder", "not known when"),
    "a placeholder with a format": ("nobody: {", "wording: {en: {nobody: 'by {callback_by:d}'}}\nnobody: {", "more than a name"),
    "a promise for after a month": ("within: 2h", "within: 900d", "too long"),
    "a ring of two hours": ("warm: 60s", "warm: 2h", "too long"),
    "an empty example": ("routes:", 'scope: {intents: {a: {examples: [""]}}}\nroutes:', "at least 1 character"),
    "a webhook desk without a url": (', url: "http://127.0.0.1:9/brief"', "", "needs a `url`"),
    "an unknown key of a desk": ("tickets: {kind: builtin}", "tickets: {kind: builtin, baaa: true}", "did you mean `baa`"),
    "a phone number that is none": ("+34911234567", "911", "not a phone number"),
    "a phone number with too few digits": ("+34911234567", "+349112345678901", "digits"),
    "a line to nowhere": ("line: {chat: night}", "line: {}", "empty line"),
    "words that nobody wrote": ("hours: office}}", "hours: office}, say: sorry}", "no words `sorry`"),
    "settings of the explicit request": ("routes:", "triggers: {explicit_request: {at: 0.9}}\nroutes:", "takes no keys"),
    "a crisis switched off": ("routes:", "triggers: {distress: {crisis: off}}\nroutes:", "crisis"),
    "a placeholder that does not exist": (
        "nobody: {",
        "wording: {en: {nobody: 'by {calback_by}'}}\nnobody: {",
        "did you mean `callback_by`",
    ),
    "braces that do not match": ("nobody: {", "wording: {en: {nobody: 'by {callback_by'}}\nnobody: {", "braces do not match"),
    "another version of the format": ("hookflash: 1", "hookflash: 2", "hookflash"),
    "a threshold above one": ("routes:", "triggers: {scope: {at: 5}}\nroutes:", "less than or equal to 1"),
    "holidays of nowhere": ('mon-fri: "09', 'holidays: XX, mon-fri: "09', "no holidays are known"),
    "holidays of an unknown region": ('mon-fri: "09', 'holidays: US-QQ, mon-fri: "09', "no holidays are known"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_place_and_mend(mistake):
    """Every mistake is named at its own line, in one fault."""
    old, new, said = MISTAKES[mistake]
    text = broken(old, new)
    if "say: hello" in new:
        text += "wording: {en: {hello: '{responder} comes'}, es: {hello: hola}}\n"
    with pytest.raises(MatrixError) as caught:
        parse_matrix(text, "m.yaml")
    matching = [fault for fault in caught.value.faults if said in str(fault)]
    assert matching, str(caught.value)
    assert str(matching[0]).startswith("m.yaml:")
    expected = line_of(old.splitlines()[0])
    assert abs(matching[0].line - expected) <= (10 if "opening time" in said else 1), str(caught.value)


def test_all_faults_are_reported_at_once():
    """Faults of shape, of names and of sense come in one report, in the order of the file."""
    text = SHOP.replace("Europe/Madrid", "Nowhere/Land").replace("to: team", "to: taem").replace("within: 2h", "within: soon")
    with pytest.raises(MatrixError) as caught:
        parse_matrix(text)
    assert len(caught.value.faults) == 3
    assert [fault.line for fault in caught.value.faults] == sorted(fault.line for fault in caught.value.faults)


def test_regulated_data_stays_inside_the_boundary():
    """In a regulated matrix a desk without an agreement is a fault, so such a matrix does not load."""
    with pytest.raises(MatrixError, match="leave the boundary"):
        parse_matrix(SHOP.replace("languages: [en, es]", "languages: [en, es], regulated: hipaa"))
    parse_matrix(
        SHOP.replace("languages: [en, es]", "languages: [en, es], regulated: hipaa").replace("kind: webhook,", "kind: webhook, baa: true,")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hookflash: 1\n\tbusiness: x", "tabs"),
        ("hookflash: 1\nclosed: [2026-02-30]", "m.yaml:2:1: there is no such day"),
        ("a: " + "[" * 100_000, "brackets"),
        ("hookflash: 1\nhookflash: 1", "keep one of the two keys"),
        ("a: [1, 2", "quotes and brackets"),
        ("", "no settings"),
        ("- 1\n- 2", "no settings"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [" + ", ".join([f"*{chr(97 + n)}"] * 10) + "]\n" for n in range(7)),
            "unfolds",
        ),
    ],
)
def test_broken_yaml_is_one_clear_line(text, said):
    """What cannot be read as YAML is said in one line, with its place, and marked as unreadable."""
    with pytest.raises(MatrixError) as caught:
        parse_matrix(text, "m.yaml")
    assert not caught.value.readable
    assert said in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    """Missing, huge and undecodable files are told apart."""
    with pytest.raises(InputError, match="No such file"):
        load_matrix(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_text("#" * 1_000_001)
    with pytest.raises(InputError, match="larger than"):
        load_matrix(tmp_path / "huge.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Muñoz".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        load_matrix(tmp_path / "latin.yaml")


def test_the_revision_is_a_digest_of_meaning():
    """Comments, spacing and the order of keys change nothing; a threshold does."""
    again = parse_matrix("# a comment\n" + SHOP.replace("{kind: builtin}", "{  kind: builtin  }"))
    swapped = parse_matrix(SHOP.replace("hours: office, desk: crm", "desk: crm, hours: office"))
    changed = parse_matrix(SHOP.replace("warm: 60s", "warm: 61s"))
    first = parse_matrix(SHOP)
    assert first.revision == again.revision == swapped.revision != changed.revision


def test_a_stored_matrix_is_the_same_matrix(clinic):
    """A revision kept in the store comes back as it was."""
    assert Matrix.model_validate_json(clinic.model_dump_json()).revision == clinic.revision


def test_the_example_loads():
    """The clinic's matrix has no faults."""
    assert load_matrix(CLINIC / "matrix.yaml").business.name == "Riverside Dental"


@pytest.mark.parametrize("text", ["30s", "5m", "1h30m", "2d"])
def test_lengths_of_time_are_written_as_they_are_read(text):
    """Reading and writing a length of time are each other's inverse."""
    assert format_duration(parse_duration(text)) == text
