"""The inventory of the real machine."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from pathlib import Path

from aifactory_agent import sandbox, slots
from aifactory_agent.host import processes
from aifactory_agent.node import Node
from aifactory_protocol.inventory import Gpu, Inventory

GPU_QUERY = ["nvidia-smi", "--query-gpu=name,uuid,memory.total", "--format=csv,noheader,nounits"]


def inventory(node: Node) -> Inventory:
    """What the node is, as it is now."""
    return Inventory(
        hostname=socket.gethostname()[:128],
        os=_os_name(),
        kernel=platform.release()[:128],
        cpus=os.cpu_count() or 1,
        memory_bytes=slots.memory_bytes(),
        disk_bytes=shutil.disk_usage(node.settings.sandbox_root).total,
        gpus=gpus(),
        slots=slots.offered(node.settings),
        isolation=sandbox.label(node),
        volume_driver=node.volumes.capability,
        ssh_host=node.settings.ssh_host,
    )


def gpus() -> list[Gpu]:
    """GPUs by their vendor's tool, where it is installed and answers; none otherwise."""
    if shutil.which(GPU_QUERY[0]) is None:
        return []
    try:
        said = processes.run(GPU_QUERY, timeout_seconds=20)
    except processes.CommandFailed:
        return []
    return [gpu for gpu in (parse_gpu(line) for line in said.splitlines()) if gpu is not None]


def parse_gpu(line: str) -> Gpu | None:
    """One line of `nvidia-smi`: model, uuid, memory in MiB; None when it is something else."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    return Gpu("nvidia", parts[0][:128], parts[1][:128], int(parts[2]) * 1024**2)


def _os_name() -> str:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return platform.system()
    named = (line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME="))
    return next(named, platform.system())[:128]
