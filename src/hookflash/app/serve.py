"""`hookflash serve`: the HTTP API with couriers and watchman; `hookflash work`: these alone, beside servers on PostgreSQL."""

import asyncio
import ipaddress
import json as jsonlib
import os
import signal
import socket
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import structlog
import uvicorn

from hookflash.app.collector import calm_collector
from hookflash.app.config import API_KEY, HEARTBEAT_URL, api_keys, database_at
from hookflash.app.database import open_store
from hookflash.app.http import create_app
from hookflash.app.logs import set_up_logs
from hookflash.app.sinks import alarm_of, news_of
from hookflash.app.wiring import EVERYTHING, EmbeddedEngine
from hookflash.engine import DEFAULT_TENANT
from hookflash.errors import ConfigError
from hookflash.matrix import Matrix, load_matrix
from hookflash.review.check import check_file
from hookflash.watchman import Beat

log = structlog.get_logger("hookflash")
CALL_SECONDS = 5.0
# How long a request under way may take to finish when the server is told to stop.
GRACE_SECONDS = 10


def run_server(
    matrix: Path, tenants: Sequence[str], host: str, port: int, database: str | None, without: Collection[str] = (), *, json: bool
) -> None:
    """Serve until told to stop; what is done `without` runs elsewhere.

    Raises `ConfigError`, `MatrixError`, `StoreInUse` and others before it listens.
    """
    set_up_logs()
    keys = api_keys(os.environ)
    _require_key(host, keys)
    matrices = _matrices(matrix, tenants)
    for tenant in sorted(set(keys.values()) - set(matrices)):
        raise ConfigError(f"there is an API key for tenant `{tenant}` and no matrix; add --tenant {tenant}=MATRIX")
    listening = _listen(host, port)
    engine = _engine(matrices, matrix, database, [duty for duty in EVERYTHING if duty not in without])
    where = f"http://{_shown(host)}:{listening.getsockname()[1]}"
    _announce(where, json=json)
    config = uvicorn.Config(
        create_app(engine, keys), log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    uvicorn.Server(config).run(sockets=[listening])


def run_worker(matrix: Path, tenants: Sequence[str], database: str | None, duties: Collection[str], *, json: bool) -> None:
    """Work until told to stop, without an API. Raises as `run_server` does."""
    set_up_logs()
    engine = _engine(_matrices(matrix, tenants), matrix, database, duties)
    what = " and ".join(duties)
    print(jsonlib.dumps({"working": list(duties)}) if json else f"hookflash works ({what}). Stop it with Ctrl-C.", flush=True)
    asyncio.run(_work(engine))


async def _work(engine: EmbeddedEngine) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with engine:
        calm_collector()
        await stopped.wait()


def _engine(matrices: Mapping[str, Matrix], matrix: Path, database: str | None, duties: Collection[str]) -> EmbeddedEngine:
    store = open_store(database_at(matrix, database))
    return EmbeddedEngine(matrices, store, alarm=alarm_of(os.environ), tell=news_of(os.environ), beat=_beat(), duties=duties)


def _announce(where: str, *, json: bool) -> None:
    line = (
        jsonlib.dumps({"listening": where})
        if json
        else f"hookflash listens on {where} (API description: {where}/docs). Stop it with Ctrl-C."
    )
    print(line, flush=True)


def _require_key(host: str, keys: Mapping[str, str]) -> None:
    if keys or _is_loopback(host):
        return
    raise ConfigError(
        f"refusing to listen on {host} without an API key: anybody could read customers' words; "
        f"set {API_KEY} (make one with `openssl rand -hex 24`), or listen on 127.0.0.1"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _matrices(default: Path, tenants: Sequence[str]) -> dict[str, Matrix]:
    matrices = {DEFAULT_TENANT: _proved(default)}
    for pair in tenants:
        name, equals, file = pair.partition("=")
        if not equals or not name or name in matrices:
            raise ConfigError(f"--tenant {pair!r} is not NAME=MATRIX with a name of its own; write it like acme=acme.yaml")
        matrices[name] = _proved(Path(file))
    return matrices


def _proved(file: Path) -> Matrix:
    """Return a matrix. What the proof finds is said and does not keep the server down: hours move on by themselves."""
    matrix = load_matrix(file)
    for fault in check_file(file, datetime.now(UTC)).faults:
        log.warning("matrix_finding", place=f"{fault.file}:{fault.line}", severity=fault.severity, code=fault.code, what=fault.what)
    return matrix


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(socket.SOMAXCONN)
    except OSError as error:
        listening.close()
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}; name a free port with --port") from None
    return listening


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _beat() -> Beat | None:
    """Return what beats the outside dead-man's switch, if one is set."""
    url = os.environ.get(HEARTBEAT_URL)
    if not url:
        return None

    async def beat() -> None:
        async with httpx2.AsyncClient(timeout=CALL_SECONDS, trust_env=False) as client:
            (await client.get(url)).raise_for_status()

    return beat
