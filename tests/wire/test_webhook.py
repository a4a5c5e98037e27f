"""The webhook desk against a real receiver on loopback that answers as badly as receivers do."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from standardwebhooks import Webhook

from hookflash.desks import WebhookDesk, webhook
from hookflash.errors import ConfigError, DeliveryFailed, DeliveryRefused
from hookflash.testing import FrozenClock
from hookflash.testing.conformance import DeskContract
from hookflash.testing.samples import a_brief

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """Speaks just enough HTTP to misbehave: answers from a list, one a request."""

    def __init__(self):
        self.answers = []
        self.requests = []
        self.tickets = {}

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            pairs = (line.split(": ", 1) for line in head.splitlines()[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append((headers, body))
            answer = self.answers.pop(0) if self.answers else self._ticket
            await answer(writer, headers, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _ticket(self, writer, headers, body):
        handoff = json.loads(body)["data"]["handoff"]
        number = self.tickets.setdefault(handoff, f"R{len(self.tickets) + 1}")
        await reply(200, json.dumps({"ticket": number}))(writer, headers, body)


def reply(status, body="", *more):
    async def answer(writer, _headers, _body):
        lines = [f"HTTP/1.1 {status} x", f"content-length: {len(body)}", "connection: close", *more]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()

    return answer


async def hang(writer, _headers, _body):
    await asyncio.sleep(30)


async def slam(writer, _headers, _body):
    writer.transport.abort()


async def half(writer, _headers, _body):
    writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def receiving():
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/briefs"
    try:
        yield receiver
    finally:
        server.close()


@pytest.fixture
async def receiver():
    async with receiving() as one:
        yield one


@pytest.fixture
async def desk(receiver):
    async with httpx2.AsyncClient(follow_redirects=False, trust_env=False) as client:
        yield WebhookDesk("crm", receiver.url, SECRET, client, FrozenClock(datetime.now(UTC)))


class TestWebhookDesk(DeskContract):
    """The contract, over the wire."""


async def test_the_signature_is_that_of_standard_webhooks(desk, receiver):
    """The receiver's own library accepts body, id, time and signature, and refuses an altered byte."""
    await desk.deliver(a_brief(), "key-1")
    headers, body = receiver.requests[0]
    verified = Webhook(SECRET).verify(body, headers)
    assert verified["type"] == "handoff.brief"
    assert verified["data"]["reason_code"] == "explicit_request"
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(body.replace(b"Ana", b"Eva"), headers)


async def test_every_try_carries_the_same_id(desk, receiver):
    """The receiver can tell a repeat from a new brief, whatever became of the first answer."""
    receiver.answers = [reply(500), half]
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            await desk.deliver(a_brief(), "key-1")
    await desk.deliver(a_brief(), "key-1")
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {"key-1"}


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (reply(500), DeliveryFailed, "HTTP 500"),
        (reply(503, "", "retry-after: 7"), DeliveryFailed, "HTTP 503"),
        (reply(429), DeliveryFailed, "HTTP 429"),
        (reply(408), DeliveryFailed, "HTTP 408"),
        (reply(302, "", "location: http://127.0.0.1:9/elsewhere"), DeliveryRefused, "redirects"),
        (reply(401), DeliveryRefused, "HTTP 401"),
        (reply(422, "the name Ana is not allowed"), DeliveryRefused, "HTTP 422"),
        (slam, DeliveryFailed, "could not be reached"),
        (half, DeliveryFailed, "could not be reached"),
    ],
)
async def test_bad_answers_are_sorted_into_again_and_never(desk, receiver, answer, kind, said):
    """And none of what they say is repeated in the error."""
    receiver.answers = [answer]
    with pytest.raises(kind, match=said) as caught:
        await desk.deliver(a_brief(), "key-1")
    assert "Ana" not in str(caught.value)
    assert not isinstance(caught.value, DeliveryFailed) or "503" not in said or caught.value.retry_after == 7.0


async def test_a_receiver_that_hangs_is_left(desk, receiver, monkeypatch):
    """After its time the try has failed, and the next may succeed."""
    from datetime import timedelta

    monkeypatch.setattr(webhook, "TIMEOUT", timedelta(seconds=0.2))
    receiver.answers = [hang]
    with pytest.raises(DeliveryFailed, match="could not be reached"):
        await desk.deliver(a_brief(), "key-1")
    assert (await desk.deliver(a_brief(), "key-1")).ticket == "R1"


@pytest.mark.parametrize(
    ("body", "ticket"), [("", "ho-1"), ("thanks", "ho-1"), ("[1]", "ho-1"), ('{"ticket": 17}', "17"), ("x" * 200_000, "ho-1")]
)
async def test_an_acknowledgement_needs_no_body(desk, receiver, body, ticket):
    """Any 2xx is a receipt; a named ticket is taken, anything else is passed over."""
    receiver.answers = [reply(202, body)]
    assert (await desk.deliver(a_brief(), "key-1")).ticket == ticket


def test_a_secret_that_is_none_is_refused_without_being_repeated():
    """The error says what to do and not what the secret is."""
    with pytest.raises(ConfigError, match="whsec_") as caught:
        WebhookDesk("crm", "http://x", "whsec_!!!notbase64", None, FrozenClock())
    assert "notbase64" not in str(caught.value)
