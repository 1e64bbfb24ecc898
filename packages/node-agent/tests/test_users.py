"""The users of slots are nobody else's on this machine: the agent kills whatever runs as them when it starts."""

from __future__ import annotations

import pytest

from aifactory_agent.host import users
from aifactory_agent.settings import SLOT_UIDS

BLOCKS = [users.FIRST_UID + number * SLOT_UIDS for number in range(4)]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A registry of its own, and no process and no delegation but what a test says."""
    monkeypatch.setattr(users, "REGISTRY", tmp_path / "registry")
    monkeypatch.setattr(users, "SUBUID", tmp_path / "subuid")
    monkeypatch.setattr(users, "_in_use", lambda base: False)
    return tmp_path


def claim(machine, name: str) -> int:
    owner = machine / name
    owner.mkdir(exist_ok=True)
    return users._claim_block(owner)


def test_each_agent_of_a_machine_has_a_block_of_its_own_and_keeps_it(machine):
    assert [claim(machine, name) for name in ("one", "two", "one")] == [BLOCKS[0], BLOCKS[1], BLOCKS[0]]


def test_a_block_in_which_somebodys_processes_run_is_left_alone(machine, monkeypatch):
    monkeypatch.setattr(users, "_in_use", lambda base: base == BLOCKS[0])
    assert claim(machine, "one") == BLOCKS[1]


def test_users_that_were_delegated_to_somebody_are_left_alone(machine):
    (machine / "subuid").write_text(f"ada:100000:65536\nbob:{BLOCKS[1] + 10}:100\n# no line\nbroken:x:y\n")
    assert [claim(machine, name) for name in ("one", "two")] == [BLOCKS[0], BLOCKS[2]]
    (machine / "subuid").write_text("bob:165536:65536\n")
    assert claim(machine, "three") >= 165536 + 65536
