"""The HTTP API. Its description is served at `/docs`; errors are RFC 9457 problem details."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from hookflash.app.collector import calm_collector
from hookflash.app.http_fields import Id, Words
from hookflash.app.http_promises import add_promises
from hookflash.app.limits import BodyLimit
from hookflash.app.metrics import Metrics
from hookflash.app.problems import install_problems, problem
from hookflash.app.wiring import EmbeddedEngine
from hookflash.engine import DEFAULT_TENANT
from hookflash.errors import Overloaded, TurnError
from hookflash.model import Conversation, CustomerLeft, Decision, Handoff, Speaker, State, Turn
from hookflash.model.conversation import Identifier
from hookflash.moves import DECLINED
from hookflash.ports import Message
from hookflash.steady import steady

# The watchman makes its rounds several times a second; silent for so long, it is not well.
WATCHMAN_SILENCE = timedelta(seconds=10)
# A database that takes longer to write a few bytes keeps callers waiting.
PROBE_TIMEOUT = timedelta(seconds=3)
LAST_NUMBER = 2**31 - 1


class Said(BaseModel):
    """A few words from a responder."""

    model_config = ConfigDict(extra="forbid")
    text: Words = Field(description="The reason, result or disposition.")


class Declining(Said):
    """Why a ring came to nothing."""

    answer: Literal["declined", "busy", "voicemail", "no answer"] = Field(DECLINED, description="What came of the ring.")
    responder: Identifier | None = Field(
        None, description="At whose it rang. A report that comes late then ends no other ring; without it, it ends the one under way."
    )


class Taking(BaseModel):
    """Who takes a conversation."""

    model_config = ConfigDict(extra="forbid")
    responder: Identifier = Field(description="A responder of the matrix, or a person's name.")


def create_app(engine: EmbeddedEngine, keys: Mapping[str, str]) -> FastAPI:
    """Return the application. `keys` gives the tenant of each API key; without keys everybody is the default tenant."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Run the couriers and the watchman as long as the server runs."""
        async with engine:
            calm_collector()
            yield

    app = FastAPI(
        title="hookflash",
        description="Decides when a person must take over from an AI assistant, and sees to it that one does.",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit)
    install_problems(app)
    tenant = _tenant_of(keys)
    metrics = Metrics()
    _add_conversations(app, engine, tenant, metrics)
    _add_handoffs(app, engine, tenant)
    add_promises(app, engine, tenant)
    _add_operations(app, engine, tenant, metrics)
    return app


