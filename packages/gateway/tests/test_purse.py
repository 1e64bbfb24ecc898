"""The purse on the disk is never older than what was decided on it, and is written only when something changed."""

import asyncio
import errno
import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from aifactory_gateway.budget import Budgets
from aifactory_gateway.spool import Spool
from aifactory_gateway.state import Purse, State
from aifactory_gateway.treasury import Treasury
from aifactory_outpost import durable
from aifactory_protocol.gateway import Lease, LeaseRequest, LeaseReturn


class Bank:
    """Grants what is asked for."""

    async def lease(self, request: LeaseRequest) -> Lease:
        ends = datetime.now(UTC) + timedelta(hours=1)
        return Lease(request.id, request.account_id, request.currency, max(request.least, 10**9), ends)

    async def give_back(self, leases: LeaseReturn) -> None:
        pass


class Disk:
    """Counts writes, says in which thread they were made; `fails`, or waits for `may_write` in other threads."""

    def __init__(self, write) -> None:
        self._write = write
        self.threads: list[threading.Thread] = []
        self.fails = False
        self.may_write = threading.Event()
        self.may_write.set()
        self.is_waited_for = threading.Event()

    def write(self, path, data: bytes, mode: int = 0o600) -> None:
        self.threads.append(threading.current_thread())
        if self.fails:
            raise OSError(errno.ENOSPC, "no space left")
        if threading.current_thread() is not threading.main_thread():
            self.is_waited_for.set()
            assert self.may_write.wait(10)
        self._write(path, data, mode)


@pytest.fixture
def disk(monkeypatch) -> Disk:
    made = Disk(durable.write)
    monkeypatch.setattr(durable, "write", made.write)
    return made


class Desk:
    """A treasury in a folder, and what a restart would find there."""

    def __init__(self, folder) -> None:
        self._folder = folder
        ids = iter(f"lease_{number}" for number in range(100))
        spool = Spool(folder / "spool")
        self.treasury = Treasury(
            Bank(),
            Budgets(),
            State(folder),
            spool,
            lambda: next(ids),
            lambda: datetime.now(UTC).timestamp(),
            lambda: None,
        )

    def kept(self) -> Purse:
        return msgspec.json.decode((self._folder / "purse.json").read_bytes(), type=Purse)

    async def lease(self, femtos: int = 10**15) -> None:
        await self.treasury.more_money("acct_1", "AED", femtos)


@pytest.fixture
def desk(disk, tmp_path) -> Desk:
    return Desk(tmp_path / "state")


async def in_thread(disk: Disk) -> None:
    async with asyncio.timeout(5):
        while not disk.is_waited_for.is_set():
            await asyncio.sleep(0.005)


async def test_without_a_change_nothing_is_written(desk, disk):
    await desk.treasury.keep_aside()
    assert len(disk.threads) == 1
    for _ in range(3):
        await desk.treasury.keep_aside()
        desk.treasury.keep()
    assert len(disk.threads) == 1
    desk.treasury.spent("lease_9", 5)
    await desk.treasury.keep_aside()
    assert len(disk.threads) == 2 and desk.kept().spent == {"lease_9": 5}


async def test_what_nothing_waits_for_is_written_beside_the_loop_and_a_lease_before_it_is_spent(desk, disk):
    await desk.lease()
    assert disk.threads == [threading.main_thread()]
    assert [lease.id for lease in desk.kept().leases] == ["lease_0"]
    desk.treasury.spent("lease_0", 5)
    await desk.treasury.keep_aside()
    assert disk.threads[1] is not threading.main_thread()


async def test_a_write_that_was_overtaken_does_not_undo_the_later_one(desk, disk, monkeypatch):
    desk.treasury.spent("lease_9", 1)
    entered, go_on = threading.Event(), threading.Event()
    keep_purse = State.keep_purse

    def late(state, purse, turn):
        if threading.current_thread() is not threading.main_thread():
            entered.set()
            assert go_on.wait(10)
        keep_purse(state, purse, turn)

    monkeypatch.setattr(State, "keep_purse", late)
    aside = asyncio.create_task(desk.treasury.keep_aside())
    await asyncio.to_thread(entered.wait, 5)
    await desk.lease()
    go_on.set()
    await aside
    assert [lease.id for lease in desk.kept().leases] == ["lease_0"]
    assert disk.threads == [threading.main_thread()]


async def test_what_must_be_kept_now_does_not_rely_on_a_write_under_way(desk, disk):
    """A segment of the spool goes away after `keep`: the purse has to have counted it by then."""
    desk.treasury.spent("lease_9", 1)
    disk.may_write.clear()
    aside = asyncio.create_task(desk.treasury.keep_aside())
    await in_thread(disk)
    threading.Timer(0.2, disk.may_write.set).start()
    desk.treasury.keep()
    assert desk.kept().spent == {"lease_9": 1}
    await aside


async def test_what_is_spent_during_a_write_is_not_in_it_and_comes_with_the_next(desk, disk):
    desk.treasury.spent("lease_9", 1)
    disk.may_write.clear()
    aside = asyncio.create_task(desk.treasury.keep_aside())
    await in_thread(disk)
    desk.treasury.spent("lease_9", 10)
    disk.may_write.set()
    await aside
    assert desk.kept().spent == {"lease_9": 1}
    await desk.treasury.keep_aside()
    assert desk.kept().spent == {"lease_9": 11}


async def test_a_write_that_failed_or_was_cancelled_is_made_up_for(desk, disk):
    desk.treasury.spent("lease_9", 1)
    disk.fails = True
    with pytest.raises(OSError):
        await desk.treasury.keep_aside()
    with pytest.raises(OSError):
        desk.treasury.keep()
    disk.fails = False
    disk.may_write.clear()
    aside = asyncio.create_task(desk.treasury.keep_aside())
    await in_thread(disk)
    aside.cancel()
    disk.may_write.set()
    desk.treasury.keep()
    assert desk.kept().spent == {"lease_9": 1}
