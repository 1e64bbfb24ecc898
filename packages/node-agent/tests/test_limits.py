"""A greedy tenant is held to what was sold, and the door stays open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

MEGABYTE = 1024**2
EAT = "python3 -c 'x = bytearray(400 * 1024 * 1024); print(len(x))'"
BURN = (
    "python3 -c 'import time; e = time.monotonic() + 3\nwhile time.monotonic() < e: pass\nprint(time.process_time())'"
)
FORK_BOMB = "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 2; true"


@pytest.fixture
async def small(landlord):
    yield landlord.start("alloc_small", slot_index=0, vcpus_millis=250, memory_bytes=192 * MEGABYTE, pids=48)
    landlord.stop("alloc_small")


async def test_memory_beyond_the_limit_kills_the_eater_and_not_the_door(tenant, small):
    eaten = await tenant.run(small, EAT)
    assert eaten.returncode in (137, -9) and "419430400" not in eaten.stdout
    assert (await tenant.run(small, "echo still here")).stdout == "still here\n"


async def test_memory_files_count_too(tenant, small):
    filled = await tenant.run(small, "head -c 400000000 /dev/zero > /dev/shm/x; ls -s /dev/shm/x")
    assert filled.exit_status != 0 or int(filled.stdout.split()[0]) < 200_000
    assert (await tenant.run(small, "rm -f /dev/shm/x; echo fine")).stdout == "fine\n"


async def test_a_quarter_of_a_cpu_is_a_quarter(tenant, small):
    used = [float(done.stdout) for done in await asyncio.gather(*(tenant.run(small, BURN) for _ in range(2)))]
    assert 0.2 < sum(used) < 3 * 0.25 * 1.8, f"{used} CPU seconds in 3 seconds"


async def test_a_fork_bomb_stays_within_its_pids(tenant, small):
    async with tenant.connect(small) as connection:
        bombing = await connection.create_process(FORK_BOMB)
        await asyncio.sleep(1)
        folder = next(
            folder for folder in small.cgroups if "/pids/" in folder or "/unified" in folder or "cgroup/aif" in folder
        )
        assert int((Path(folder) / "pids.current").read_text()) <= 48
        bombing.kill()
    assert small.pid


async def test_the_sandbox_with_a_fork_bomb_in_it_can_still_be_ended(tenant, landlord):
    record = landlord.start("alloc_bomb", slot_index=1, pids=64)
    async with tenant.connect(record) as connection:
        await connection.create_process(FORK_BOMB)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(landlord.stop, "alloc_bomb")
    assert landlord.node.records.find("alloc_bomb") is None


async def test_scratch_has_a_size(tenant, small):
    filled = await tenant.run(
        small, "head -c 300000000 /dev/zero > ~/big; rm -f ~/big; df --output=size -B1M ~ | tail -1"
    )
    assert "No space left" in filled.stderr
    assert int(filled.stdout) <= 128
