"""The HTTP API of a real server."""

import json
import time

import pytest

from tests.conftest import CLINIC, SHOP
from tests.wire.servers import serving

KEY, OTHER = "k" * 24, "o" * 24


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("http")
    (folder / "shop.yaml").write_text(
        SHOP.replace(', crm: {kind: webhook, url: "http://127.0.0.1:9/brief"}', "").replace("desk: crm", "desk: tickets")
    )
    keys = f"default={KEY},acme={OTHER}"
    with serving(CLINIC / "matrix.yaml", folder / "x.db", "--tenant", f"acme={folder / 'shop.yaml'}", HOOKFLASH_API_KEYS=keys) as one:
        one.log = folder / "x.db.log"
        yield one


@pytest.fixture
def client(server):
    with server.client(KEY) as one:
        yield one


def turn(client, conversation, text, **rest):
    return client.post(f"/v1/conversations/{conversation}/turns", json={"speaker": "customer", "text": text, **rest})


def until(check, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_a_conversation_goes_in_and_a_person_takes_over(client):
    """From the first turn to the hand-back, over HTTP alone."""
    decision = turn(client, "a", "My chest feels tight and I can't breathe").json()
    assert (decision["action"], decision["trigger"], decision["urgency"]) == ("escalate", "distress.red_flag", "immediate")
    handoff = decision["handoff"]
    ringing = until(lambda: [one for one in client.get("/v1/handoffs", params={"state": "ringing"}).json() if one["id"] == handoff])
    assert ringing[0]["brief"]["severity"] == "immediate"
    taken = client.post(f"/v1/handoffs/{handoff}/accept", json={"responder": "nurse"}).json()
    assert taken["state"] == "connected"
    draft = client.post("/v1/conversations/a/drafts", json={"speaker": "assistant", "text": "Let me help."}).json()
    assert (draft["action"], draft["trigger"]) == ("replace", "draft.person_owns")
    back = client.post(f"/v1/handoffs/{handoff}/hand-back", json={"text": "ambulance called"}).json()
    assert back["state"] == "returned"
    conversation = client.get("/v1/conversations/a").json()
    assert (conversation["owner"], conversation["result"]) == ("assistant", "ambulance called")
    messages = client.get("/v1/conversations/a/messages").json()
    assert messages[0]["text"].startswith("I am ringing our nurse")


def test_decline_left_wrap_up_and_promises(client):
    """The other orders, and the ledger of promises."""
    handoff = turn(client, "b", "I don't want to live anymore").json()["handoff"]
    until(lambda: client.get(f"/v1/handoffs/{handoff}").json()["state"] == "ringing")
    client.post(f"/v1/handoffs/{handoff}/decline", json={"text": "with a patient"})
    until(lambda: client.get(f"/v1/handoffs/{handoff}").json()["attempts"][-1]["answer"] == "ringing")
    assert client.post("/v1/conversations/b/left").json()["owner"] == "waiting"
    promised = client.get("/v1/promises").json()
    assert [one["id"] for one in promised] == [handoff]
    assert client.post(f"/v1/handoffs/{handoff}/wrap-up", json={"text": "called back"}).json()["state"] == "kept"
    assert client.get("/v1/promises").json() == []
    assert client.get("/v1/promises", params={"open_only": False}).json()


def test_the_same_turn_twice_is_one_turn(client):
    """Sent again with its key, it is answered again and not kept again."""
    first = turn(client, "c", "I want a human", key="t1").json()
    assert turn(client, "c", "I want a human", key="t1").json() == first
    conflict = turn(client, "c", "something else", key="t1")
    assert (conflict.status_code, conflict.json()["title"]) == (409, "Turn out of order")


def is_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in response.text
    return body["detail"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "JSON"),
        (b"", "body"),
        (b"[]", "body"),
        (b'{"speaker": "customer"}', "text"),
        (b'{"speaker": "nobody", "text": "x"}', "speaker"),
        (b'{"speaker": "customer", "text": "a\\u0000b"}', "NUL"),
        (b'{"speaker": "customer", "text": "a\\ud800b"}', ""),
        (b'{"speaker": "customer", "text": "x", "at": "2026-11-24T10:00:00"}', "timezone"),
        (b'{"speaker": "customer", "text": "x", "tenant": "acme"}', "tenant"),
        (b'{"speaker": "customer", "text": "x", "conversation": "other"}', "differs"),
        (json.dumps({"speaker": "customer", "text": "secret " * 6_000}).encode(), "at most 32,768"),
        (b'{"speaker": "customer", "text": "x", "intent": {"name": "a", "confidence": 2}}', "less than or equal to 1"),
        (b"\xff\xfe", ""),
    ],
)
def test_bad_turns_are_problems_that_say_what(client, content, said):
    """RFC 9457, with the place and without the customer's words."""
    response = client.post("/v1/conversations/bad/turns", content=content, headers={"content-type": "application/json"})
    detail = is_problem(response, 422)
    assert said in detail
    assert "secret" not in response.text
    assert client.get("/v1/conversations/bad").status_code == 404


