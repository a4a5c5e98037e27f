"""`init`: every kind of business passes `check` and `test` from the first minute, in any of the languages, at any hours."""

from datetime import UTC, datetime

import pytest

from hookflash.app.adapters import judge_for
from hookflash.app.interview import QUESTIONS, interview, read_answers
from hookflash.app.starter import write_starter
from hookflash.app.verticals import verticals
from hookflash.errors import HookflashError, InputError
from hookflash.matrix import load_matrix
from hookflash.review.cases import read_cases
from hookflash.review.check import check_file
from hookflash.review.tidy import formatted
from hookflash.review.trial import run_cases

VERTICALS = [one.key for one in verticals()]
ANSWERS = [
    {"languages": "en"},
    {
        "languages": "es en",
        "timezone": "america/mexico city",
        "hours": "mon-sat 10:00-14:00 16:00-20:00",
        "holidays": "mx",
        "front": "+525512345678",
    },
    {"languages": "de", "timezone": "Europe/Berlin", "hours": "always", "urgent": "chat", "callback": "45m"},
    {
        "languages": "en, fr",
        "timezone": "Australia/Lord_Howe",
        "hours": "fri-sun 18:00-02:00",
        "specialist": "+61291234567",
        "callback": "1h30m",
    },
]


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: answers["languages"])
@pytest.mark.parametrize("vertical", VERTICALS)
def test_what_it_writes_passes_at_once(vertical, answers, tmp_path):
    """No finding, every case as wanted, formatted, with a schema and a README beside it."""
    written = write_starter(tmp_path, interview({"vertical": vertical, **answers}, ask=False), force=False)
    assert all(file.exists() for file in written.files)
    now = datetime.now(UTC)
    matrix = tmp_path / "matrix.yaml"
    assert check_file(matrix, now).faults == ()
    results = run_cases(judge_for(load_matrix(matrix)), read_cases(tmp_path / "cases"), now)
    assert not [(result.placed.line, result.placed.case.note, result.faults) for result in results if not result.passed]
    assert len(results) >= 12
    assert formatted(matrix.read_text(), "m") == matrix.read_text()


@pytest.mark.parametrize(
    ("key", "answer", "said"),
    [
        ("vertical", "zoo", "none of them"),
        ("name", " ", "at least one letter"),
        ("timezone", "Europe/Madird", "did you mean `Europe/Madrid`"),
        ("languages", "english", "language code"),
        ("hours", "mon-fri 9-17", "is not an opening"),
        ("hours", "mon-fry 09:00-17:00", "is not a day"),
        ("hours", "mon-fri 09:00-24:00", "is not a time"),
        ("holidays", "XX", "no holidays"),
        ("front", "555", "country code"),
        ("front", "+1555", "digits"),
        ("callback", "soon", "length of time"),
        ("regulated", "maybe", "yes or no"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_at_once(key, answer, said, tmp_path):
    """By its question, with what to write."""
    with pytest.raises(HookflashError) as caught:
        interview({key: answer}, ask=False)
    assert said in str(caught.value)
    assert str(caught.value).startswith(key)


def test_where_patients_are_answered_somebody_takes_emergencies():
    """No for an answer is not taken."""
    with pytest.raises(InputError, match="at any time"):
        interview({"vertical": "dental", "urgent": "none"}, ask=False)
    assert interview({"vertical": "shop", "urgent": "none"}, ask=False).urgent is None


def test_nobody_for_emergencies_is_said_in_the_readme(tmp_path):
    """Also in the cases: a crisis at night then finds nobody, and says so."""
    write_starter(tmp_path, interview({"vertical": "shop", "urgent": "none"}, ask=False), force=False)
    assert "Nobody is named for emergencies" in (tmp_path / "README.md").read_text()
    assert [fault.code for fault in check_file(tmp_path / "matrix.yaml", datetime.now(UTC)).faults] == ["crisis-uncovered"]
    results = run_cases(judge_for(load_matrix(tmp_path / "matrix.yaml")), read_cases(tmp_path / "cases"), datetime.now(UTC))
    assert all(result.passed for result in results)


def test_answers_come_from_a_file(tmp_path):
    """What it leaves out takes its default; what is no question is said."""
    file = tmp_path / "answers.yaml"
    file.write_text("vertical: bank\nlanguages: [en, es]\nholidays: none\n")
    answers = interview(read_answers(file), ask=False)
    assert (answers.vertical.key, answers.languages, answers.callback) == ("bank", ("en", "es"), "2h")
    for text, said in (("vertcal: bank", "did you mean `vertical`"), ("- a", "holds no answers"), ("a: [", "not readable")):
        file.write_text(text)
        with pytest.raises(InputError, match=said):
            read_answers(file)
    assert 9 <= len(QUESTIONS) <= 12


def test_answers_that_make_no_sound_matrix_are_not_written(tmp_path):
    """Two hours a week keep no promise of ten hours within the cap."""
    answers = interview({"vertical": "shop", "hours": "mon 09:00-11:00", "callback": "10h"}, ask=False)
    with pytest.raises(InputError, match="promise-beyond-cap"):
        write_starter(tmp_path / "x", answers, force=False)
    assert not (tmp_path / "x").exists()
