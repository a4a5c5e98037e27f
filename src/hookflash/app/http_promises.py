"""What people do about a promise, over HTTP."""

from typing import Any

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from hookflash.app.http_fields import Id, Words
from hookflash.app.wiring import EmbeddedEngine
from hookflash.model import Handoff
from hookflash.model.conversation import Identifier


class Attempted(BaseModel):
    """A try to keep a promise that came to nothing."""

    model_config = ConfigDict(extra="forbid")
    by: Identifier = Field(description="Who tried.")
    text: Words = Field(description="What came of it, such as: called twice, no answer.")


class Assigned(BaseModel):
    """Who is to keep a promise."""

    model_config = ConfigDict(extra="forbid")
    to: Identifier = Field(description="A responder of the matrix, or a person's name.")


class Rescheduled(BaseModel):
    """Another time, to which the customer agreed."""

    model_config = ConfigDict(extra="forbid")
    due: AwareDatetime = Field(description="The new time, with its zone, such as 2026-12-01T15:00:00-06:00.")
    by: Identifier = Field(description="Who agreed it with them.")
    text: Words = Field(description="The customer's word, such as: tomorrow after four suits me better.")


class GivenUp(BaseModel):
    """Why a promise is closed unkept."""

    model_config = ConfigDict(extra="forbid")
    text: Words = Field(description="The reason.")


def add_promises(app: FastAPI, engine: EmbeddedEngine, Tenant: Any) -> None:  # noqa: N803 - a type
    """Serve them on an application."""

    @app.get("/v1/promises", tags=["promises"])
    async def _promises(tenant: Tenant, open_only: bool = True) -> tuple[Handoff, ...]:
        """Return handoffs that promised the customer something, soonest due first."""
        return await engine.store.promises(tenant, open_only=open_only)

    @app.post("/v1/handoffs/{handoff}/promise/attempt", tags=["promises"])
    async def _attempt(handoff: Id, attempted: Attempted, tenant: Tenant) -> Handoff:
        """Record a try to keep the promise that came to nothing. It stays open."""
        return await engine.attempted(handoff, attempted.by, attempted.text, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/promise/assign", tags=["promises"])
    async def _assign(handoff: Id, assigned: Assigned, tenant: Tenant) -> Handoff:
        """Record who is to keep the promise."""
        return await engine.assign(handoff, assigned.to, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/promise/reschedule", tags=["promises"])
    async def _reschedule(handoff: Id, moved: Rescheduled, tenant: Tenant) -> Handoff:
        """Move the promise to a time that the customer agreed to; they are told it."""
        return await engine.reschedule(handoff, moved.due, moved.by, moved.text, tenant=tenant)

    @app.post("/v1/handoffs/{handoff}/promise/give-up", tags=["promises"])
    async def _give_up(handoff: Id, given_up: GivenUp, tenant: Tenant) -> Handoff:
        """Close the promise unkept, with the reason. It counts as broken."""
        return await engine.give_up(handoff, given_up.text, tenant=tenant)
