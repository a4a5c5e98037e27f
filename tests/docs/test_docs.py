"""What the docs say is run; what exists is said."""

import os
import re
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime

import httpx2
import pytest

from hookflash.lifecycle import diagram
from hookflash.matrix import parse_matrix
from hookflash.matrix.codes import CODES
from hookflash.review.check import check_file
from tests.conftest import ROOT
from tests.unit.test_findings import FAULTY
from tests.wire.servers import HOOKFLASH

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text):
    """Return (command, expected output) of every console block, in order."""
    found = []
    for line in "".join(blocks(text, "console")).splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        else:
            found[-1][1] += line + "\n"
    return found


def matches(expected, output):
    return re.fullmatch(re.escape(expected.rstrip("\n")).replace(re.escape("..."), ".*"), output.rstrip("\n"), re.DOTALL)


@pytest.mark.slow
def test_the_tutorial_runs_as_written(tmp_path):
    """Every command, in order, in one folder, with the output that is shown."""
    environment = {**os.environ, "PATH": f"{HOOKFLASH.parent}:{_with_curl(tmp_path)}:{os.environ['PATH']}"}
    port = _free_port()
    folder, servers = tmp_path, []
    try:
        for command, expected in commands((ROOT / "docs" / "tutorial.md").read_text().replace("8043", port)):
            if command.startswith("cd "):
                folder = folder / command[3:]
            elif command.endswith(" &"):
                servers.append(
                    subprocess.Popen(
                        command[:-2].split(), cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                    )
                )
                _until_it_listens(port)
            else:
                done = subprocess.run(
                    command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
                )
                assert matches(expected, done.stdout), f"{command}\n{done.stdout}\n{done.stderr}"
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def _with_curl(folder):
    """Return a folder with a `curl` that does what the tutorial asks of it, for machines that have none."""
    tools = folder / "tools"
    tools.mkdir()
    if shutil.which("curl") is None:
        script = f"""#!{HOOKFLASH.with_name("python")}
import sys, httpx2
words = sys.argv[1:]
data = words[words.index("-d") + 1] if "-d" in words else None
url = next(word for word in words if word.startswith("localhost"))
answer = httpx2.request("POST" if data else "GET", f"http://{{url}}", content=data, headers={{"content-type": "application/json"}})
print(answer.text, end="")
"""
        (tools / "curl").write_text(script)
        (tools / "curl").chmod(0o755)
    return tools


def _until_it_listens(port):
    for _ in range(400):
        try:
            if httpx2.get(f"http://localhost:{port}/readyz", trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it does not listen")


def test_the_readmes_matrix_has_no_faults():
    """What people copy first must work."""
    (text,) = blocks(README, "yaml")
    assert parse_matrix(text).business.name == "Lamp Shop"


def test_the_readmes_python_runs(tmp_path):
    """The first program that people paste says what it should."""
    (tmp_path / "matrix.yaml").write_text(blocks(README, "yaml")[0])
    (tmp_path / "first.py").write_text(blocks(README, "python")[0])
    python = HOOKFLASH.with_name("python")
    done = subprocess.run([python, "first.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "I will get a person for you. I am passing on what you told me, so you do not have to repeat it.\n", done.stderr


def test_the_readme_shows_what_the_demo_prints(tmp_path):
    """Line for line, what is shown is what comes."""
    done = subprocess.run([HOOKFLASH, "demo", "--database", tmp_path / "d.db"], capture_output=True, text=True, timeout=120, check=True)
    printed = [line.rstrip() for line in done.stdout.splitlines()]
    (shown,) = blocks(README, "text")
    missing = [line for line in shown.splitlines() if line != "..." and line.rstrip() not in printed]
    assert not missing


def test_the_life_cycle_is_drawn_from_the_table():
    """`python tests/docs/draw.py` draws it again."""
    assert f"```mermaid\n{diagram()}\n```" in ARCHITECTURE


def test_every_verb_and_call_is_documented():
    """What a user can do is named in the README or the tutorial."""
    text = README + (ROOT / "docs" / "tutorial.md").read_text() + (ROOT / "CHANGELOG.md").read_text()
    listed = subprocess.run([HOOKFLASH, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z]+)  ", listed[listed.index("Commands") :], re.MULTILINE)
    assert len(verbs) >= 9
    assert not [verb for verb in verbs if verb not in text]


def test_every_finding_has_a_section_with_what_is_really_printed():
    """Each code once; each example is a line of a faulty matrix and the message that it gets."""
    page = (ROOT / "docs" / "findings.md").read_text()
    assert re.findall(r"^### (\S+)$", page, re.MULTILINE) == list(CODES)
    now = datetime(2026, 11, 25, 14, tzinfo=UTC)
    printed = {str(fault).replace(fault.file, "matrix.yaml") for file in FAULTY for fault in check_file(file, now).faults}
    shown = [block.splitlines()[-1] for block in blocks(page, "text")]
    assert len(shown) >= 55
    assert not [message for message in shown if message not in printed]


def test_links_lead_somewhere():
    """Relative links in the docs point at files that are there."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_the_repository_speaks_of_the_product_alone():
    """No traces of where it was written."""
    kept = (
        ".git",
        ".venv",
        ".venv-peers",
        ".venv-queues",
        "__pycache__",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
        ".import_linter_cache",
    )
    files = [path for path in ROOT.rglob("*") if path.is_file() and not set(kept) & set(path.relative_to(ROOT).parts)]
    words = re.compile("/" + "work/|/tmp/bash" + "_jobs|/fa" + "rm/|claude|copilot", re.IGNORECASE)
    for path in files:
        if path.suffix in (".py", ".md", ".toml", ".yaml", ".lock", ".txt") or path.name in ("Makefile", "run"):
            found = words.search(path.read_text(errors="ignore")) if path.name != "test_docs.py" else None
            assert not found, f"{path.name}: {found.group()}"
