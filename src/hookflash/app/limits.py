"""No request body larger than a turn can be is ever read into memory."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookflash.app.problems import problem

# A turn of the longest text with every character escaped (6 bytes each), and room for the rest of the turn.
MAX_BODY_BYTES = 400_000


class BodyLimit:
    """Answers 413 to a body that says it is, or turns out to be, too large."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            body = None if not declared.isdigit() or int(declared) > MAX_BODY_BYTES else await _read(receive)
        except ClientDisconnect:
            return  # what breaks off is no turn, and nobody is left to be told
        if body is None:
            detail = f"the body is larger than {MAX_BODY_BYTES:,} bytes; send one turn a request, and documents as links"
            await problem(413, "Body too large", detail)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """Return the body, or None as soon as it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive that yields the body that was read, and then whatever comes."""
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed
