"""Reviewing a matrix as people do it: real processes, a real git, the shipped workflow."""

import json
import os
import shutil
import signal
import subprocess
import time
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from tests.conftest import CLINIC, ROOT, SHOP
from tests.e2e.test_cli import run
from tests.wire.servers import HOOKFLASH

BIN = HOOKFLASH.parent
EXAMPLES = ("clinic", "shop", "bank")
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
GIT |= {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **GIT}, check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path):
    """The clinic in a git repository, with a change of who takes pain that is not committed."""
    folder = tmp_path / "clinic"
    shutil.copytree(CLINIC, folder)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    matrix = folder / "matrix.yaml"
    matrix.write_text(matrix.read_text().replace("[{to: nurse, warm: 60s}, {to: reception, warm: 60s}]", "[{to: reception, warm: 60s}]"))
    return tmp_path


def test_check_exits_by_what_it_finds(tmp_path):
    """0 for none, 1 for errors, 2 for what cannot be read; warnings count only where asked."""
    files = {"fine": SHOP, "wrong": SHOP.replace("{to: team", "{to: taem"), "unread": SHOP.replace("09:00-13:00", "08:60-13:00")}
    files["warned"] = SHOP.replace("{to: night, warm: 30s}", "{to: lead, warm: 30s}").replace("{to: lead, cold", "{to: night, cold")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    codes = {name: run("check", tmp_path / name).returncode for name in files}
    assert codes == {"fine": 0, "wrong": 1, "unread": 2, "warned": 0}
    assert run("check", "--strict", tmp_path / "warned").returncode == 1
    several = run("check", tmp_path / "fine", tmp_path / "wrong", "--json")
    assert (several.returncode, [len(one["faults"]) for one in json.loads(several.stdout)]) == (1, [0, 1])
    fault = json.loads(several.stdout)[1]["faults"][0]
    assert {"file", "line", "column", "severity", "code", "what", "mend"} == set(fault)
    missing = run("check", tmp_path / "none", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["faults"][0]["code"]) == (2, "no-such-file")


def test_check_prints_a_line_for_each_finding_and_the_waits():
    """Whole lines, however narrow the terminal."""
    lines = run("check", ROOT / "tests" / "faulty" / "crisis-in-office-hours-alone.yaml").stdout.decode().splitlines()
    assert lines[0].split(": ")[0].endswith(":40:5 warning crisis-uncovered")
    assert lines[0].endswith("end its ladder with somebody who is there at all times")
    clinic = run("check", CLINIC / "matrix.yaml").stdout.decode()
    assert "distress.crisis, distress.red_flag: 30 s at any time" in clinic


def test_show_prints_for_the_terminal_for_git_and_for_paper(tmp_path):
    """Three formats, each with the revision, a place to sign and, where asked, the week."""
    for format_ in ("table", "markdown", "html"):
        shown = run("show", CLINIC / "matrix.yaml", "--format", format_, "--calendar").stdout.decode()
        revision = json.loads(run("show", CLINIC / "matrix.yaml", "--json").stdout)["revision"]
        for words in (revision, "Approved", "Clinician", "Who answers"):
            assert words in shown, (format_, words)


def test_routes_test_verifies_who_is_rung():
    """0 where it is so, 1 where it is not, 2 where the question makes no sense."""
    asked = ("routes", "test", CLINIC / "matrix.yaml", "trigger=distress.pain", "channel=voice", "--at", "Fri 21:40")
    assert run(*asked, "--verify-to", "nurse").returncode == 0
    wrong = run(*asked, "--verify-to", "reception")
    assert (wrong.returncode, b"wanted reception, rung nurse" in wrong.stdout) == (1, True)
    assert json.loads(run(*asked, "--json").stdout)["order"] == ["nurse"]
    assert run(*asked, "--verify-to", "nobdy").returncode == 2
    assert run("routes", "test", "--matrix", CLINIC / "matrix.yaml", "trigger=nothing").returncode == 2


def test_test_reports_for_people_and_for_machines(tmp_path):
    """Text, JSON and JUnit; coverage under the threshold fails."""
    assert run("test", CLINIC).returncode == 0
    assert run("test", CLINIC / "matrix.yaml").returncode == 0
    assert json.loads(run("test", CLINIC, "--format", "json").stdout)["passed"]
    suite = ET.fromstring(run("test", CLINIC, "--format", "junit").stdout).find("testsuite")
    assert int(suite.get("tests")) >= 20
    low = run("test", CLINIC, "--threshold", "99")
    assert (low.returncode, b"coverage is under 99 %" in low.stdout) == (1, True)
    assert run("test", tmp_path).returncode == 2


def test_watching_runs_again_when_a_case_is_saved(tmp_path):
    """Also after a half-written file."""
    shutil.copytree(CLINIC, tmp_path / "clinic")
    case = tmp_path / "clinic" / "cases" / "conversations.yaml"
    good = case.read_text()
    with (tmp_path / "out").open("wb") as out:
        watching = subprocess.Popen([HOOKFLASH, "test", tmp_path / "clinic", "--watch"], stdout=out, stderr=subprocess.STDOUT)
        try:
            _until(tmp_path / "out", "passed, 0 failed")
            time.sleep(1)  # the watcher sets itself up after the first run
            case.write_text("- [")
            _until(tmp_path / "out", "cannot be read as cases")
            case.write_text(good.replace("want: {action: continue}", "want: {action: escalate}").replace('"continue"', '"escalate"', 1))
            _until(tmp_path / "out", "1 failed")
        finally:
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) in (0, 130)


