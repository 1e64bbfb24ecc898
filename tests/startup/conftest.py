"""Installations for tests: one that was never started, one that ran before, and one that runs and is left as it is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from installation import Installation


@pytest.fixture
def empty_installation() -> Iterator[Installation]:
    made = Installation()
    yield made
    made.destroy()


@pytest.fixture(scope="session")
def stopped_installation() -> Iterator[Installation]:
    """Started once and stopped: the first start takes seconds that the tests of later starts need not spend again."""
    made = Installation()
    started = made.up()
    assert started.returncode == 0, started.stderr
    made.command("down")
    yield made
    made.destroy()


@pytest.fixture
def installation(stopped_installation: Installation) -> Iterator[Installation]:
    """A copy with a past: its database, keys and node exist, nothing runs."""
    made = Installation()
    made.port, made.agent_port = stopped_installation.port, stopped_installation.agent_port
    made.app_port = stopped_installation.app_port
    subprocess.run(["cp", "-a", stopped_installation.data_dir, made.data_dir], check=True)
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def running_installation() -> Iterator[Installation]:
    made = Installation()
    started = made.up()
    assert started.returncode == 0, started.stderr
    yield made
    made.destroy()
