"""A simulated node's shell says what it is and pretends nothing."""

import pytest

from aifactory_sim import shell
from aifactory_sim.fleet import machines

MACHINE = machines()[0]


@pytest.mark.parametrize("line", ["nvidia-smi", "rocm-smi", "hl-smi -L", "ls /", "python3 -c 'print(1)'", "sh -c true"])
def test_a_program_is_not_found_and_the_reason_is_given(line):
    out, err, status = shell.answer(MACHINE, line)
    assert (out, status) == ("", 127)
    assert "simulated node" in err


@pytest.mark.parametrize("line", ["help", "inventory"])
def test_what_it_tells_about_itself_says_simulated(line):
    out, _, status = shell.answer(MACHINE, line)
    assert status == 0 and "simulated" in out.lower() and MACHINE.name in out


@pytest.mark.parametrize(("line", "status"), [("true", 0), ("false", 1), ("", 0), ("echo 'half", 2)])
def test_exit_statuses_are_a_shells(line, status):
    assert shell.answer(MACHINE, line)[2] == status
