"""`aif ssh` hands over to the system's ssh; `aif logs` comes later."""

from __future__ import annotations

import os
import shlex
import shutil

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, Failure, refused_until
from aifactory_cli.lookup import find
from aifactory_cli.session import Session, pass_session


@click.command(cls=AifCommand, context_settings={"ignore_unknown_options": False})
@click.argument("which", metavar="ALLOCATION")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS...]")
@click.option("-i", "--identity", metavar="FILE", help="Private key (default: the one it was created with).")
@click.option("--print", "print_only", is_flag=True, help="Print the plain ssh command instead of running it.")
@click.option("--wait", is_flag=True, help="Wait until the allocation is active.")
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(0.1, 86400), default=300.0, help="For --wait.")
@pass_session
def ssh(
    session: Session, which: str, args: tuple[str, ...], identity: str | None, print_only: bool, wait: bool,
    timeout_seconds: float,
) -> None:  # fmt: skip
    """Log in to ALLOCATION, or run ARGS there. Exits with the exit code of what ran.

    \b
    aif ssh dev                      a shell
    aif ssh dev -- nproc             one command
    aif ssh dev -- -L 8888:localhost:8888    options of ssh work too

    The host key comes from the API, so ssh never asks whether to trust it.
    """
    from aifactory_cli.ssh_access import ssh_command

    allocation = find(session.api, "/allocations", "allocation", which)
    if wait and allocation.get("state") != "active":
        from aifactory_cli.progress import Watch

        allocation = Watch(session.api, str(allocation["id"]), "active").until(timeout_seconds)
    program = shutil.which("ssh")
    if program is None and not print_only:
        title = "There is no ssh on this machine"
        raise Failure(Exit.USAGE, "ssh_not_installed", title, "", "Install an OpenSSH client, like openssh-client.")
    words = [*ssh_command(allocation, identity, "ssh" if print_only else str(program)), *args]
    if print_only:
        click.echo(shlex.join(words))
        return
    os.execv(words[0], words)


@click.command(cls=AifCommand)
@click.argument("which", metavar="ALLOCATION")
def logs(which: str) -> None:
    """Logs of an allocation (comes with a later release)."""
    reason = "Logs are collected with a later release."
    raise refused_until(
        "`aif logs`", reason, f"Look inside: `aif ssh {which}`; its history: `aif allocations events {which}`."
    )
