"""A simulated node believes only signed tasks, acts once for each, and its faults do what they say."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aifactory_agent.identity import Enrolment
from aifactory_protocol import SignedTask, Task, TaskResult, sign_task, verify_result
from aifactory_sim.faults import Fault
from aifactory_sim.fleet import machines
from aifactory_sim.node import Node

TASK_KEY = Ed25519PrivateKey.generate()
KEY = ec.generate_private_key(ec.SECP256R1())


class Inbox:
    """Stands where the control plane's answers go in; the real one is in tests/journeys."""

    def __init__(self) -> None:
        self.results: list[TaskResult] = []

    async def post_result(self, result: TaskResult) -> None:
        verify_result(result, KEY.public_key())
        self.results.append(result)


@asynccontextmanager
async def a_node(folder):
    node = Node(machines()[0], folder, "https://127.0.0.1:1")
    node._enrolment = Enrolment("node_1", node.machine.name, "", "")
    node._task_key, node._key = TASK_KEY.public_key(), KEY
    node._control_plane = inbox = Inbox()
    await node._reopen()
    delivering = asyncio.create_task(node._forever(node._deliver))
    yield node, inbox
    delivering.cancel()
    await node._doors.close_all()


def a_task(verb: str, subject: str, generation: int = 1, key=TASK_KEY, node_id="node_1", **args) -> SignedTask:
    now = datetime.now(UTC)
    return sign_task(
        Task(f"task_{verb.replace('.', '-')}-{subject.partition('_')[2]}-{generation}", node_id, verb, subject, generation,
             args, now, now + timedelta(minutes=5)), key,
    )  # fmt: skip


def a_start(key: str, generation: int = 1) -> SignedTask:
    limits = {"vcpus_millis": 1000, "memory_bytes": 10**9, "pids": 64}
    return a_task(
        "sandbox.start", "alloc_1", generation, allocation_id="alloc_1", slot_index=0, authorized_keys=[key], **limits
    )


async def idle(node: Node) -> None:
    while node._in_hand:
        await asyncio.gather(*node._in_hand.values())
        await asyncio.sleep(0)


async def answers(node: Node, inbox: Inbox, count: int) -> list[TaskResult]:
    async with asyncio.timeout(20):
        while len(inbox.results) < count:
            await asyncio.sleep(0.01)
    return inbox.results


async def test_a_task_that_is_not_for_it_or_not_signed_changes_nothing(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        node._take(
            a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30, key=Ed25519PrivateKey.generate())
        )
        node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30, node_id="node_2"))
        await idle(node)
        assert node.memory.volumes == {}
        assert [(result.status, result.code) for result in inbox.results] == [("refused", "wrong_node")]


async def test_the_same_task_again_is_answered_again_and_not_done_again(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        for _ in range(2):
            node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30))
            await idle(node)
            node.memory.volumes["vol_1"] = 7  # would be set anew if it were done again
        first, second = await answers(node, inbox, 2)
        assert first == second and node.memory.volumes == {"vol_1": 7}


async def test_a_door_opens_to_the_tenants_key_alone_and_is_there_again_after_a_restart(tmp_path):
    mine, other = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    async with a_node(tmp_path) as (node, inbox):
        node._take(a_start(mine.export_public_key().decode()))
        (started,) = await answers(node, inbox, 1)
        ssh = started.output["ssh"]

    async def run(key, command):
        options = {"username": "tenant", "client_keys": [key], "config": None}
        known = ([asyncssh.import_public_key(ssh["host_key"])], [], [])
        async with asyncssh.connect(ssh["host"], ssh["port"], known_hosts=known, **options) as connection:
            return await connection.run(command)

    async with a_node(tmp_path) as (node, _):
        done = await run(mine, "nvidia-smi")
        assert done.exit_status == 127 and "simulated" in done.stderr
        with pytest.raises(asyncssh.PermissionDenied):
            await run(other, "true")
        await node.set_fault(Fault.REBOOT, None)
        with pytest.raises(OSError):
            await run(mine, "true")
        assert [box.running for box in node.memory.sandboxes.values()] == [False]


async def test_an_app_is_refused_with_what_to_do_and_its_stop_is_believed_so_that_no_instance_hangs(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        app = {"instance_id": "inst_1", "allocation_id": "alloc_1"}
        node._take(a_task("app.start", "inst_1", **app, command=["true"], access_key="ssh-ed25519 AAAA"))
        await idle(node)
        node._take(a_task("app.stop", "inst_1", generation=2, **app))
        await idle(node)
        started, stopped = await answers(node, inbox, 2)
        assert (started.status, started.code) == ("failed", "app_not_installed")
        assert "real one" in started.detail
        assert (stopped.status, stopped.output) == ("done", {"state": "absent"})


async def test_a_lost_reply_arrives_when_the_fault_is_over(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        await node.set_fault(Fault.LOST_REPLY, None)
        node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30))
        await idle(node)
        await asyncio.sleep(0.05)
        assert node.memory.volumes and not inbox.results
        node.clear_fault(Fault.LOST_REPLY)
        assert (await answers(node, inbox, 1))[0].status == "done"


async def test_a_slow_machine_goes_on_as_soon_as_it_is_slow_no_more(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        await node.set_fault(Fault.SLOW, 3600)
        node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30))
        assert node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30)) is False, (
            "it is in hand"
        )
        await asyncio.sleep(0.05)
        assert not inbox.results and not node.memory.volumes
        node.clear_fault(Fault.SLOW)
        assert (await answers(node, inbox, 1))[0].status == "done"


async def test_a_dead_disk_fails_what_needs_it_and_gives_bad_evidence(tmp_path):
    async with a_node(tmp_path) as (node, inbox):
        await node.set_fault(Fault.DEAD_DISK, None)
        node._take(a_task("volume.create", "vol_1", volume_id="vol_1", size_bytes=2**30))
        node._take(a_task("slot.sanitize", "slot_1", slot_index=0, allocation_id="alloc_0"))
        volume, cleaning = await answers(node, inbox, 2)
        assert (volume.status, volume.code) == ("failed", "system_error")
        assert [step.step for step in cleaning.evidence if not step.ok] == ["scratch_removed"]
        assert cleaning.status == "failed"
