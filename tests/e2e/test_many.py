"""Several processes on one real PostgreSQL: one freezes or dies, the others take its work over, and its late writes are refused."""

import os
import signal
import subprocess
import time
from collections import Counter

import pytest

from tests.conftest import SHOP
from tests.e2e.receiver import SECRET, receiving
from tests.postgres import a_database
from tests.wire.servers import HOOKFLASH, serving

# How long a process stands still: longer than a lease. `make faults` freezes one for a minute.
FREEZE_SECONDS = float(os.environ.get("FREEZE_SECONDS", "14"))
# A lease of ten seconds, the couriers' look of one, and time to do the work.
TAKEOVER_SECONDS = 15


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


@pytest.fixture
def matrix(tmp_path, receiver):
    path = tmp_path / "matrix.yaml"
    always = SHOP.replace('mon-fri: "09:00-13:00 15:00-18:00"', 'mon-sun: "00:00-00:00"')
    path.write_text(always.replace("http://127.0.0.1:9/brief", receiver.url))
    return path


@pytest.fixture
def url(postgres, tmp_path):
    with a_database(postgres) as address:
        yield address


def serving_on(matrix, url, folder, name, *arguments):
    """A server on the shared database, its log in a file of its own."""
    return serving(matrix, folder / name, *arguments, HOOKFLASH_CRM_SECRET=SECRET, HOOKFLASH_DATABASE_URL=url)


def escalate(client, number):
    body = {"speaker": "customer", "text": "I want to talk to a human", "key": "1"}
    answer = client.post(f"/v1/conversations/c{number}/turns", json=body)
    answer.raise_for_status()
    return answer.json()["handoff"]


def until(check, seconds):
    begun = time.monotonic()
    while not check():
        assert time.monotonic() - begun < seconds, "it did not come to pass"
        time.sleep(0.05)
    return time.monotonic() - begun


def states(client):
    return Counter(one["state"] for one in client.get("/v1/handoffs?limit=1000").json())


@pytest.mark.slow
def test_a_frozen_process_is_replaced_and_writes_nothing_late(matrix, url, tmp_path, receiver):
    """Frozen amid its work, it is taken over from within fifteen seconds; thawed, it changes and repeats nothing."""
    with serving_on(matrix, url, tmp_path, "one", "--without", "watchman") as one, serving_on(matrix, url, tmp_path, "two") as two:
        receiver.delay = 1.0  # so that it is caught with work in its hands
        with one.client() as client:
            wanted = {escalate(client, number) for number in range(30)}
        os.kill(one.process.pid, signal.SIGSTOP)
        frozen = time.monotonic()
        receiver.delay = 0.0
        with two.client() as client:
            until(lambda: states(client)["ringing"] + states(client)["promised"] == len(wanted), TAKEOVER_SECONDS)
            assert receiver.handoffs == wanted
            more = {escalate(client, number) for number in range(30, 35)}  # nobody else is held up
            until(lambda: receiver.handoffs == wanted | more, 5)
            time.sleep(max(0.0, FREEZE_SECONDS - (time.monotonic() - frozen)))
            before = client.get("/v1/handoffs?limit=1000").json()
            os.kill(one.process.pid, signal.SIGCONT)
            time.sleep(2)
            after = {each["id"]: each for each in client.get("/v1/handoffs?limit=1000").json()}
        rung = {each["id"]: [attempt["at"] for attempt in each["attempts"]] for each in before}
        assert rung == {name: [attempt["at"] for attempt in after[name]["attempts"]] for name in rung}
        with one.client() as client:  # and it works again
            last = escalate(client, 99)
            until(lambda: last in receiver.handoffs, 5)


@pytest.mark.slow
def test_a_killed_server_is_replaced_and_its_callers_go_on_with_another(matrix, url, tmp_path, receiver):
    """What a dead process had in hand is done within fifteen seconds; turns of the same conversations go on elsewhere, in order."""
    with serving_on(matrix, url, tmp_path, "one") as one, serving_on(matrix, url, tmp_path, "two") as two:
        receiver.delay = 1.0
        with one.client() as client:
            wanted = {escalate(client, number) for number in range(30)}
        one.kill()
        receiver.delay = 0.0
        with two.client() as client:
            again = {escalate(client, number) for number in range(30)}  # unsure whether it arrived, the callers send again
            assert again == wanted
            for number in range(30):
                body = {"speaker": "customer", "text": "hello? is anybody there", "key": "2"}
                assert client.post(f"/v1/conversations/c{number}/turns", json=body).json()["turn"] == 2
            until(lambda: receiver.handoffs == wanted, TAKEOVER_SECONDS)
            until(lambda: states(client)["ringing"] == len(wanted), TAKEOVER_SECONDS)


@pytest.mark.slow
def test_a_server_that_is_stopped_kindly_hands_its_work_back(matrix, url, tmp_path, receiver):
    """What it could not finish is taken up by another at once, and not first when its lease would have ended."""
    with serving_on(matrix, url, tmp_path, "one") as one:
        receiver.delay = 30.0
        with one.client() as client:
            wanted = {escalate(client, number) for number in range(4)}
        until(lambda: len(receiver.tries) == len(wanted), 5)
        with serving_on(matrix, url, tmp_path, "two") as two, two.client() as client:
            receiver.delay = 0.0
            one.process.terminate()
            assert one.process.wait(15) in (0, -signal.SIGTERM)
            until(lambda: states(client)["ringing"] == len(wanted), 3)


@pytest.mark.slow
def test_couriers_and_watchmen_may_run_apart_from_the_servers(matrix, url, tmp_path, receiver):
    """A server that only takes turns, couriers and watchman in processes of their own; stopped kindly, they end with 0."""
    only_turns = ("--without", "couriers", "--without", "watchman")
    with serving_on(matrix, url, tmp_path, "api", *only_turns) as api, api.client() as client:
        handoff = escalate(client, 1)
        time.sleep(1.5)
        assert receiver.handoffs == set()
        command = [HOOKFLASH, "work", str(matrix), "--database", url, "--json", "--only"]
        environment = os.environ | {"HOOKFLASH_CRM_SECRET": SECRET}
        workers = [
            subprocess.Popen([*command, job], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
            for job in ("couriers", "watchman")
        ]
        until(lambda: receiver.handoffs == {handoff}, 20)
        begun = time.monotonic()
        second = escalate(client, 2)
        until(lambda: second in receiver.handoffs, 5)
        assert time.monotonic() - begun < 0.9, "the couriers heard of it only by looking"
        for worker in workers:
            worker.terminate()
            assert worker.wait(15) == 0
            worker.stdout.close()