def _until(file, words):
    for _ in range(600):
        if words in file.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(file.read_text())


def test_diff_compares_git_revisions(repository):
    """From a folder below the top and from the top; 0 where nothing changes; what is no revision is said."""
    for folder, name in ((repository / "clinic", "HEAD:matrix.yaml"), (repository, "HEAD:clinic/matrix.yaml")):
        done = run("diff", name, name.split(":")[1], cwd=folder)
        assert (done.returncode, b"order: nurse 1m -> nobody" in done.stdout) == (1, True)
    assert run("diff", "HEAD:matrix.yaml", "HEAD:matrix.yaml", cwd=repository / "clinic").returncode == 0
    data = json.loads(run("diff", "HEAD:matrix.yaml", "--json", cwd=repository / "clinic").stdout)
    assert data["changes"][0]["look_first"]
    for name in ("HEAD~7:matrix.yaml", "HEAD:none.yaml", "--output=/tmp/x:y", "none.yaml"):
        assert run("diff", "--", name, "matrix.yaml", cwd=repository / "clinic").returncode == 2


def test_the_shipped_workflow_reviews_a_change(repository):
    """Its own commands, run by a shell as the CI would, in a repository with a change."""
    steps = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "review-matrix.yaml").read_text())["jobs"]["review"]["steps"]
    git(repository, "commit", "-qam", "second")
    environment = {**os.environ, **GIT, "PATH": f"{BIN}:{os.environ['PATH']}", "FOLDER": "clinic", "THRESHOLD": "50", "BASE": "HEAD~1"}
    environment |= {"GITHUB_STEP_SUMMARY": str(repository / "summary.md"), "REPLAY": "clinic/transcripts"}
    results = {}
    for step in steps:
        if step.get("name") in ("Check", "Test", "Compare"):
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]], cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=120
            )
            results[step["name"]] = done.returncode
    # The cases say that pain goes to the nurse, so the change is stopped.
    assert results == {"Check": 0, "Test": 1, "Compare": 0}
    comment = (repository / "review.md").read_text()
    assert comment == (repository / "summary.md").read_text()
    for words in ("### What this change", "Look at these first", "distress.pain", "8 conversations"):
        assert words in comment


def test_the_workflow_the_hooks_and_the_schema_are_what_they_say():
    """By an independent validator: the examples by our schema, the workflow by GitHub's; the hooks run real verbs."""
    validator = str(BIN / "check-jsonschema")
    matrices = [ROOT / "examples" / name / "matrix.yaml" for name in EXAMPLES]
    schema = ROOT / "schema" / "matrix.schema.json"
    subprocess.run([validator, "--check-metaschema", schema], check=True, capture_output=True, timeout=60)
    subprocess.run([validator, "--schemafile", schema, *matrices], check=True, capture_output=True, timeout=60)
    workflow = ROOT / ".github" / "workflows" / "review-matrix.yaml"
    subprocess.run([validator, "--builtin-schema", "vendor.github-workflows", workflow], check=True, capture_output=True, timeout=60)
    refused = ("key-misspelt", "day-misspelt", "switch-as-yes", "trigger-misspelt", "request-with-a-threshold", "ladder-empty")
    for name in refused:
        file = ROOT / "tests" / "faulty" / f"{name}.yaml"
        assert subprocess.run([validator, "--schemafile", schema, file], check=False, capture_output=True, timeout=60).returncode == 1, name
    for hook in YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        assert run(*hook["entry"].split()[1:], "--help").returncode == 0


def test_the_published_schema_is_the_one_that_is_shown():
    """`hookflash show --schema > schema/matrix.schema.json` makes it again. Every key has a description and examples."""
    published = json.loads((ROOT / "schema" / "matrix.schema.json").read_text())
    assert published == json.loads(run("show", "--schema").stdout)
    sections = [published, *published["$defs"].values()]
    keys = [(section.get("title"), name, key) for section in sections for name, key in section.get("properties", {}).items()]
    assert len(keys) > 60
    assert not [(title, name) for title, name, key in keys if not key.get("description") or not key.get("examples")]


def test_init_asks_whoever_answers(tmp_path):
    """Answers piped in, one a line; a wrong one is said and nothing is written."""
    answers = "dental\nSmile & Co\nAmerica/Chicago\nen es\nmon-thu 08:00-17:00\nUS-IL\nyes\n+13125550100\nnone\n+13125550111\n1h\n"
    done = run("init", tmp_path / "mine", stdin=answers.encode())
    assert done.returncode == 0, done.stderr.decode()
    assert b"Which time zone" in done.stderr
    text = (tmp_path / "mine" / "matrix.yaml").read_text()
    assert "Smile & Co" in text
    assert "+13125550111" in text
    assert run("test", tmp_path / "mine").returncode == 0
    wrong = run("init", tmp_path / "other", stdin=answers.replace("America/Chicago", "America/Chikago").encode())
    assert (wrong.returncode, b"did you mean `America/Chicago`" in wrong.stderr) == (2, True)
    assert not (tmp_path / "other").exists()


def test_fmt_writes_or_only_looks(tmp_path):
    """A file that is not in order is said; then written, its mode kept; then it is."""
    file = tmp_path / "m.yaml"
    file.write_text(SHOP.replace("\n", "   \n"))
    file.chmod(0o640)
    assert run("fmt", "--check", file).returncode == 1
    assert run("fmt", file).returncode == 0
    assert run("fmt", "--check", file).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o640
    file.write_text("a: [")
    assert run("fmt", file).returncode == 2
    assert file.read_text() == "a: ["