def _tenant_of(keys: Mapping[str, str]) -> Any:
    """Return the dependency that names the caller's tenant by its key, and by nothing else."""
    bearer = HTTPBearer(auto_error=False, description="An API key of `HOOKFLASH_API_KEY` or `HOOKFLASH_API_KEYS`.")

    def tenant(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
        if not keys:
            return DEFAULT_TENANT
        given = credentials.credentials.encode() if credentials else b""
        matching = [name for key, name in keys.items() if hmac.compare_digest(key.encode(), given)]
        if not matching:
            raise HTTPException(401, "send an API key as `Authorization: Bearer KEY`", {"www-authenticate": "Bearer"})
        return matching[0]

    return Annotated[str, Depends(tenant)]


def _add_conversations(app: FastAPI, engine: EmbeddedEngine, Tenant: Any, metrics: Metrics) -> None:  # noqa: N803 - a type
    async def observe(turn: Turn, tenant: str) -> Decision:
        begun = time.perf_counter()
        try:
            decision = await engine.observe(turn, tenant=tenant)
        except Overloaded:
            metrics.refused(tenant)
            raise
        metrics.decided(tenant, decision, time.perf_counter() - begun)
        return decision

    @app.post("/v1/conversations/{conversation}/turns", tags=["conversations"])
    async def post_turn(conversation: Id, turn: Turn, tenant: Tenant) -> Decision:
        """Report what was said; the answer says whether the assistant may go on. It is durable once it is answered."""
        return await observe(_within(turn, conversation), tenant)

    @app.post("/v1/conversations/{conversation}/drafts", tags=["conversations"])
    async def post_draft(conversation: Id, turn: Turn, tenant: Tenant) -> Decision:
        """Ask whether the assistant may send a reply. The conversation must have begun."""
        await engine.conversation(conversation, tenant=tenant)
        draft = _within(turn, conversation).model_copy(update={"draft": True, "speaker": Speaker.ASSISTANT})
        return await observe(draft, tenant)

    @app.get("/v1/conversations/{conversation}", tags=["conversations"])
    async def get_conversation(conversation: Id, tenant: Tenant) -> Conversation:
        """Return who owns a conversation, its latest turns, and the result of its last hand-back."""
        return await engine.conversation(conversation, tenant=tenant)

    @app.get("/v1/conversations/{conversation}/messages", tags=["conversations"])
    async def get_messages(conversation: Id, tenant: Tenant, after: Annotated[int, Query(ge=0, le=LAST_NUMBER)] = 0) -> tuple[Message, ...]:
        """Return what hookflash told the customer since message number `after`; show it in the chat."""
        return await engine.store.messages(tenant, conversation, after)

    @app.post("/v1/conversations/{conversation}/left", tags=["conversations"])
    async def post_left(conversation: Id, tenant: Tenant) -> Conversation:
        """Report that the customer hung up or closed the chat; an open handoff then becomes a promise."""
        found = await engine.conversation(conversation, tenant=tenant)
        if found.handoff is not None:
            await engine.apply(found.handoff, CustomerLeft(), tenant=tenant)
        return await engine.conversation(conversation, tenant=tenant)


def _within(turn: Turn, conversation: str) -> Turn:
    if turn.conversation not in (None, conversation):
        raise TurnError("`conversation` in the body differs from the one in the path; leave it out of the body")
    return Turn.model_validate({**turn.model_dump(exclude_unset=True), "conversation": conversation})


def _add_handoffs(app: FastAPI, engine: EmbeddedEngine, Tenant: Any) -> None:  # noqa: N803 - a type
    @app.get("/v1/handoffs", tags=["handoffs"])
    async def get_handoffs(
        tenant: Tenant,
        state: Annotated[list[State] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> tuple[Handoff, ...]:
        """Return handoffs, newest first; those in state `ringing` wait for a responder to accept."""
        return await engine.store.handoffs(tenant, state or (), limit)

    @app.get("/v1/handoffs/{handoff}", tags=["handoffs"])
    async def get_handoff(handoff: Id, tenant: Tenant) -> Handoff:
        """Return a handoff with its brief."""
        return await engine.handoff(handoff, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/accept", tags=["handoffs"])
    async def accept(handoff: Id, taking: Taking, tenant: Tenant) -> Handoff:
        """Take the conversation. From then on the assistant is silent."""
        return await engine.accept(handoff, taking.responder, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/decline", tags=["handoffs"])
    async def decline(handoff: Id, said: Declining, tenant: Tenant) -> Handoff:
        """Decline while being rung, with the reason in `text`; the next rung is rung. Lines report busy and voicemail here."""
        return await engine.decline(handoff, said.text, answer=said.answer, responder=said.responder, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/hand-back", tags=["handoffs"])
    async def hand_back(handoff: Id, said: Said, tenant: Tenant) -> Handoff:
        """Return the conversation to the assistant, with what was achieved in `text`."""
        return await engine.hand_back(handoff, said.text, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/wrap-up", tags=["handoffs"])
    async def wrap_up(handoff: Id, said: Said, tenant: Tenant) -> Handoff:
        """Close the case with a disposition in `text`; an open promise thereby counts as kept."""
        return await engine.wrap_up(handoff, said.text, tenant=tenant)


def _add_operations(app: FastAPI, engine: EmbeddedEngine, Tenant: Any, metrics: Metrics) -> None:  # noqa: N803 - a type
    @app.get("/v1/matrix", tags=["operations"])
    async def get_matrix(tenant: Tenant) -> dict[str, Any]:
        """Return the escalation matrix in force and its revision."""
        matrix = engine.judges[tenant].matrix
        return {"revision": matrix.revision, "matrix": matrix.model_dump(mode="json")}

    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Answer as long as the process lives."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["operations"])
    async def readyz() -> Response:
        """Answer 200 if turns are accepted and the watchman makes its rounds, else 503 and why."""
        silence = _silence(engine)
        if silence is None or silence > WATCHMAN_SILENCE.total_seconds():
            return problem(503, "Not ready", "the watchman has not made its round; the log of the server says why")
        try:
            async with asyncio.timeout(PROBE_TIMEOUT.total_seconds()):
                await engine.store.probe(engine.clock.now())
        except TimeoutError:
            return problem(503, "Not ready", "the database does not answer in time; turns wait for it")
        return Response('{"status":"ready"}', media_type="application/json")

    @app.get("/metrics", tags=["operations"])
    async def get_metrics() -> Response:
        """Return metrics for Prometheus. They carry no data of any customer."""
        return Response(metrics.render(await engine.store.counts(), _silence(engine)), media_type="text/plain; version=0.0.4")


def _silence(engine: EmbeddedEngine) -> float | None:
    """Return the seconds since the watchman's last round: None before the first, nought where it works elsewhere."""
    if "watchman" not in engine.duties:
        return 0.0
    seen = engine.watchman.last_round
    return None if seen is None else steady() - seen
