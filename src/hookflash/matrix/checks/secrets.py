"""Nothing in the file is a secret: it is versioned, reviewed and printed.

No message repeats what was found.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hookflash.matrix.findings import Finding, Steps
from hookflash.matrix.secret_shapes import secret_in

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
        found = secret_in(value) or _out_of_place(path, value)
        if found:
            yield Finding("secret-in-plain-text", path, f"{found} stands in the file, where everybody who reads it sees it", MEND)


def _texts(node: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key), str(key)
            yield from _texts(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, (*path, index))


def _out_of_place(path: Steps, value: str) -> str | None:
    """Return what stands where a secret would, by its key, its look, or the address that it is in."""
    if "://" in value and _url_carries_one(value):
        return "an address with a password or key in it"
    key = str(path[-1]) if path else ""
    if value == key:
        return None  # the key itself, which is no value of it
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