def test_what_is_not_there_and_not_allowed(client):
    """Unknown things are 404, orders out of place 409, wrong methods 405."""
    assert "no such conversation" in is_problem(client.get("/v1/conversations/none"), 404)
    assert "no such conversation" in is_problem(
        client.post("/v1/conversations/none/drafts", json={"speaker": "assistant", "text": "x"}), 404
    )
    assert "no handoff" in is_problem(client.get("/v1/handoffs/none"), 404)
    is_problem(client.get("/nowhere"), 404)
    is_problem(client.delete("/v1/handoffs"), 405)
    handoff = turn(client, "d", "agent").json()["handoff"]
    assert "it can take" in is_problem(client.post(f"/v1/handoffs/{handoff}/hand-back", json={"text": "x"}), 409)
    assert "next one is 1" in is_problem(turn(client, "e", "x", seq=4), 409)


def test_huge_bodies_are_not_read(client):
    """Declared or not, a body beyond the limit is refused."""
    is_problem(client.post("/v1/conversations/big/turns", content=b"x" * 1_000_000), 413)

    def endless():
        for _ in range(100):
            yield b"x" * 10_000

    is_problem(client.post("/v1/conversations/big/turns", content=endless()), 413)


def test_the_key_names_the_tenant_and_nothing_else_does(server, client):
    """Without a key nothing; with another's key only what is theirs."""
    with server.client() as stranger, server.client("wrong" * 5) as guesser, server.client(OTHER) as acme:
        for one in (stranger, guesser):
            assert "API key" in is_problem(one.get("/v1/handoffs"), 401)
        handoff = turn(client, "f", "agent").json()["handoff"]
        is_problem(acme.get(f"/v1/handoffs/{handoff}"), 404)
        is_problem(acme.post(f"/v1/handoffs/{handoff}/accept", json={"responder": "x"}), 404)
        is_problem(acme.get("/v1/conversations/f"), 404)
        assert acme.get("/v1/conversations/f/messages").json() == []
        assert acme.get("/v1/handoffs").json() == []
        assert acme.get("/v1/matrix").json()["matrix"]["business"]["name"] == "Lamp Shop"
        assert acme.get("/v1/promises").json() == []
        assert turn(acme, "f", "hello").json()["turn"] == 1


def test_operations(server, client):
    """Alive, ready, measured, described."""
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    turn(client, "g", "agent")
    metrics = client.get("/metrics").text
    assert 'hookflash_decisions_total{action="escalate",tenant="default",trigger="explicit_request"}' in metrics
    assert "hookflash_observe_seconds_bucket" in metrics
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/conversations/{conversation}/turns", "/v1/handoffs/{handoff}/hand-back", "/v1/promises", "/readyz"} <= set(paths)
    assert client.get("/docs").status_code == 200


def test_nothing_a_customer_said_is_in_the_log_or_the_metrics(server, client):
    """Law 9: a marked word goes through the whole engine and is nowhere outside the store."""
    marker = "xylophone-4711"
    turn(client, "h", f"My name is {marker}, I want to talk to a human about {marker}")
    client.post("/v1/conversations/h/turns", content=f'{{"speaker": "customer", "text": "{marker}", "bad": 1}}'.encode())
    time.sleep(0.5)
    assert marker not in server.log.read_text()
    assert marker not in client.get("/metrics").text
