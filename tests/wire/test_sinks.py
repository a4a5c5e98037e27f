"""Noise on its way out: a real mail server, a web hook, and PagerDuty's rules for an event."""

import asyncio
import json
import socket
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from aiosmtpd.controller import Controller

from hookflash.app.sinks import alarm_of, news_of, sinks_of
from hookflash.errors import ConfigError, DeliveryFailed

KEY = "0123456789abcdef0123456789abcdef"


class Mailbox:
    """Keeps what the mail server was sent."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def mailbox():
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    box.url = f"smtp://127.0.0.1:{port}"
    yield box
    controller.stop()


class Incidents:
    """What PagerDuty keeps: an incident for each key, open as long as nobody resolves it. It rejects what PagerDuty rejects."""

    def __init__(self):
        self.open = {}
        self.events = 0

    def take(self, event):
        payload = event.get("payload", {})
        sound = (
            isinstance(event.get("routing_key"), str)
            and len(event["routing_key"]) == 32
            and event.get("event_action") in ("trigger", "acknowledge", "resolve")
            and len(event.get("dedup_key", "")) <= 255
            and 0 < len(payload.get("summary", "")) <= 1024
            and payload.get("source")
            and payload.get("severity") in ("critical", "error", "warning", "info")
        )
        if not sound:
            return 400
        self.events += 1
        self.open.setdefault(event["dedup_key"], payload["summary"])
        return 202


@contextmanager
def posting_to(take):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 - the library's name
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(take(body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_every_sink_hears_it(mailbox):
    """A message in the mailbox, an incident for each finding, and the web hook's document."""
    incidents, posted = Incidents(), []
    with posting_to(incidents.take) as events, posting_to(lambda body: posted.append(body) or 200) as hook:
        alarm = alarm_of(
            {
                "HOOKFLASH_ALARM_URL": hook,
                "HOOKFLASH_ALARM_EMAIL": "ops@example.com",
                "HOOKFLASH_SMTP_URL": mailbox.url,
                "HOOKFLASH_PAGERDUTY_KEY": KEY,
                "HOOKFLASH_PAGERDUTY_URL": events,
            }
        )
        await alarm("ho-1", "handoff ho-1 is ringing and nothing will move it")
        await alarm("ho-1", "the promise of ho-1 is overdue")
        await alarm("", "the clock of this machine was set")
    assert posted[0] == {"handoff": "ho-1", "what": "handoff ho-1 is ringing and nothing will move it"}
    assert (incidents.events, len(incidents.open)) == (3, 3)  # what is new wakes people again
    recipients, message = mailbox.messages[0]
    assert recipients == ["ops@example.com"]
    assert "Subject: hookflash: handoff ho-1 is ringing" in message
    assert "hookflash handoffs ho-1" in message


async def test_news_wakes_nobody(mailbox):
    """It is mailed and posted, and nobody is paged."""
    incidents = Incidents()
    with posting_to(incidents.take) as events:
        settings = {"HOOKFLASH_PAGERDUTY_KEY": KEY, "HOOKFLASH_PAGERDUTY_URL": events}
        mail = {"HOOKFLASH_ALARM_EMAIL": "ops@example.com", "HOOKFLASH_SMTP_URL": mailbox.url}
        await news_of(settings | mail)("", "default: promises of the last day: 3 made")
        await news_of(settings)("", "default: promises of the last day: 3 made")
    assert (len(mailbox.messages), incidents.events) == (1, 0)


async def test_one_sink_that_fails_keeps_no_other_from_hearing(mailbox):
    """Only where nobody at all heard it does the courier try again."""
    settings = {"HOOKFLASH_ALARM_URL": "http://127.0.0.1:9/", "HOOKFLASH_ALARM_EMAIL": "ops@example.com", "HOOKFLASH_SMTP_URL": mailbox.url}
    await alarm_of(settings)("ho-1", "look")
    assert len(mailbox.messages) == 1
    with pytest.raises(DeliveryFailed, match="no sink took the alarm"):
        await alarm_of({"HOOKFLASH_ALARM_URL": "http://127.0.0.1:9/"})("ho-1", "look")


async def test_a_password_travels_encrypted_or_not_at_all(mailbox):
    """A server that offers no encryption gets no password, and the certificate of one that does is looked at."""
    with_password = mailbox.url.replace("smtp://", "smtp://ana:hush@")
    (send,) = sinks_of({"HOOKFLASH_ALARM_EMAIL": "ops@example.com", "HOOKFLASH_SMTP_URL": with_password})
    with pytest.raises(DeliveryFailed, match="the password was not sent"):
        await send("ho-1", "look")
    assert not mailbox.messages
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_a_mail_server_that_is_none_is_named_at_the_start():
    """Not first at night, when the first alarm is due."""
    with pytest.raises(ConfigError, match="HOOKFLASH_SMTP_URL is not the address of a mail server"):
        alarm_of({"HOOKFLASH_ALARM_EMAIL": "ops@example.com", "HOOKFLASH_SMTP_URL": "mail.example.com"})
    assert asyncio.iscoroutinefunction(alarm_of({}))
