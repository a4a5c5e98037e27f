"""Where noise goes: the log always, and by the environment a webhook, e-mail, and PagerDuty. It carries no customer's words."""

import asyncio
import hashlib
import socket
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import httpx2
import structlog
from aiosmtplib import SMTP

from hookflash.app.config import ALARM_EMAIL, ALARM_URL, PAGERDUTY_KEY, PAGERDUTY_URL, SMTP_URL
from hookflash.errors import ConfigError, DeliveryFailed
from hookflash.watchman import Alarm

log = structlog.get_logger("hookflash")

CALL_SECONDS = 5.0
# PagerDuty's Events API v2, and the longest summary that it takes.
EVENTS_API = "https://events.pagerduty.com/v2/enqueue"
MAX_SUMMARY = 1024


async def log_alarm(handoff: str, what: str) -> None:
    """Make noise in the log, at the level that wakes people."""
    log.critical("alarm", handoff=handoff, what=what)


async def log_news(handoff: str, what: str) -> None:
    """Note what need not wake anybody."""
    log.info("news", handoff=handoff, what=what)


def alarm_of(environment: Mapping[str, str]) -> Alarm:
    """Return what makes noise by the environment's settings. Raises `ConfigError` for settings that cannot be."""
    return _to_all(log_alarm, sinks_of(environment))


def news_of(environment: Mapping[str, str]) -> Alarm:
    """Return what tells news: all the same, but for those who are paged. Raises `ConfigError`."""
    return _to_all(log_news, sinks_of({name: value for name, value in environment.items() if name != PAGERDUTY_KEY}))


def _to_all(note: Alarm, sinks: Sequence[Alarm]) -> Alarm:
    if not sinks:
        return note

    async def alarm(handoff: str, what: str) -> None:
        await note(handoff, what)
        outcomes = await asyncio.gather(*(sink(handoff, what) for sink in sinks), return_exceptions=True)
        failed = [type(outcome).__name__ for outcome in outcomes if isinstance(outcome, Exception)]
        if failed:
            log.error("alarm_not_passed_on", handoff=handoff, errors=failed)
        if len(failed) == len(sinks):
            raise DeliveryFailed("no sink took the alarm")

    return alarm


def sinks_of(environment: Mapping[str, str]) -> Sequence[Alarm]:
    """Return the sinks that are set up; each raises where it could not pass something on. Raises `ConfigError`."""
    sinks: list[Alarm] = []
    if url := environment.get(ALARM_URL):
        sinks.append(_webhook(url))
    if address := environment.get(ALARM_EMAIL):
        sinks.append(_email(address, environment.get(SMTP_URL, "smtp://localhost:25")))
    if key := environment.get(PAGERDUTY_KEY):
        sinks.append(_pagerduty(key, environment.get(PAGERDUTY_URL, EVENTS_API)))
    return sinks


def _webhook(url: str) -> Alarm:
    async def post(handoff: str, what: str) -> None:
        await _post(url, {"handoff": handoff, "what": what})

    return post


def _pagerduty(key: str, url: str) -> Alarm:
    async def page(handoff: str, what: str) -> None:
        event = {
            "routing_key": key,
            "event_action": "trigger",
            "dedup_key": hashlib.sha256(f"{handoff} {what}".encode()).hexdigest(),  # a new finding wakes people again
            "payload": {"summary": what[:MAX_SUMMARY], "source": "hookflash", "severity": "critical", "component": handoff or "hookflash"},
        }
        await _post(url, event)

    return page


async def _post(url: str, content: Mapping[str, Any]) -> None:
    async with asyncio.timeout(CALL_SECONDS), httpx2.AsyncClient(trust_env=False) as client:
        (await client.post(url, json=content)).raise_for_status()


def _email(address: str, url: str) -> Alarm:
    server = urlsplit(url)
    if server.scheme not in ("smtp", "smtps") or not server.hostname:
        raise ConfigError(f"{SMTP_URL} is not the address of a mail server; write smtp://user:password@host:587 or smtps://host")

    async def send(handoff: str, what: str) -> None:
        message = EmailMessage()
        message["Subject"] = f"hookflash: {what}"[:200]
        message["From"] = f"hookflash@{server.hostname}" if "@" not in (server.username or "") else unquote(server.username or "")
        message["To"] = address
        message.set_content(f"{what}\n\nLook at it with: hookflash handoffs {handoff}\n")
        async with asyncio.timeout(CALL_SECONDS):
            await _send(server, message)

    return send


async def _send(server: SplitResult, message: EmailMessage) -> None:
    """Send a message; whatever the server offers, a password only travels encrypted."""
    secure = server.scheme == "smtps"
    own = socket.gethostname()  # the full name would be asked of the network first
    port = server.port or (465 if secure else 25)
    connection = SMTP(hostname=server.hostname, port=port, local_hostname=own, use_tls=secure)
    try:
        await connection.connect()
        if server.username and server.password:
            if connection.get_transport_info("sslcontext") is None:
                raise DeliveryFailed("the mail server offers no encryption; the password was not sent")
            await connection.login(unquote(server.username), unquote(server.password))
        await connection.send_message(message)
    finally:
        connection.close()  # without a farewell, which a server that hangs would not answer
