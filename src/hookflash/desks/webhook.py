"""The webhook desk: posts the brief to any system, signed by Standard Webhooks, until it is acknowledged.

The message id is the delivery's key, the same on every try, so that the receiver can tell a repeat from a new brief.
The receiver acknowledges with any 2xx status; `{"ticket": "..."}` in a JSON answer names its ticket.
"""

import json
from datetime import timedelta

import httpx2
from standardwebhooks import Webhook

from hookflash.errors import ConfigError, DeliveryFailed, DeliveryRefused
from hookflash.model import Brief, Receipt
from hookflash.ports import Clock

TIMEOUT = timedelta(seconds=8)
# What the receiver may answer with; more is not an acknowledgement but an accident.
MAX_ANSWER_BYTES = 64_000
MAX_TICKET = 100
# Statuses by which the receiver says that the same message will never do.
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


class WebhookDesk:
    """Delivers briefs to a URL."""

    def __init__(self, name: str, url: str, secret: str, client: httpx2.AsyncClient, clock: Clock) -> None:
        """`secret` is the Standard Webhooks signing secret (`whsec_...`). Raises `ConfigError` if it is not one."""
        self._name = name
        self._url = url
        self._client = client
        self._clock = clock
        try:
            self._webhook = Webhook(secret)
        except Exception:  # noqa: BLE001 - the library raises several kinds
            raise ConfigError(
                f"the signing secret of desk `{name}` is not a Standard Webhooks secret; make one that begins with whsec_"
            ) from None

    async def deliver(self, brief: Brief, key: str) -> Receipt:
        """See `Desk`."""
        now = self._clock.now()
        body = json.dumps({"type": "handoff.brief", "timestamp": now.isoformat(), "data": brief.model_dump(mode="json")})
        headers = {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(key, now, body),
        }
        answer = await self._post(body.encode(), headers)
        return Receipt(desk=self._name, ticket=_ticket(answer) or brief.handoff, key=key, at=self._clock.now())

    async def _post(self, body: bytes, headers: dict[str, str]) -> bytes:
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers, timeout=TIMEOUT.total_seconds()) as response:
                self._judge(response)
                answer = b""
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > MAX_ANSWER_BYTES:
                        break
                return answer
        except httpx2.HTTPError as error:
            raise DeliveryFailed(f"desk `{self._name}` could not be reached: {type(error).__name__}") from None

    def _judge(self, response: httpx2.Response) -> None:
        """Return quietly for an acknowledgement. Redirects are not followed: a brief goes where the matrix says."""
        status = response.status_code
        if response.is_success:
            return
        if response.has_redirect_location:
            raise DeliveryRefused(f"desk `{self._name}` redirects (HTTP {status}); set its url in the matrix to where it really is")
        if status in _FINAL:
            raise DeliveryRefused(f"desk `{self._name}` refused the brief (HTTP {status})")
        raise DeliveryFailed(f"desk `{self._name}` answered HTTP {status}", retry_after=_seconds(response.headers.get("retry-after")))


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdigit() else None


def _ticket(answer: bytes) -> str | None:
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    ticket = content.get("ticket") if isinstance(content, dict) else None
    if not isinstance(ticket, (str, int)):
        return None
    return "".join(letter for letter in str(ticket) if letter.isprintable())[:MAX_TICKET] or None
