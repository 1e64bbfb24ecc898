"""A worker that sleeps past its lease wakes up in the middle of its step: what it then writes must count for nothing.

Two real workers stand at the same moment of the same step, the first with a lease that has run out. Without the fence
check in the kernel's `_LOCK` (flow_runner.py) the sleeper's step is recorded, and this test fails.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, until
from tenant import Tenant

POINT = "provisioning.allocation:verifying:after_effect"


@pytest.fixture
def house() -> Iterator[House]:
    made = House(slots=2)
    file = made.data_dir / "crash" / "point"
    file.parent.mkdir()
    for path in (file, Path(f"{file}.hits")):
        path.touch()
        path.chmod(0o666)
    file.parent.chmod(0o777)
    made.environment = {"AIF_CRASH_FILE": str(file)}
    try:
        yield made.up()
    finally:
        file.write_text("")
        for pid in paused(made):
            let_go(pid)
        made.stop()


def paused(house: House) -> list[int]:
    lines = (house.data_dir / "crash" / "point.hits").read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("paused ")]


def let_go(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


@pytest.mark.timeout(150)
def test_a_worker_that_slept_past_its_lease_changes_nothing(house: House) -> None:
    tenant = Tenant.of(house, "demo@example.com")
    house.one_more("worker")
    (house.data_dir / "crash" / "point").write_text(f"pause {POINT}")
    allocation_id = tenant.launch("sleeper")
    assert allocation_id, tenant.refusals
    (sleeper,) = until(lambda: paused(house), 60, "no worker came to the point")
    with house.owner_db() as database:
        database.execute(
            "update kernel.flows set lease_expires_at = kernel.now() - interval '1 second' where subject_id = %s",
            (allocation_id,),
        )
    heir = until(lambda: [pid for pid in paused(house) if pid != sleeper], 60, "the other worker did not take over")[0]
    with house.owner_db() as database:  # however long this takes, the heir's own lease does not run out
        database.execute(
            "update kernel.flows set lease_expires_at = kernel.now() + interval '1 hour' where subject_id = %s",
            (allocation_id,),
        )
        heirs = database.execute("select fence from kernel.flows where subject_id = %s", (allocation_id,)).fetchone()[0]
    (house.data_dir / "crash" / "point").write_text("")
    let_go(sleeper)
    until(lambda: "taken over by another worker" in house.log("worker"), 60, "the sleeper did not notice")
    let_go(heir)
    until(lambda: tenant.allocations()[allocation_id]["state"] == "active", 30, "not active")
    with house.owner_db() as database:
        moves = database.execute(
            "select who, fence from kernel.flow_transitions where subject_id = %s and to_state = 'active'",
            (allocation_id,),
        ).fetchall()
        newest = database.execute("select fence from kernel.flows where subject_id = %s", (allocation_id,)).fetchone()
    ((who, fence),) = moves
    # An heir that stood too long loses its step to whoever claims the flow next, under a higher fence.
    assert who == f"worker-{heir}" or fence > heirs, "the step of the worker without a lease was recorded"
    assert newest is not None and fence <= newest[0]
