from pathlib import Path

import hypothesis
import pytest

from hookflash.app.wiring import EmbeddedEngine
from hookflash.desks import BuiltinDesk
from hookflash.lifecycle import step
from hookflash.matrix import Matrix, load_matrix, parse_matrix
from hookflash.signals.panel import Panel, builtin_detectors
from hookflash.stores import SqliteStore
from hookflash.testing import FrozenClock, ScriptedDesk, ScriptedLine
from tests.postgres import a_server
from tests.shop import SHOP

# A shared machine may pause at any moment; how long a case takes is no finding here.
hypothesis.settings.register_profile("hookflash", deadline=None)
hypothesis.settings.load_profile("hookflash")

NOON = FrozenClock().now().replace(hour=11)
ROOT = Path(__file__).parents[1]
CLINIC = ROOT / "examples" / "clinic"


@pytest.fixture(scope="session")
def postgres():
    """The address of a real PostgreSQL server."""
    with a_server() as url:
        yield url


@pytest.fixture(scope="session")
def clinic() -> Matrix:
    return load_matrix(CLINIC / "matrix.yaml")


@pytest.fixture(scope="session")
def shop() -> Matrix:
    return parse_matrix(SHOP)


@pytest.fixture(scope="session")
def clinic_panel(clinic: Matrix) -> Panel:
    return Panel(builtin_detectors(clinic))


@pytest.fixture
def clock() -> FrozenClock:
    """Tuesday 2026-11-24, 10:00 in Chicago, 17:00 in Madrid."""
    return FrozenClock()


@pytest.fixture
def phone() -> ScriptedLine:
    return ScriptedLine()


@pytest.fixture
def crm(clock: FrozenClock) -> ScriptedDesk:
    return ScriptedDesk("crm", clock)


@pytest.fixture
async def engine(shop, tmp_path, clock, phone, crm):
    """The shop's engine on a frozen clock: a CRM that can be told to fail, a phone line and the real chat line."""
    noise: list[str] = []

    async def alarm(handoff: str, what: str) -> None:
        noise.append(what)

    store = SqliteStore(tmp_path / "shop.db")
    desks = {"crm": crm, **{name: BuiltinDesk(name, store, clock) for name in ("builtin", "tickets")}}
    built = EmbeddedEngine({"default": shop}, store, clock=clock, desks=desks, lines={"voice": phone}, alarm=alarm, tell=alarm, manual=True)
    built.noise = noise
    await built.begin()
    yield built
    await built.close()


@pytest.fixture
def go(shop):
    """Take a handoff through events (or what makes one of the handoff); return it and the commands of the last."""

    def run(handoff, *events, now=NOON):
        commands = ()
        for event in events:
            event = event(handoff) if callable(event) else event
            handoff, commands = step(handoff, event, shop, now)
        return handoff, commands

    return run
