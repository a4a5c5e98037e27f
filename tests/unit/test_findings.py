"""One faulty matrix for each mistake: `tests/faulty`, each named after its mistake, with what must be found and where."""

import re
from datetime import UTC, datetime

import pytest

from hookflash.errors import MatrixError
from hookflash.matrix import parse_matrix
from hookflash.matrix.codes import CODES
from hookflash.review.check import check_file, check_text
from tests.conftest import CLINIC, ROOT, SHOP

NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)
FAULTY = sorted((ROOT / "tests" / "faulty").glob("*.yaml"))
EXPECT = re.compile(r"# expect: (\S+) at line (\d+)(?:; also (.*))?")
# Not to be written down as a matrix file.
OF_FILES = {"no-such-file", "file-too-large", "not-utf8", "not-a-matrix", "too-nested", "too-many-values"}


def expected(file):
    code, line, also = EXPECT.match(file.read_text()).groups()
    return code, int(line), set(also.split(", ")) if also else set()


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_mistake_is_found_where_it_is_and_nothing_else(file):
    """Every mistake is found by its code at its line, and nothing is found that is not there."""
    code, line, also = expected(file)
    report = check_file(file, NOW)
    assert [fault for fault in report.faults if (fault.code, fault.line) == (code, line)], report.faults
    assert {fault.code for fault in report.faults} - {code} - also == set()


def test_there_is_a_mistake_for_every_code():
    """At least sixty mistakes, and no code that no file shows."""
    assert len(FAULTY) >= 60
    assert {expected(file)[0] for file in FAULTY} == set(CODES) - OF_FILES


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_matrix_without_an_error_loads_and_no_other(file):
    """What the text alone tells keeps a matrix from loading."""
    report = check_file(file, NOW)
    proved = {"shadowed-route", "unreachable-route", "rung-never-open", "severe-less-urgent", "promise-beyond-cap", "unstaffed-promise"}
    proved |= {"claims-connection", "claims-callback", "fixed-callback-time", "claims-human", "discourages-person", "crisis-uncovered"}
    proved |= {"explicit-request-questioned", "never-open"}
    if {fault.code for fault in report.errors} - proved:
        with pytest.raises(MatrixError):
            parse_matrix(file.read_text())


def test_files_that_are_no_matrix_are_one_clear_line(tmp_path):
    """Missing, huge, endless, of another encoding, empty: each by its code, all unreadable."""
    contents = {
        "file-too-large": b"#" * 50_000_000,
        "not-utf8": "name: Muñoz".encode("utf-16"),
        "not-a-matrix": b"",
        "too-nested": b"- " * 20_000 + b"x",
    }
    for code, content in contents.items():
        (tmp_path / code).write_bytes(content)
        (fault,) = check_file(tmp_path / code, NOW).faults
        assert (fault.code, fault.unreadable) == (code, True)
    for path, code in ((tmp_path / "none.yaml", "no-such-file"), (tmp_path, "no-such-file")):
        assert [fault.code for fault in check_file(path, NOW).faults] == [code]
    assert [fault.code for fault in check_file("/dev/zero", NOW).faults] == ["no-such-file"]


def test_no_message_repeats_a_secret():
    """Neither a secret that is found nor the values of a key that is written twice."""
    for file in FAULTY:
        if file.stem.startswith(("secret", "token")):
            text = "\n".join(str(fault) for fault in check_file(file, NOW).faults)
            assert not re.search("s3cr3t|hunter2|MfKQ9r8", text)
    (fault,) = check_text("hookflash: hunter2\nhookflash: hunter3\n", "m.yaml", NOW).faults
    assert "hunter" not in str(fault)


@pytest.mark.parametrize("name", ["clinic", "shop", "bank"])
def test_the_examples_have_no_findings(name):
    """What people copy first is without even a warning."""
    assert check_file(ROOT / "examples" / name / "matrix.yaml", NOW).faults == ()


def test_all_findings_come_at_once_in_the_order_of_the_file():
    """Names, boundary, secrets and proof in one report."""
    text = SHOP.replace("{to: night, warm: 30s}", "{to: team, warm: 30s}").replace("name: general", "name: emergency")
    text = text.replace("within: 2h", "within: 2h, cap: 3h").replace("/brief", "/brief?token=abc123")
    faults = check_text(text, "m.yaml", NOW).faults
    assert {fault.code for fault in faults} >= {
        "crisis-uncovered",
        "duplicate-name",
        "promise-beyond-cap",
        "secret-in-plain-text",
        "unused",
    }
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)


def test_the_worst_wait_is_known_for_each_trigger():
    """A crisis at any time in half a minute; anything else over Christmas."""
    waits = {(wait.trigger, wait.topic): wait for wait in check_file(CLINIC / "matrix.yaml", NOW).waits}
    crisis, asked = waits["distress.crisis", None], waits["explicit_request", None]
    assert (crisis.seconds, crisis.asked) == (30, None)
    # Closed from Wednesday 23 December 17:00 to Monday 28 December 08:00, and then an hour.
    assert asked.seconds == (7 + 3 * 24 + 24 + 9) * 3600
    assert ("scope.fenced", "billing") in waits
