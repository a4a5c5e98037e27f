"""The command line as people use it: real processes, real files."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import CLINIC, SHOP
from tests.wire.servers import HOOKFLASH, serving

MATRIX = CLINIC / "matrix.yaml"


def run(*arguments, stdin=b"", cwd=None, **environment):
    done = subprocess.run(
        [str(HOOKFLASH), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def decide(lines, matrix=MATRIX, *options):
    stdin = lines if isinstance(lines, bytes) else "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = run("decide", matrix, *options, stdin=stdin)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def customer(text, **rest):
    return {"speaker": "customer", "text": text, **rest}


KEYS = ["conversation", "turn", "action", "trigger", "urgency", "signals", "intent", "route", "say", "matrix", "models"]


def test_decide_answers_line_by_line_in_order():
    """One decision a turn, with exactly the published keys."""
    done, decisions = decide(
        [customer("I want a human"), customer("what are your opening hours"), customer("my tooth is killing me, it hurts so much")]
    )
    assert done.returncode == 0
    assert [list(one) for one in decisions] == [KEYS] * 3
    assert [(one["action"], one["trigger"]) for one in decisions] == [
        ("escalate", "explicit_request"),
        ("continue", None),
        ("escalate", "distress.pain"),
    ]
    assert len({one["conversation"] for one in decisions}) == 3
    assert decisions[0]["signals"][0]["evidence"][0]["text"] == "I want a human"
    assert decisions[1]["intent"]["name"] == "opening_hours"


def test_decide_follows_conversations():
    """Lines of one conversation belong together, whatever stands between them; a draft of a silenced assistant is dropped."""
    _, decisions = decide(
        [
            customer("that's really annoying", conversation="a"),
            customer("I want a human", conversation="b"),
            customer("this is ridiculous, I am fed up with you", conversation="a"),
            {"speaker": "assistant", "text": "Let me help!", "draft": True, "conversation": "b"},
            {"speaker": "responder", "text": "Hi, this is Ana.", "conversation": "b"},
            customer("thanks", conversation="b"),
        ]
    )
    assert [(one["action"], one["trigger"], one["turn"]) for one in decisions] == [
        ("continue", None, 1),
        ("escalate", "explicit_request", 1),
        ("escalate", "distress.anger", 2),
        ("replace", "draft.person_owns", 2),
        ("continue", None, 3),
        ("escalate", "explicit_request", 4),
    ]
    assert decisions[-1]["say"] is None


BAD_LINES = {
    "is not JSON": b"hello",
    "is not a JSON object": b"[1]",
    "text: is missing": b'{"speaker": "customer"}',
    "speaker: is missing": b'{"text": "x"}',
    "NUL": b'{"speaker": "customer", "text": "a\\u0000b"}',
    "at most 32,768": json.dumps(customer("x" * 40_000)).encode(),
    "longer than 400,000 bytes": json.dumps(customer("secret" * 1_700_000)).encode(),
    "no time zone": json.dumps(customer("x", at="2026-11-24T10:00:00")).encode(),
    "did you mean `language`": json.dumps(customer("x", langauge="en")).encode(),
    "remove it": json.dumps(customer("x", zzz=1)).encode(),
    "speaker: input should be": json.dumps({"speaker": "agent", "text": "x"}).encode(),
    "out of order": json.dumps(customer("x", conversation="c", seq=3)).encode(),
    "is not JSON (": b'{"speaker": "customer", "text": "a\\ud800b"}',
    "is not JSON (invalid": b'{"speaker": "customer", "text": "\xff\xfe"}',
}


@pytest.mark.parametrize("said", BAD_LINES)
def test_a_bad_line_is_named_and_the_others_are_decided(said):
    """Line number, what, what to do; exit code 2; none of the customer's words; nothing after it is lost."""
    done, decisions = decide(
        b"\n".join([json.dumps(customer("agent")).encode(), BAD_LINES[said], b"", json.dumps(customer("hello")).encode()])
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("line 2: ")
    assert said.removesuffix("invalid") in done.stderr.decode()
    assert b"secret" not in done.stderr
    assert [one["action"] for one in decisions] == ["escalate", "continue"]
    assert decisions[1]["conversation"] == "line-4"


def test_bad_lines_as_json_and_in_great_number():
    """Programs read them as JSON; people are told the first and how many."""
    done, _ = decide(b"x\n" * 30, MATRIX, "--json")
    assert [json.loads(line)["line"] for line in done.stderr.splitlines()] == list(range(1, 31))
    done, _ = decide(b"x\n" * 30)
    assert len(done.stderr.splitlines()) == 21
    assert b"30 lines in all" in done.stderr


def test_decide_with_a_matrix_that_cannot_be_used(tmp_path):
    """Faults and missing files: exit code 2 and no decision."""
    (tmp_path / "bad.yaml").write_text(SHOP.replace("to: team", "to: taem"))
    for matrix, said in ((tmp_path / "bad.yaml", "did you mean `team`"), (tmp_path / "none.yaml", "No such file")):
        done, decisions = decide([customer("agent")], matrix)
        assert (done.returncode, decisions) == (2, [])
        assert said in done.stderr.decode()


def test_decide_streams_in_bounded_memory(tmp_path):
    """Many conversations cost no more memory than few: those of long ago wait on disk, and are not forgotten."""
    script = f"""
import resource, sys, asyncio, io, json
from hookflash.app.stream import decide_lines
from hookflash.app import stream
from hookflash.app.adapters import judge_for
from hookflash.matrix import load_matrix
stream.MAX_OPEN = 50
judge = judge_for(load_matrix({str(MATRIX)!r}))
def lines(count):
    out = [json.dumps({{"conversation": "first", "speaker": "customer", "text": "I want a human"}})]
    out += [json.dumps({{"conversation": f"c{{n}}", "speaker": "customer", "text": f"hello number {{n % 50}} " * 20}}) for n in range(count)]
    out += [json.dumps({{"conversation": "first", "speaker": "customer", "text": "hello?"}})]
    return io.BytesIO("\\n".join(out).encode())
async def run(count):
    last = None
    async for answer in decide_lines(judge, lines(count)):
        last = answer.decision
    return last
asyncio.run(run(1000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
last = asyncio.run(run(6000))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([last.trigger, last.turn, after - before]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=120)
    trigger, turn, growth = json.loads(done.stdout)
    assert (trigger, turn) == ("explicit_request", 2)
    assert growth < 20_000  # kilobytes; with every conversation in memory it is twice as much


def test_check_reports_faults_and_exits_by_kind(tmp_path):
    """0 without faults, 1 with, 2 where it cannot be read."""
    assert run("check", MATRIX).returncode == 0
    (tmp_path / "m.yaml").write_text(SHOP.replace("to: team", "to: taem").replace("cold: 45s", "cold: 45s, warm: 45s"))
    done = run("check", tmp_path / "m.yaml")
    assert done.returncode == 1
    assert len(done.stdout.decode().replace("\n ", " ").split("m.yaml:")) >= 3
    as_json = json.loads(run("check", tmp_path / "m.yaml", "--json").stdout)
    assert [fault["line"] for fault in as_json["faults"]] == sorted(fault["line"] for fault in as_json["faults"])
    (tmp_path / "broken.yaml").write_text("a: [")
    assert run("check", tmp_path / "broken.yaml").returncode == 2
    assert run("check", tmp_path / "none.yaml").returncode == 2


def test_show_and_its_schema():
    """A table for people, the matrix and its schema for programs."""
    shown = run("show", MATRIX).stdout.decode()
    assert "Riverside Dental" in shown
    assert "Who is asked" in re.sub(r"\s+", " ", shown)
    assert json.loads(run("show", MATRIX, "--json").stdout)["matrix"]["hookflash"] == 1
    schema = json.loads(run("show", "--schema").stdout)
    assert set(schema["required"]) >= {"business", "hours", "desks", "responders", "routes", "nobody"}


def test_init_writes_a_matrix_that_passes(tmp_path):
    """From nothing to a matrix that checks, decides, and is not written over."""
    done = run("init", tmp_path / "mine", "--name", 'Ana\'s "Lamps"', "--timezone", "Europe/Madrid")
    assert done.returncode == 0
    assert run("check", tmp_path / "mine" / "matrix.yaml").returncode == 0
    _, decisions = decide([customer("I want a human")], tmp_path / "mine" / "matrix.yaml")
    assert decisions[0]["action"] == "escalate"
    again = run("init", tmp_path / "mine")
    assert (again.returncode, b"--force" in again.stderr) == (2, True)
    assert run("init", tmp_path / "other", "--timezone", "Mars/Base").returncode == 2
    assert not (tmp_path / "other").exists()


def test_the_demo_runs_twice_and_leaves_its_records(tmp_path):
    """Every conversation is shown; the second run is like the first; its handoffs and promises can be looked at."""
    first, second = run("demo", cwd=tmp_path), run("demo", cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout
    shown = first.stdout.decode()
    for words in ("explicit_request", "declined: with a patient at the counter", "held by", "promise", "Try next"):
        assert words in shown
    listed = json.loads(run("handoffs", "--database", tmp_path / "hookflash-demo.db", "--json").stdout)
    assert len(listed) == 7
    one = run("handoffs", listed[0]["id"], "--database", tmp_path / "hookflash-demo.db").stdout.decode()
    assert "Brief" in one
    promised = run("promises", "--database", tmp_path / "hookflash-demo.db")
    assert promised.returncode == 0
    assert "+13125550163" in promised.stdout.decode()
    assert json.loads(run("demo", "--json", cwd=tmp_path).stdout)[0]["conversation"] == "01-happy-path"


def test_doctor_says_what_is_missing(tmp_path):
    """Well for the clinic; for a matrix with a foreign desk it says what to install, and exits with 1."""
    assert run("doctor", MATRIX, "--database", tmp_path / "x.db").returncode == 0
    (tmp_path / "m.yaml").write_text(
        SHOP.replace("tickets: {kind: builtin}", "tickets: {kind: zendesk}").replace("line: {chat: night}", 'line: {voice: "+34911234567"}')
    )
    done = run("doctor", tmp_path / "m.yaml", "--json")
    assert done.returncode == 1
    mends = {one["what"]: one["mend"] for one in json.loads(done.stdout) if not one["ok"]}
    assert set(mends) == {"desk tickets", "desk crm", "line to night"}
    assert "HOOKFLASH_CRM_SECRET" in mends["desk crm"]
    assert run("doctor", tmp_path / "none.yaml").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("handoffs", "--database", "none.db"), "there is no database"),
        (("promises", "--database", "none.db"), "hookflash serve"),
        (("serve", "none.yaml"), "hookflash init"),
        (("serve", str(MATRIX), "--host", "0.0.0.0"), "refusing to listen on 0.0.0.0 without an API key"),
        (("serve", str(MATRIX), "--tenant", "acme"), "NAME=MATRIX"),
        (("demo", "nowhere"), "nowhere"),
        (("frobnicate",), "No such command"),
        (("decide", "--frobnicate"), "No such option"),
    ],
)
def test_usage_errors_are_one_message_and_exit_2(arguments, said, tmp_path):
    """What is wrong and what to do, never a traceback."""
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HOOKFLASH_API_KEY": "short"}, "fewer than 16"),
        ({"HOOKFLASH_API_KEYS": "justakeywithouttenant"}, "without `=`"),
        ({"HOOKFLASH_API_KEYS": f"a={'x' * 20},b={'x' * 20}"}, "same API key"),
        ({"HOOKFLASH_DATABASE_URL": "mysql://x"}, "mysql database"),
    ],
)
def test_bad_settings_stop_the_server_before_it_listens(environment, said, tmp_path):
    """Each names the variable and the mend, and never the secret."""
    done = run("serve", MATRIX, cwd=tmp_path, **environment)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"xxxxx" not in done.stderr


def test_a_second_server_on_the_same_file_is_turned_away(tmp_path):
    """And the reading verbs work beside the first; a port in use is named."""
    with serving(MATRIX, tmp_path / "x.db") as server:
        second = run("serve", MATRIX, "--database", tmp_path / "x.db", "--port", "0")
        assert (second.returncode, b"in use by another hookflash" in second.stderr) == (2, True)
        busy = run("serve", MATRIX, "--database", tmp_path / "y.db", "--port", server.url.rsplit(":", 1)[1])
        assert (busy.returncode, b"name a free port" in busy.stderr) == (2, True)
        with server.client() as client:
            client.post("/v1/conversations/a/turns", json=customer("agent"))
        listed = json.loads(run("handoffs", "--database", tmp_path / "x.db", "--json").stdout)
        assert listed[0]["conversation"] == "a"


def test_a_progress_bar_shows_on_a_terminal_and_only_there(tmp_path):
    """With standard error on a terminal and a file as input, the bar is drawn; decisions stay clean."""
    (tmp_path / "turns.jsonl").write_text((json.dumps(customer("hello")) + "\n") * 200)
    master, slave = pty.openpty()
    with open(tmp_path / "turns.jsonl", "rb") as turns, open(tmp_path / "out.jsonl", "wb") as out:
        process = subprocess.Popen([str(HOOKFLASH), "decide", str(MATRIX)], stdin=turns, stdout=out, stderr=slave)
    os.close(slave)
    drawn = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(master, 65_536)
        except OSError:
            break
        if not piece:
            break
        drawn += piece
    assert process.wait(60) == 0
    os.close(master)
    assert b"deciding" in drawn
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 200


def test_every_verb_has_help_and_json():
    """The verbs that are there are listed, no others; each explains itself and speaks JSON."""
    listed = run("--help").stdout.decode()
    verbs = "init check show decide demo serve handoffs promises doctor eval".split()
    for verb in verbs:
        assert verb in listed
        assert "--json" in run(verb, "--help").stdout.decode()
    for absent in ("replay", "tune", "rehearse"):
        assert not re.search(rf"^\s+{absent}\s", listed, re.MULTILINE)


def test_a_reader_that_goes_away_is_no_error():
    """`hookflash decide ... | head -1` ends quietly."""
    turns = (json.dumps(customer("hello")) + "\n") * 3_000
    line = f"{HOOKFLASH} decide {MATRIX} | head -1"
    done = subprocess.run(["bash", "-c", line], input=turns.encode(), capture_output=True, timeout=120, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert b"Error" not in done.stderr
    assert Path(MATRIX).exists()
