"""The node as the agent works on it: settings, what this machine can do, and the durable memory, opened once."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from aifactory_agent import door_runtime, volumes
from aifactory_agent.generations import Generations
from aifactory_agent.host import cgroups, processes, users
from aifactory_agent.networks import router
from aifactory_agent.networks.networks import Networks
from aifactory_agent.records import Records
from aifactory_agent.results import Results
from aifactory_agent.sandboxes import choose
from aifactory_agent.sandboxes.ports import Capabilities, DoorRuntime, SandboxDriver
from aifactory_agent.settings import Settings
from aifactory_outpost import durable


class AlreadyRunning(Exception):
    """Another agent works on this state folder."""


@dataclass
class Node:
    """Everything the tasks' effects need. One per process, guarded by a lock on the state folder."""

    settings: Settings
    lock: IO[str]
    driver: SandboxDriver
    capabilities: Capabilities
    cgroups: cgroups.Cgroups
    volumes: volumes.Volumes
    records: Records
    generations: Generations
    results: Results
    uid_base: int
    boot_id: str
    runtime: DoorRuntime
    networks: Networks | None
    no_networks: str

    def sandbox_folder(self, allocation_id: str) -> Path:
        """Where the sandbox's scratch and volumes appear on the host."""
        return self.settings.sandbox_root / allocation_id

    def scratch_image(self, allocation_id: str) -> Path:
        """The sandbox's own disk, when scratch is limited."""
        return self.settings.state_dir / "scratch" / f"{allocation_id}.img"

    def uid_of_slot(self, slot_index: int) -> int:
        """The slot's Linux user."""
        return users.uid_of_slot(self.uid_base, slot_index)

    def now(self) -> datetime:
        """The machine's clock; what is billed never depends on it."""
        return datetime.now(UTC)


def open_node(settings: Settings) -> Node:
    """Take the state folder and find out what this machine can do. Raises AlreadyRunning, NoDriver."""
    state = durable.private_folder(settings.state_dir)
    lock = hold_lock(state)
    durable.private_folder(state / "scratch")
    durable.private_folder(settings.sandbox_root, 0o711)
    driver = choose.driver(settings.driver, state)
    groups = cgroups.open_branch(settings.mark, at_top=driver.name == "podman")
    store = volumes.volumes_in(settings.volumes_dir)
    as_root = os.geteuid() == 0
    no_networks = driver.shares_network or router.why_not() or ""
    return Node(
        settings=settings,
        lock=lock,
        driver=driver,
        capabilities=Capabilities(
            groups.works, store.capability.enforces_size, separate_users=as_root, networks=not no_networks
        ),
        cgroups=groups,
        volumes=store,
        records=Records(state / "sandboxes"),
        generations=Generations(state / "generations"),
        results=Results(state / "results"),
        uid_base=users.uid_base(settings),
        boot_id=processes.boot_id(),
        runtime=door_runtime.prepare(settings.sandbox_root),
        networks=None if no_networks else Networks(state / "networks", router.Router(settings.mark)),
        no_networks=no_networks,
    )


def hold_lock(state: Path) -> IO[str]:
    """The state folder's lock, held until this process ends. Raises AlreadyRunning."""
    lock = (state / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyRunning(f"an agent already works on {state}") from error
    return lock
