"""In a regulated matrix protected data stays inside the boundary; everywhere briefs travel encrypted."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from hookflash.matrix.findings import Finding, at, at_any
from hookflash.matrix.retention import SIX_YEARS
from hookflash.matrix.values import parse_duration
from hookflash.model import BUILTIN_DESK

BRIEFED = (("responders", "*", "desk"), ("nobody", "desk"), ("routes", "*", "nobody", "desk"))
SIGNED = "set `baa: true` once the agreement is signed, or name {other} that has it"


def destinations(document: Any) -> Iterator[Finding]:
    """Yield every desk and responder that protected data would reach outside the boundary."""
    if not _is_regulated(document):
        return
    for path, name in at_any(document, BRIEFED):
        desk = next((found for _, found in at(document, ("desks", str(name)))), None)
        if isinstance(desk, dict) and desk.get("kind") != BUILTIN_DESK and not desk.get("baa"):
            what = f"protected health data would leave the boundary: desk `{name}` has no `baa: true`"
            yield Finding("outside-boundary", path, what, SIGNED.format(other="a desk"))
    for path, name in at(document, ("routes", "*", "ladder", "*", "to")):
        responder = next((found for _, found in at(document, ("responders", str(name)))), None)
        if isinstance(responder, dict) and not responder.get("baa"):
            what = f"protected health data would leave the boundary: responder `{name}` has no `baa: true`"
            mend = f"set `baa: true` on `{name}` where they are your own staff or under an agreement, or ring somebody who is"
            yield Finding("outside-boundary", path, what, mend)


def _is_regulated(document: Any) -> bool:
    return any(bool(value) for _, value in at(document, ("business", "regulated")))


def retention(document: Any) -> Iterator[Finding]:
    """Yield an audit trail of health data that is kept for less than six years."""
    for path, value in at(document, ("retention", "audit")):
        if _is_regulated(document) and isinstance(value, str) and (kept := _length(value)) and kept < SIX_YEARS:
            what = "the audit trail of health data would be kept for less than six years"
            yield Finding("retention-too-short", path, what, f"write {SIX_YEARS.days + 2}d or more, or leave it out")


def _length(value: str) -> timedelta | None:
    try:
        return parse_duration(value)
    except ValueError:
        return None


def encryption(document: Any) -> Iterator[Finding]:
    """Yield desks that are called in the clear over a network."""
    for path, url in at(document, ("desks", "*", "url")):
        if isinstance(url, str) and url.startswith("http://") and not _is_this_machine(url):
            yield Finding("insecure-url", path, "briefs would travel unencrypted", "call the desk by https://")


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
