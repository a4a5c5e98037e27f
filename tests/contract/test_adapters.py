"""The shipped adapters and fakes against the conformance suites that are shipped for everybody's."""

import pytest

from hookflash.desks import BuiltinDesk
from hookflash.lines import ChatLine
from hookflash.ports import Change
from hookflash.stores import SqliteStore
from hookflash.stores.postgres import PostgresStore
from hookflash.testing import FrozenClock, ScriptedDesk, ScriptedLine
from hookflash.testing.conformance import NOW, DeskContract, LineContract, StoreContract, _change
from hookflash.testing.samples import a_handoff
from tests.postgres import a_database


@pytest.fixture
async def store(tmp_path):
    opened = SqliteStore(tmp_path / "contract.db")
    yield opened
    await opened.close()


class TestSqliteStore(StoreContract):
    pass


class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, postgres):
        with a_database(postgres) as url:
            opened = PostgresStore(url, own_clock=False)
            yield opened
            await opened.close()


class TestBuiltinDesk(DeskContract):
    @pytest.fixture
    async def desk(self, store):
        for name in ("ho-1", "ho-other"):
            await store.commit(Change(tenant="default", now=NOW, handoff=a_handoff().model_copy(update={"id": name})))
        return BuiltinDesk("builtin", store, FrozenClock())


class TestScriptedDesk(DeskContract):
    @pytest.fixture
    def desk(self):
        return ScriptedDesk("crm", FrozenClock())


class TestChatLine(LineContract):
    @pytest.fixture
    async def line(self, store):
        await store.commit(_change(1))
        return ChatLine(store, FrozenClock())


class TestScriptedLine(LineContract):
    @pytest.fixture
    def line(self):
        return ScriptedLine()
