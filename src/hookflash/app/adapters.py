"""What the settings and a matrix name, built: judges with their detectors, desks, and the lines that plug-ins bring."""

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import httpx2
import structlog

from hookflash.app.config import model_settings
from hookflash.desks import BuiltinDesk, WebhookDesk
from hookflash.detectors import ModelDetector
from hookflash.errors import ConfigError
from hookflash.judge import Judge
from hookflash.matrix import Matrix
from hookflash.model import BUILTIN_DESK
from hookflash.ports import Clock, Desk, Detector, Line, Store
from hookflash.signals.panel import Panel, builtin_detectors

log = structlog.get_logger("hookflash")

DETECTORS, DESKS, LINES = "hookflash.detectors", "hookflash.desks", "hookflash.lines"


def judge_for(matrix: Matrix, detectors: Sequence[Detector] = ()) -> Judge:
    """Return a judge with the built-in detectors, those of installed plug-ins, the model's if one is set up, and the given ones.

    Raises `ConfigError` for settings of a model that cannot be.
    """
    brought, missing = _plugged_in(DETECTORS)
    if settings := model_settings(os.environ, regulated=matrix.business.regulated is not None):
        brought.append(ModelDetector(*settings))
    return Judge(matrix, Panel(builtin_detectors(matrix), [*brought, *detectors], missing))


def _plugged_in(group: str) -> tuple[list[Any], list[str]]:
    """Return what installed packages bring to a plug-in point, and the names of what could not be loaded."""
    loaded, missing = [], []
    for point in entry_points(group=group):
        try:
            loaded.append(point.load()())
        except Exception:  # noqa: BLE001 - a plug-in that cannot be loaded is reported as missing
            missing.append(point.name)
            log.error("plug_in_failed", group=group, name=point.name)
    return loaded, missing


def _kinds(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def build_desks(matrices: Mapping[str, Matrix], store: Store, clock: Clock, client: httpx2.AsyncClient) -> dict[tuple[str, str], Desk]:
    """Return every desk of every tenant's matrix. Raises `ConfigError` for one that cannot be set up."""
    desks: dict[tuple[str, str], Desk] = {}
    for tenant, matrix in matrices.items():
        for name, spec in matrix.desks.items():
            if spec.kind == BUILTIN_DESK:
                desks[tenant, name] = BuiltinDesk(name, store, clock)
            elif spec.kind == "webhook":
                desks[tenant, name] = WebhookDesk(name, spec.url or "", _secret(name, spec.secret_env), client, clock)
            else:
                desks[tenant, name] = _plugged_desk(name, spec.kind, spec.model_dump())
        desks[tenant, BUILTIN_DESK] = BuiltinDesk(BUILTIN_DESK, store, clock)
    return desks


def _plugged_desk(name: str, kind: str, settings: Mapping[str, Any]) -> Desk:
    known = _kinds(DESKS)
    if kind not in known:
        have = ", ".join(["builtin", "webhook", *known])
        raise ConfigError(f"desk `{name}` is of kind `{kind}`, which nothing installed here brings; installed kinds: {have}")
    desk: Desk = known[kind].load()(name, settings)
    return desk


def plugged_lines() -> dict[str, Line]:
    """Return the lines that installed packages bring, by kind. One that cannot be loaded is reported and left out."""
    lines: dict[str, Line] = {}
    for kind, point in _kinds(LINES).items():
        try:
            lines[kind] = point.load()()
        except Exception:  # noqa: BLE001 - its rungs then fail one by one, loudly, and the ladder goes on
            log.error("plug_in_failed", group=LINES, name=kind)
    return lines


def _secret(desk: str, variable: str | None) -> str:
    name = variable or f"HOOKFLASH_{desk.upper()}_SECRET"
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"desk `{desk}` needs its signing secret in the environment variable {name}")
    return value
