"""The agent is killed at random moments while it starts and stops sandboxes; the next start must mend everything."""

from __future__ import annotations

import os
import random
import time

import pytest
from test_agent_run import records_of, start_args

from conftest import leaks

ROUNDS = int(os.environ.get("AIF_CRASH_ROUNDS", "3"))
MEGABYTE = 1024**2


def crash_rounds(agent, plane, tenant, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    agent.start()
    plane.ask("volume.create", "vol_crash", volume_id="vol_crash", size_bytes=32 * MEGABYTE)
    for number in range(rounds):
        name = f"alloc_crash{number}"
        for generation, verb, args in (
            (1, "sandbox.start", start_args(agent, tenant, name, volumes=["vol_crash"])),
            (2, "sandbox.stop", {"allocation_id": name}),
        ):
            task = plane.task(verb, name, generation, **args)
            plane.offer(task)
            for _ in range(2):
                time.sleep(chance.uniform(0.0, 0.5))
                agent.kill()
                agent.start()
            result = plane.result(task.id)
            assert result.status == "done", result
            if verb == "sandbox.start":
                assert (
                    tenant.ssh(
                        records_of(agent).find(name), "tenant@127.0.0.1", f"echo {number} >> /volumes/vol_crash/log"
                    ).returncode
                    == 0
                )
        assert leaks(agent.settings) == []
        sanitized = plane.ask("slot.sanitize", "slot_0", number, slot_index=0, allocation_id=name)
        assert sanitized.status == "done", sanitized
    last = plane.ask("sandbox.start", "alloc_last", **start_args(agent, tenant, "alloc_last", volumes=["vol_crash"]))
    assert last.status == "done"
    seen = tenant.ssh(records_of(agent).find("alloc_last"), "tenant@127.0.0.1", "cat /volumes/vol_crash/log")
    assert seen.stdout.split() == [str(number).encode() for number in range(rounds)]
    plane.ask("sandbox.stop", "alloc_last", 2, allocation_id="alloc_last")
    assert leaks(agent.settings) == []


@pytest.mark.parametrize("agent", ["bubblewrap", "podman"], indirect=True)
def test_killed_at_random_moments_nothing_leaks_and_no_data_is_lost(agent, plane, tenant):
    crash_rounds(agent, plane, tenant, ROUNDS, seed=int(time.time()) % 1_000)


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_killed_many_more_times(agent, plane, tenant):
    crash_rounds(agent, plane, tenant, 40, seed=7)


def test_after_a_kill_during_a_start_without_a_control_plane_the_next_start_undoes_it(agent, plane, tenant):
    agent.start()
    plane.wait_for(lambda: plane.polls)
    plane.offer(plane.task("sandbox.start", "alloc_half", lasts=2, **start_args(agent, tenant, "alloc_half")))
    deadline = time.monotonic() + 5
    while records_of(agent).find("alloc_half") is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.08)
    agent.kill()
    time.sleep(2)
    assert records_of(agent).find("alloc_half").state == "starting"
    assert agent.call("stop-all").returncode == 0
    assert records_of(agent).find("alloc_half") is None
    assert leaks(agent.settings) == []


def test_what_no_record_knows_is_removed(agent, plane, tenant):
    agent.start()
    plane.ask("sandbox.start", "alloc_ghost", **start_args(agent, tenant, "alloc_ghost"))
    agent.kill()
    assert leaks(agent.settings) != []
    (agent.settings.state_dir / "sandboxes" / "alloc_ghost.json").unlink()
    assert agent.call("stop-all").returncode == 0
    assert leaks(agent.settings) == []
