"""The development driver, and an agent without root: less isolation, the same life, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time

import asyncssh
import pytest

from aifactory_agent import sandbox, verbs
from aifactory_agent.host import cgroups
from aifactory_agent.node import open_node
from aifactory_protocol import AppStart, AppStop, SlotSanitize, VolumeCreate
from conftest import Landlord, cannot, leaks, settings_in

MEGABYTE = 1024**2
LIFE_WITHOUT_ROOT = """
import json, sys
from aifactory_agent import sandbox, verbs
from aifactory_agent.node import open_node
from aifactory_agent.settings import from_environment
from aifactory_protocol import SandboxStart, SlotSanitize, VolumeCreate, VolumeMount
node = open_node(from_environment({"AIF_DATA_DIR": sys.argv[1], "AIF_SANDBOX_DRIVER": sys.argv[2]}))
verbs.carry_out(node, VolumeCreate("vol_1", 1 << 20), 1)
order = SandboxStart("alloc_1", 0, 100, 1 << 28, 64, ["ssh-ed25519 AAAA"], [VolumeMount("vol_1", "/volumes/one")])
verbs.carry_out(node, order, 1)
record = node.records.find("alloc_1")
alive = sandbox.is_running(node, record), len(sandbox.members(node, record))
done = verbs.carry_out(node, SlotSanitize(0, "alloc_1"), 1)
label = sandbox.label(node)
print(json.dumps([alive, [step.ok for step in done.evidence], label.limits, node.volumes.capability.enforces_size]))
"""


@pytest.fixture
def developer(workplace, tenant):
    if os.geteuid() != 0:
        cannot("needs root for a slot user of its own")
    settings = settings_in(workplace, 1, "process")
    node = open_node(settings)
    yield Landlord(node, tenant)
    Landlord(node, tenant).stop_all()
    assert leaks(settings) == []
    node.lock.close()
    for branch in cgroups.find_branches(settings.mark):
        branch.rmdir()


async def test_a_plain_process_is_a_user_of_its_own_with_limits_and_its_volume_below_home(developer, tenant):
    verbs.carry_out(developer.node, VolumeCreate("vol_dev", 32 * MEGABYTE), 1)
    record = developer.start("alloc_dev", 0, {"vol_dev": "/volumes/dev"})
    done = await tenant.run(record, "id -u; echo kept > ~/volumes/dev/file; (sleep 300 >/dev/null 2>&1 &); exit 5")
    assert (done.stdout, done.exit_status) == (f"{record.uid}\n", 5)
    assert "cpu" in sandbox.label(developer.node).limits[0]
    orphans = await tenant.run(record, "ps -o stat= -u $(id -u) | grep -c ^Z")
    assert orphans.stdout.strip() == "0"
    done = verbs.carry_out(developer.node, SlotSanitize(0, "alloc_dev"), 1)
    assert all(step.ok for step in done.evidence)


def test_a_dead_sandbox_that_nobody_noticed_yet_is_not_started_again_under_its_generation(developer):
    record = developer.start("alloc_dead")
    os.kill(record.pid, 9)
    for _ in range(200):
        if not sandbox.is_running(developer.node, record):
            break
        time.sleep(0.05)
    with pytest.raises(verbs.Failed) as failed:
        verbs.carry_out(developer.node, developer.order("alloc_dead"), 1)
    assert failed.value.code == "sandbox_exited"
    verbs.carry_out(developer.node, developer.order("alloc_dead"), 2)
    assert sandbox.is_running(developer.node, developer.record("alloc_dead"))


@pytest.mark.parametrize("driver", ["bubblewrap", "process"])
def test_without_root_it_works_with_less_and_says_so(workplace, driver):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        cannot("needs root to become somebody else")
    data = workplace / f"rootless-{driver}"
    data.mkdir()
    os.chown(data, 65534, 65534)
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*drop, sys.executable, "-c", LIFE_WITHOUT_ROOT, str(data), driver]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
    if "bwrap does not work here" in done.stderr:
        cannot(done.stderr)
    assert done.returncode == 0, done.stderr
    alive, clean, limits, enforces_size = json.loads(done.stdout)
    assert alive[0] is True and alive[1] >= 1
    assert all(clean) and limits == [] and enforces_size is False


async def test_apps_run_in_a_plain_process_too(developer):
    key = asyncssh.generate_private_key("ssh-ed25519")
    record = developer.start("alloc_dev")
    serve = "import socket,sys\ns=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print(1, flush=True)\nwhile 1: s.accept()"
    command = ["/usr/bin/python3", "-c", serve, "\ue000socket\ue001"]
    app = AppStart("inst_dev", "alloc_dev", command, key.export_public_key().decode(), web=True)
    await asyncio.to_thread(verbs.carry_out, developer.node, app, 1)
    host = asyncssh.import_public_key(record.host_key)
    async with asyncssh.connect(
        "127.0.0.1", record.port, username="app", client_keys=[key], known_hosts=([host], [], []), config=None
    ) as connection:  # fmt: skip
        while not (status := json.loads((await connection.run("look 999")).stdout.splitlines()[0])).get("listens"):
            assert status["state"] == "running", status
            await asyncio.sleep(0.05)
    told = await asyncio.to_thread(verbs.carry_out, developer.node, AppStop("inst_dev", "alloc_dev"), 2)
    assert (told.output["state"], told.output["stopped"], told.output["tail"]) == ("exited", True, "1\n")
