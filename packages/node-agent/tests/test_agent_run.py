"""The real agent process against a fake control plane: enrolment, work, replays, renewal, being killed."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory_agent.identity import NodeIdentity
from aifactory_outpost.identity import NotTrusted
from aifactory_protocol import Inventory, sign_task
from aifactory_sim.authority import Authority, pem_of_key
from conftest import leaks

MEGABYTE = 1024**2


def start_args(agent, tenant, allocation_id, slot_index=0, volumes=()):
    return {
        "allocation_id": allocation_id,
        "slot_index": slot_index,
        "vcpus_millis": 500,
        "memory_bytes": 256 * MEGABYTE,
        "pids": 128,
        "authorized_keys": [tenant.public],
        "volumes": [{"volume_id": volume, "mount_path": f"/volumes/{volume}"} for volume in volumes],
    }


def records_of(agent):
    from aifactory_agent.records import Records

    return Records(agent.settings.state_dir / "sandboxes")


async def test_from_enrolment_to_ssh_to_a_clean_slot(agent, plane, tenant):
    agent.start()
    plane.wait_for(lambda: plane.polls)
    assert plane.ask("volume.create", "vol_a", volume_id="vol_a", size_bytes=32 * MEGABYTE).status == "done"
    started = plane.ask("sandbox.start", "alloc_a", **start_args(agent, tenant, "alloc_a", volumes=["vol_a"]))
    assert started.status == "done", started
    assert started.output["ssh"]["user"] == "tenant"
    assert started.output["isolation"]["driver"] == "bubblewrap"
    record = records_of(agent).find("alloc_a")
    assert started.output["ssh"]["port"] == record.port
    assert (await tenant.run(record, "echo in > /volumes/vol_a/f; hostname")).stdout == "alloc-a\n"
    plane.wait_for(lambda: any(box.running for box in plane.polls[-1].sandboxes))
    assert plane.ask("sandbox.stop", "alloc_a", 2, allocation_id="alloc_a").output == {"was_running": True}
    sanitized = plane.ask("slot.sanitize", "slot_0", slot_index=0, allocation_id="alloc_a")
    assert sanitized.status == "done", sanitized
    assert len(sanitized.evidence) == 6 and all(step.ok and step.detail for step in sanitized.evidence)
    assert plane.ask("volume.delete", "vol_a", 2, volume_id="vol_a").status == "done"
    assert leaks(agent.settings) == []
    plane.wait_for(lambda: plane.inventories)
    assert isinstance(plane.inventories[0], Inventory) and len(plane.inventories[0].slots) == 4
    assert agent.stop() == 0


def test_the_private_key_stays_on_the_node_and_is_closed(agent):
    key_file = agent.settings.state_dir / "key.pem"
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert agent.settings.state_dir.stat().st_mode & 0o777 == 0o700


def test_a_second_enrolment_changes_nothing_and_a_second_agent_does_not_start(agent, plane):
    before = (agent.settings.state_dir / "cert.pem").read_text()
    assert "already enrolled" in agent.call("enrol", token=plane.token()).stdout
    assert (agent.settings.state_dir / "cert.pem").read_text() == before
    agent.start()
    plane.wait_for(lambda: plane.polls)
    assert agent.call("run").returncode == 4
    assert '"agent_running": true' in agent.call("status", "--json").stdout
    agent.stop()


def test_a_lost_acknowledgement_and_a_repeated_task_have_one_effect_and_the_same_answer(agent, plane, tenant):
    plane.lose_acknowledgements = 2
    task = plane.task("sandbox.start", "alloc_b", **start_args(agent, tenant, "alloc_b"))
    agent.start()
    plane.offer(task)
    first = plane.result(task.id)
    plane.wait_for(lambda: task.id not in plane.offered)
    pid = records_of(agent).find("alloc_b").pid
    agent.stop()
    agent.start()
    plane.results.clear()
    plane.offer(task)
    assert plane.result(task.id) == first
    assert records_of(agent).find("alloc_b").pid == pid
    assert plane.ask("sandbox.stop", "alloc_b", 2, allocation_id="alloc_b").status == "done"


async def test_a_sandbox_outlives_the_agent_and_is_adopted(agent, plane, tenant):
    agent.start()
    plane.ask("sandbox.start", "alloc_c", **start_args(agent, tenant, "alloc_c"))
    record = records_of(agent).find("alloc_c")
    async with tenant.connect(record) as connection:
        agent.kill()
        assert (await connection.run("echo unharmed")).stdout == "unharmed\n"
        agent.start()
        seen = len(plane.polls)
        plane.wait_for(lambda: len(plane.polls) > seen and any(box.running for box in plane.polls[-1].sandboxes))
        assert (await connection.run("echo unharmed")).stdout == "unharmed\n"
    assert records_of(agent).find("alloc_c").pid == record.pid
    assert plane.ask("sandbox.stop", "alloc_c", 2, allocation_id="alloc_c").status == "done"
    assert leaks(agent.settings) == []


def test_a_sandbox_that_dies_is_reported_and_cleaned_and_not_restarted(agent, plane, tenant):
    agent.start()
    plane.ask("sandbox.start", "alloc_d", **start_args(agent, tenant, "alloc_d"))
    plane.wait_for(lambda: plane.polls[-1].sandboxes and plane.polls[-1].sandboxes[0].running)
    os.kill(records_of(agent).find("alloc_d").pid, 9)
    plane.wait_for(lambda: plane.polls[-1].sandboxes and not plane.polls[-1].sandboxes[0].running)
    again = plane.ask("sandbox.start", "alloc_d", **start_args(agent, tenant, "alloc_d"))
    assert (again.status, again.code) == ("failed", "sandbox_exited")
    assert plane.ask("sandbox.stop", "alloc_d", 2, allocation_id="alloc_d").output == {"was_running": False}
    assert leaks(agent.settings) == []


def test_the_certificate_is_renewed_before_it_ends(agent, plane):
    plane.certificate_seconds = 4
    assert agent.call("enrol", "--force", token=plane.token()).returncode == 0
    agent.start()
    plane.wait_for(lambda: plane.renewals == 1)
    time.sleep(2)
    polls = len(plane.polls)
    plane.wait_for(lambda: len(plane.polls) > polls)
    assert plane.ask("volume.delete", "vol_none", volume_id="vol_none").status == "done"
    assert set(plane.peers) == {plane.node_id}


def test_an_expired_certificate_is_noticed_before_any_connection(agent, plane):
    plane.certificate_seconds = -0.5
    identity = NodeIdentity(agent.settings.state_dir)
    expired = plane.authority.issue(identity.key().public_key(), plane.node_id, seconds=-1, ago=60)
    identity.certificate_file.write_text(expired)
    done = agent.call("run")
    assert done.returncode == 3 and "enrol again" in done.stderr
    assert not plane.polls
    assert '"certificate": "expired"' in agent.call("status", "--json").stdout


def test_a_control_plane_of_another_ca_gets_nothing(agent, plane, workplace):
    fresh = replace(
        agent.settings, state_dir=agent.settings.state_dir.with_name("fresh"), sandbox_root=workplace / "freshbox"
    )
    newcomer = replace(agent, settings=fresh)
    other = Authority("another CA")
    done = newcomer.call("enrol", token=plane.token(other.fingerprint))
    assert done.returncode == 1 and "the token expects" in done.stderr
    assert plane.bootstraps == 1
    agent.settings.state_dir.joinpath("ca.pem").write_text(other.pem)
    agent.start()
    agent.wait_for_log("certificate verify failed")
    agent.stop()
    assert not plane.polls
    newcomer.call("stop-all")


def test_the_certificate_of_another_node_is_turned_away(agent, plane):
    identity = NodeIdentity(agent.settings.state_dir)
    other = plane.authority.issue(identity.key().public_key(), "node_other", seconds=600)
    identity.certificate_file.write_text(other)
    agent.start()
    plane.wait_for(lambda: "node_other" in plane.peers)
    agent.wait_for_log("403")
    agent.stop()
    assert not plane.polls


def test_a_certificate_for_another_key_is_not_taken(agent, plane):
    identity = NodeIdentity(agent.settings.state_dir)
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert pem_of_key(stranger)
    with pytest.raises(NotTrusted):
        identity.keep_certificate(plane.authority.issue(stranger.public_key(), "node_x", 60), plane.authority.pem)
    forged = Authority().issue(identity.key().public_key(), plane.node_id, 60)
    with pytest.raises(NotTrusted):
        identity.keep_certificate(forged, plane.authority.pem)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("bad_signature", "flipped byte"),
        ("wrong_node", {"node_id": "node_other"}),
        ("expired", "expired"),
        ("stale_generation", {"generation": 1}),
        ("unknown_verb", {"verb": "shell.run"}),
        ("bad_arguments", {"args": {"allocation_id": "alloc_e", "command": "id"}}),
    ],
)
def test_a_task_that_breaks_a_rule_has_no_effect_and_its_refusal_is_reported(agent, plane, tenant, code, change):
    agent.start()
    plane.ask("sandbox.start", "alloc_e", 5, **start_args(agent, tenant, "alloc_e"))
    before = snapshot(agent)
    task = plane.task("sandbox.stop", "alloc_e", 6, lasts=-0.5 if change == "expired" else 300, allocation_id="alloc_e")
    if isinstance(change, dict):
        task = msgspec.structs.replace(task, **change)
    signed = sign_task(task, plane.task_key)
    if change == "flipped byte":
        payload = bytearray(signed.payload.encode())
        payload[60] ^= 1
        signed = replace_payload(signed, payload.decode())
    plane.offer(task, signed)
    if change == "flipped byte":
        agent.wait_for_log(code)
    else:
        refused = plane.result(task.id)
        assert (refused.status, refused.code) == ("refused", code), refused
    assert snapshot(agent) == before
    assert code in agent.log()
    plane.offered.clear()
    assert plane.ask("sandbox.stop", "alloc_e", 7, allocation_id="alloc_e").status == "done"


def replace_payload(signed, payload):
    return msgspec.structs.replace(signed, payload=payload)


def snapshot(agent):
    """Everything durable of the agent, and who lives in the sandbox."""
    state = agent.settings.state_dir
    files = {
        str(file.relative_to(state)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in state.rglob("*")
        if file.is_file() and file.suffix != ".img" and file.parent.name != "results"
    }
    results = len(list((state / "results").glob("*.json")))
    return files, results, sorted((record.pid, record.state) for record in records_of(agent).every())
