"""Reading a matrix: what cannot be read, the digest of its meaning, and the small written forms."""

import pytest

from hookflash.errors import InputError, MatrixError
from hookflash.matrix import Matrix, load_matrix, parse_matrix
from hookflash.matrix.values import format_duration, parse_duration
from tests.conftest import CLINIC, SHOP


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
    inside = SHOP.replace("languages: [en, es]", "languages: [en, es], regulated: hipaa").replace("desk:", "baa: true, desk:", 3)
    parse_matrix(inside.replace("kind: webhook,", "kind: webhook, baa: true,"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hookflash: 1\n\tbusiness: x", "tabs"),
        ("hookflash: 1\nclosed: [2026-02-30]", "m.yaml:2:1 error impossible-date"),
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
    (tmp_path / "huge.yaml").write_text("#" * 500_001)
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
