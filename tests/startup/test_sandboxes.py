"""A tenant's sandbox outlives its agent, but neither an orderly stop nor the death of the supervisor."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installation import Installation, eventually

pytestmark = [pytest.mark.xdist_group("startup"), pytest.mark.timeout(300)]
AIF = Path(sys.executable).parent / "aif"


@pytest.fixture
def with_a_sandbox(installation: Installation) -> Installation:
    started = installation.up()
    assert started.returncode == 0, started.stderr
    key = installation.top / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    _aif(installation, "login", "--host", f"http://127.0.0.1:{installation.port}", "--as", "demo@example.com")
    launch = ("--sku", "local.cpu.1", "--name", "one", "--ssh-key", f"{key}.pub", "--wait", "--timeout", "200")
    _aif(installation, "allocations", "create", *launch)
    assert _tenants_processes(installation)
    return installation


def _aif(installation: Installation, *words: str) -> None:
    environment = {**os.environ, "HOME": str(installation.top)}
    done = subprocess.run([AIF, *words], env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr


def _tenants_processes(installation: Installation) -> list[str]:
    """Whatever runs as the Linux user of one of this node's slots, or with the data directory in its command line."""
    base = int((installation.data_dir / "agent/uid_base").read_text())
    users = range(base, base + 2)
    return [line for line in installation.processes() if "alloc_" in line] + [
        pid.name for pid in Path("/proc").glob("[0-9]*") if _user(pid) in users
    ]


def _user(process: Path) -> int | None:
    try:
        return process.stat().st_uid if (process / "cmdline").read_bytes() else None
    except OSError:
        return None


@pytest.mark.skipif(os.geteuid() != 0, reason="without root a slot has no user of its own to look for")
def test_down_ends_the_sandboxes_too(with_a_sandbox: Installation) -> None:
    assert with_a_sandbox.command("down").returncode == 0
    assert _tenants_processes(with_a_sandbox) == []
    assert with_a_sandbox.processes() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="without root a slot has no user of its own to look for")
def test_a_killed_supervisor_takes_the_sandboxes_along_but_a_killed_agent_does_not(
    with_a_sandbox: Installation,
) -> None:
    before = with_a_sandbox.pid("agent")
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: with_a_sandbox.pid("agent") not in (before, None))
    assert _tenants_processes(with_a_sandbox)
    os.kill(with_a_sandbox.facts["pid"], signal.SIGKILL)
    assert eventually(lambda: not _tenants_processes(with_a_sandbox) and not with_a_sandbox.processes())
