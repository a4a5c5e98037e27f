"""Nothing in the file is a secret: it is versioned, reviewed and printed.

The shapes are those that the vendors publish for their keys. No message repeats what was found.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hookflash.matrix.findings import Finding, Steps

_SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a bearer token": r"\b[Bb]earer\s+[\w.~+/-]{12,}",
    "a JSON web token": r"\beyJ[\w-]{8,}\.[\w-]{8,}\.",
    "an AWS key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "a GitHub token": r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}",
    "a Slack token": r"\bxox[abpors]-[\w-]{10,}",
    "a Twilio key": r"\bSK[0-9a-f]{32}\b",
    "a webhook signing secret": r"\bwhsec_[\w+/=]{12,}",
    "a Stripe or OpenAI key": r"\b[srp]k[-_](live|test|proj|ant)[-_][\w-]{12,}|\bsk-[\w-]{20,}",
    "a HubSpot token": r"\bpat-[a-z]{2,3}\d-[0-9a-f-]{20,}",
    "a Google key": r"\bAIza[\w-]{30,}|\bGOCSPX-[\w-]{16,}",
    "a Salesforce session": r"\b00D[A-Za-z0-9]{12,15}![\w.]{20,}",
}
SHAPES = {what: re.compile(shape) for what, shape in _SHAPES.items()}
_SECRET_KEY = re.compile(
    r"(^|[_-])(secret|token|password|passwd|pwd|api_?key|apikey|auth|credentials?|signing_?key)($|[_-])", re.IGNORECASE
)
# Keys that name where a secret lies instead of holding it.
_ELSEWHERE = re.compile(r"[_-](env|file|path|name|id)$", re.IGNORECASE)
# Hexadecimal or base64 without a word in it; no name, number or sentence of a matrix looks like that.
_RANDOM = re.compile(r"[0-9a-fA-F]{32,}|(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])[\w+/-]{32,}={0,2}")
MEND = "take it out, change it, and name its environment variable instead, like secret_env: HOOKFLASH_CRM_SECRET"


def plain_secrets(document: Any) -> Iterator[Finding]:
    """Yield every value that is a secret, or stands where one would."""
    for path, value in _texts(document, ()):
        found = _secret_in(path, value)
        if found:
            yield Finding("secret-in-plain-text", path, f"{found} stands in the file, where everybody who reads it sees it", MEND)


def _texts(node: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, (*path, index))


def _secret_in(path: Steps, value: str) -> str | None:
    for what, shape in SHAPES.items():
        if shape.search(value):
            return what
    if "://" in value and _url_carries_one(value):
        return "an address with a password or key in it"
    key = str(path[-1]) if path else ""
    is_setting = path[:1] in (("desks",), ("responders",), ("business",))
    if is_setting and _SECRET_KEY.search(key) and not _ELSEWHERE.search(key):
        return f"the value of `{key}`"
    if key == "secret_env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        return "something that is no variable's name"
    return "what looks like a key" if is_setting and _RANDOM.fullmatch(value) else None


def _url_carries_one(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.password) or any(_SECRET_KEY.search(name) and value for name, value in parse_qsl(parts.query))
    except ValueError:
        return False
