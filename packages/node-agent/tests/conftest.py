"""Real sandboxes on this machine. Where a tool truly cannot run the test is skipped; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_agent_control_plane import FakeControlPlane

from aifactory_agent import recovery, verbs
from aifactory_agent.host import cgroups, mounts, processes
from aifactory_agent.node import Node, open_node
from aifactory_agent.records import SandboxRecord
from aifactory_agent.sandboxes import choose
from aifactory_agent.settings import Settings
from aifactory_protocol import SandboxStart, VolumeMount

MEGABYTE = 1024**2


def cannot(reason: str) -> None:
    """Skip on a developer's machine, fail in CI: a green run there means that it was really tried."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI this must run: {reason}")
    pytest.skip(reason)


def need_driver(name: str) -> None:
    if name == "podman" and shutil.which("podman") is None:
        pytest.skip("podman is optional and not installed")
    with tempfile.TemporaryDirectory() as folder:
        reason = choose.named(name, Path(folder)).why_not()
    if reason is not None:
        cannot(reason)
    if os.geteuid() != 0:
        cannot("these tests need root: users of their own, control groups, mounts")


@pytest.fixture(scope="session")
def workplace():
    """A folder that the slots' users can walk through, and user ids that nobody else here uses."""
    folder = Path(tempfile.mkdtemp(prefix="node-agent-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def settings_in(folder: Path, number: int, driver: str = "bubblewrap") -> Settings:
    base = 600_000 + (os.getpid() % 1_000) * 16_384 + number * 4_096
    return Settings(
        state_dir=folder / f"state{number}",
        sandbox_root=folder / f"sandboxes{number}",
        node_name="test-node",
        driver=driver,
        slots=4,
        uid_base=base if os.geteuid() == 0 else None,
        scratch_bytes=128 * MEGABYTE,
    )


@dataclass
class Tenant:
    """A key of a tenant and what it can do with it."""

    key: asyncssh.SSHKey
    key_file: Path
    public: str = field(init=False)

    def __post_init__(self) -> None:
        self.public = self.key.export_public_key().decode().strip()

    def connect(self, record: SandboxRecord, user: str = "tenant"):
        host = asyncssh.import_public_key(record.host_key)
        return asyncssh.connect(
            "127.0.0.1", record.port, username=user, client_keys=[self.key], known_hosts=([host], [], []), config=None
        )

    async def run(self, record: SandboxRecord, command: str, **options) -> asyncssh.SSHCompletedProcess:
        async with self.connect(record) as connection:
            return await connection.run(command, **options)

    def ssh(self, record: SandboxRecord, *arguments: str, program: str = "ssh", **options):
        pinned = self.key_file.with_name("known_hosts")
        pinned.write_text(f"[127.0.0.1]:{record.port} {record.host_key}\n")
        settings = [f"UserKnownHostsFile={pinned}", "StrictHostKeyChecking=yes", "BatchMode=yes", "LogLevel=ERROR"]
        flags = [part for setting in settings for part in ("-o", setting)]
        port = ["-p" if program == "ssh" else "-P", str(record.port)]
        command = [program, "-F", "none", "-i", str(self.key_file), *port, *flags, *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, **options)


@pytest.fixture(scope="session")
def tenant(workplace) -> Tenant:
    key, file = asyncssh.generate_private_key("ssh-ed25519"), workplace / "tenant_key"
    file.write_bytes(key.export_private_key())
    file.chmod(0o600)
    return Tenant(key, file)


@dataclass
class Landlord:
    """A node and short ways to have sandboxes on it."""

    node: Node
    tenant: Tenant

    def order(self, allocation_id: str, slot_index: int = 0, volumes: dict[str, str] | None = None, **limits):
        wishes = {"vcpus_millis": 500, "memory_bytes": 256 * MEGABYTE, "pids": 128} | limits
        places = [VolumeMount(volume_id, path) for volume_id, path in (volumes or {}).items()]
        return SandboxStart(allocation_id, slot_index, authorized_keys=[self.tenant.public], volumes=places, **wishes)

    def start(self, allocation_id: str, slot_index: int = 0, volumes: dict[str, str] | None = None, **limits):
        verbs.start_sandbox(self.node, self.order(allocation_id, slot_index, volumes, **limits), 1)
        return self.record(allocation_id)

    def record(self, allocation_id: str) -> SandboxRecord:
        record = self.node.records.find(allocation_id)
        assert record is not None
        return record

    def stop(self, allocation_id: str) -> None:
        """Stop it and forget that it was, so that the next test may use its name again."""
        assert verbs.stop(self.node, self.record(allocation_id)).state == "stopped"
        self.node.records.forget(allocation_id)

    def stop_all(self) -> None:
        for record in self.node.records.every():
            if record.state != "stopped":
                verbs.stop(self.node, record)
            self.node.records.forget(record.allocation_id)


@pytest.fixture(scope="session", params=["bubblewrap", "podman"])
def landlord(request, workplace, tenant):
    """A node with this driver, shared by the tests of a run."""
    need_driver(request.param)
    node = open_node(settings_in(workplace, ["bubblewrap", "podman"].index(request.param) + 2, request.param))
    yield Landlord(node, tenant)
    Landlord(node, tenant).stop_all()
    recovery.mend(node)
    for branch in cgroups.find_branches(node.settings.mark):
        branch.rmdir()


@pytest.fixture(scope="session")
def home(landlord):
    """One sandbox that many tests may visit."""
    return landlord.start("alloc_home", slot_index=3)


def leaks(settings: Settings) -> list[str]:
    """Everything a node could have left on the machine: processes, mounts, loop devices, control groups, scratch."""
    block = range(settings.uid_base or 0, (settings.uid_base or 0) + 4_096)
    found = [f"process {pid}" for uid in block[:8] for pid in processes.of_user(uid)]
    found += [f"mount {point}" for point in mounts.under(settings.sandbox_root)]
    devices = processes.run(["losetup", "-n", "-O", "BACK-FILE"])
    found += [f"loop device of {line}" for line in devices.splitlines() if str(settings.state_dir) in line]
    for branch in cgroups.find_branches(settings.mark):
        found += [f"control group {place}" for place in branch.iterdir() if place.is_dir()]
    found += [f"scratch {place}" for place in settings.sandbox_root.iterdir() if not place.name.startswith("door-")]
    found += [f"disk {image}" for image in (settings.state_dir / "scratch").iterdir()]
    return found


@dataclass
class AgentProcess:
    """The real agent as a process of its own, against the fake control plane."""

    settings: Settings
    plane: FakeControlPlane
    process: subprocess.Popen | None = None

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AIF_AGENT_STATE_DIR": str(self.settings.state_dir),
            "AIF_SANDBOX_ROOT": str(self.settings.sandbox_root),
            "AIF_SANDBOX_DRIVER": self.settings.driver,
            "AIF_SLOTS": str(self.settings.slots),
            "AIF_SLOT_UID_BASE": str(self.settings.uid_base),
            "AIF_SCRATCH_MB": "64",
            "AIF_NODE_NAME": "test-node",
            "AIF_TELEMETRY_SECONDS": "1",
            "AIF_AGENT_URL": self.plane.url,
        }

    def call(self, *arguments: str, token: str | None = None) -> subprocess.CompletedProcess:
        environment = self.environment() | ({"AIF_BOOTSTRAP_TOKEN": token} if token else {})
        command = [sys.executable, "-m", "aifactory_agent", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def enrol(self) -> None:
        done = self.call("enrol", token=self.plane.token())
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        log = (self.settings.state_dir.parent / f"{self.settings.state_dir.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aifactory_agent", "run"], env=self.environment(), stdout=log, stderr=log
        )

    def wait_for_log(self, words: str, seconds: float = 30) -> None:
        """Until it has written that, in whatever case."""
        ends = time.monotonic() + seconds
        while words not in self.log().lower():
            assert time.monotonic() < ends, f"the agent never said {words!r}: {self.log()[-2000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(timeout=40)
        self.process = None
        return code

    def log(self) -> str:
        return (self.settings.state_dir.parent / f"{self.settings.state_dir.name}.log").read_text()


@pytest.fixture
def plane():
    fake = FakeControlPlane()
    yield fake
    fake.close()


@pytest.fixture
def agent(request, workplace, plane):
    """An enrolled agent, not yet running, on a state folder of its own; the parameter is its driver."""
    driver = getattr(request, "param", "bubblewrap")
    need_driver(driver)
    number = time.monotonic_ns() % 10**9
    settings = replace(
        settings_in(workplace, 1, driver), state_dir=workplace / f"s{number}", sandbox_root=workplace / f"b{number}"
    )
    made = AgentProcess(settings, plane)
    made.enrol()
    yield made
    if made.process is not None:
        made.kill()
    ended = made.call("stop-all")
    assert ended.returncode == 0, ended.stderr
    for branch in cgroups.find_branches(settings.mark):
        branch.rmdir()
