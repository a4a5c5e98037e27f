"""The shipped adapters and fakes against the conformance suites that are shipped for everybody's."""

import pytest

from hookflash.desks import BuiltinDesk
from hookflash.lines import ChatLine
from hookflash.stores import SqliteStore
from hookflash.testing import FrozenClock, ScriptedDesk, ScriptedLine
from hookflash.testing.conformance import DeskContract, LineContract, StoreContract


@pytest.fixture
async def store(tmp_path):
    opened = SqliteStore(tmp_path / "contract.db")
    yield opened
    await opened.close()


class TestSqliteStore(StoreContract):
    pass


class TestBuiltinDesk(DeskContract):
    @pytest.fixture
    def desk(self, store):
        return BuiltinDesk("builtin", store, FrozenClock())


class TestScriptedDesk(DeskContract):
    @pytest.fixture
    def desk(self):
        return ScriptedDesk("crm", FrozenClock())


class TestChatLine(LineContract):
    @pytest.fixture
    def line(self, store):
        return ChatLine(store, FrozenClock())


class TestScriptedLine(LineContract):
    @pytest.fixture
    def line(self):
        return ScriptedLine()
