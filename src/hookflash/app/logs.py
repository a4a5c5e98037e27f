"""Structured logs: an event name and marked values, one JSON line each. Nothing a customer said is ever among them."""

import logging
import sys
from typing import TextIO

import structlog


def set_up_logs(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Write logs as JSON lines to a stream (standard error if none is given)."""
    # The web server writes tracebacks, in which a customer's words may stand. Our own log says where a bug is.
    logging.getLogger("uvicorn.error").disabled = True
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
