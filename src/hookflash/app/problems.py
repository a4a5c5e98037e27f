"""Errors over HTTP: RFC 9457 problem details, always, and never a customer's words in them."""

import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hookflash.errors import (
    ForbiddenMove,
    HookflashError,
    InputError,
    Retryable,
    SequenceError,
    UnknownError,
)

log = structlog.get_logger("hookflash.http")

# The first kind that an error is of gives its status and title.
_STATUSES: tuple[tuple[type[HookflashError], int, str], ...] = (
    (UnknownError, 404, "Not found"),
    (SequenceError, 409, "Turn out of order"),
    (ForbiddenMove, 409, "Not possible in this state"),
    (InputError, 422, "Input cannot be used"),
    (Retryable, 503, "Cannot be accepted now"),
    (HookflashError, 500, "Cannot be done"),
)
RETRY_AFTER_SECONDS = 2
# How much of a name that somebody made up is repeated to them.
MAX_NAME = 60


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """Return a problem document."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(content, status_code=status, media_type="application/problem+json", headers=dict(headers or {}))


def install_problems(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    @app.exception_handler(HookflashError)
    async def _ours(_: Request, error: HookflashError) -> JSONResponse:
        status, title = next((status, title) for kind, status, title in _STATUSES if isinstance(error, kind))
        wait = getattr(error, "retry_after", None) or RETRY_AFTER_SECONDS
        headers = {"retry-after": str(round(wait))} if status == 503 else None
        return problem(status, title, str(error), headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [_fault(one) for one in error.errors()]
        detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
        return problem(422, "Input cannot be used", detail, errors=faults)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "Request refused", str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def _bug(_: Request, error: Exception) -> JSONResponse:
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("bug", error=type(error).__name__, file=place.filename, line=place.lineno)
        return problem(500, "Bug!", f"{type(error).__name__} inside hookflash; the log of the server says where")


def _fault(error: Any) -> dict[str, str]:
    """Return where a request is wrong and how, without what stood there."""
    where = ".".join(str(step)[:MAX_NAME] for step in error["loc"])
    return {"where": where, "what": error["msg"].removeprefix("Value error, ")}
