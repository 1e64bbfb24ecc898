"""The words of a simulated node's shell. It knows a few, says what it is, and pretends nothing."""

from __future__ import annotations

import shlex

from aifactory_sim.fleet import Machine

NOT_FOUND = 127
HELP = "It knows: help, inventory, hostname, whoami, echo, true, false, exit."


def banner(machine: Machine) -> str:
    """What everybody sees who comes in."""
    return (
        f"This is {machine.name}, a SIMULATED node ({machine.hardware}).\n"
        f"Nothing runs here: no operating system, no accelerator, no disk. {HELP}\n"
    )


def answer(machine: Machine, line: str) -> tuple[str, str, int]:
    """(stdout, stderr, exit status) of one command line."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        return "", f"simulated shell: {error}\n", 2
    if not words:
        return "", "", 0
    name, arguments = words[0], words[1:]
    fixed = {
        "help": banner(machine),
        "inventory": _inventory(machine),
        "hostname": f"{machine.name}\n",
        "whoami": "tenant\n",
        "echo": " ".join(arguments) + "\n",
        "true": "",
        ":": "",
    }
    if name in fixed:
        return fixed[name], "", 0
    if name == "false":
        return "", "", 1
    return (
        "",
        f"{name[:100]}: not found: {machine.name} is a simulated node, there is nothing to run it on.\n",
        NOT_FOUND,
    )


def _inventory(machine: Machine) -> str:
    design = machine.design
    return (
        f"simulated   yes\nnode        {machine.name}\nhardware    {machine.hardware}\n"
        f"cpus        {design.cpus}\nmemory      {design.memory_gb} GB\nsold as     {design.slots} x {design.sku}\n"
    )
