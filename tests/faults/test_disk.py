"""A disk that is full, read-only, or failing, and a write-ahead log that a power cut left torn."""

import asyncio
import os
import resource
import shutil
import subprocess
import sys

import pytest

from hookflash.errors import StoreUnavailable
from hookflash.stores import SqliteStore
from hookflash.testing.conformance import _change

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes, where this machine lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def fill(store, first=1, most=10_000):
    """Commit turns until the store refuses; return the number of the last that it took."""
    for number in range(first, first + most):
        try:
            await store.commit(_change(number))
        except StoreUnavailable as error:
            return number - 1, str(error)
    raise AssertionError("it never refused")


async def test_a_disk_that_is_full_refuses_and_keeps_what_it_took(small_disk):
    """The message says what to do; with room again the next turn is taken, and nothing taken before is missing."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    store = SqliteStore(small_disk / "h.db")
    last, message = await fill(store)
    assert last > 10
    assert "nothing was accepted. Free some space" in message
    assert (await store.conversation("default", "c")).spoken == last
    ballast.unlink()
    await store.commit(_change(last + 1))
    assert (await store.conversation("default", "c")).spoken == last + 1
    await store.close()


async def test_a_disk_that_became_read_only_refuses_and_says_so(small_disk):
    """What is there can be read; what is not taken is refused."""
    store = SqliteStore(small_disk / "h.db")
    await store.commit(_change(1))
    await store.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StoreUnavailable, match="nothing was accepted"):
        SqliteStore(small_disk / "h.db")
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    again = SqliteStore(small_disk / "h.db")
    await again.commit(_change(2))
    await again.close()


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from hookflash.errors import StoreUnavailable
from hookflash.stores import SqliteStore
from hookflash.testing.conformance import _change
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.commit(_change(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    number = 2
    while True:
        try:
            await store.commit(_change(number))
        except StoreUnavailable as error:
            print(number - 1, error)
            return
        number += 1
asyncio.run(main())
"""


async def test_writes_that_fail_amid_a_commit_take_nothing_with_them(tmp_path):
    """The operating system refuses a write (EFBIG): every turn acknowledged before is there after a restart."""
    path = tmp_path / "h.db"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    number, _, message = done.stdout.partition(" ")
    assert "nothing was accepted" in message
    store = SqliteStore(path)
    assert (await store.conversation("default", "c")).spoken == int(number)
    await store.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("damage", ["cut", "garbage", "zeros"])
async def test_a_torn_end_of_the_log_costs_nothing_that_was_acknowledged(tmp_path, damage):
    """A power cut leaves a frame half written after the last sync: it is passed over, and all before it is there."""
    path = tmp_path / "h.db"
    store = SqliteStore(path)
    for number in range(1, 30):
        await store.commit(_change(number))
    synced = (tmp_path / "h.db-wal").stat().st_size
    await store.commit(_change(30))  # this one is torn
    for name in ("h.db", "h.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"cut-{name}")
    await store.close()
    log = tmp_path / "cut-h.db-wal"
    content = log.read_bytes()
    half = synced + (len(content) - synced) // 2
    torn = {"cut": content[:half], "garbage": content[:half] + os.urandom(4_096), "zeros": content[:synced] + bytes(len(content) - synced)}
    log.write_bytes(torn[damage])
    again = SqliteStore(tmp_path / "cut-h.db")
    assert (await again.conversation("default", "c")).spoken == 29
    await again.commit(_change(30))
    await again.close()
