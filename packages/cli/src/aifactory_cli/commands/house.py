"""`aif up|down|status`: the whole platform on this machine, by the deploy package."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.failure import Exit, Failure

PORT = click.IntRange(1, 65535)
data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where everything is kept."
)


def deploy_commands() -> ModuleType:
    try:
        from aifactory_deploy import commands
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("aifactory_deploy"):
            raise
        todo = "Install the package aifactory-deploy here, or use a running factory with `aif login --host URL`."
        raise Failure(
            Exit.USAGE, "deploy_not_installed", "This installation holds only the command line", "", todo
        ) from None
    return commands


@click.command(cls=AifCommand)
@data_dir_option
@click.option("--port", type=PORT, default=8042, show_default=True, help="Portal and API.")
@click.option("--gateway-port", type=PORT, default=8043, show_default=True, help="Token gateway.")
@click.option("--agent-port", type=PORT, default=8044, show_default=True, help="Node agents.")
@click.option("--app-port", type=PORT, help="Web apps in the browser (default: the one after the agents').")
@click.option("--slots", type=click.IntRange(1, 1024), help="Slots this machine offers (default: by its size).")
@click.option("--detach", is_flag=True, help="Return as soon as it is ready.")
@click.option("--demo", is_flag=True, help="A simulated region too, plainly marked.")
def up(data_dir: Path | None, **options: Any) -> int:
    """Run a whole factory on this machine: database, API, portal, worker and a node agent.

    Prints one line when ready. Ctrl-C stops it, or `aif down` when it was started with --detach.
    """
    ports = [options["port"], options["gateway_port"], options["agent_port"], options["app_port"]]
    if len(set(ports)) < len(ports):
        raise click.UsageError("--port, --gateway-port, --agent-port and --app-port must differ.")
    commands = deploy_commands()
    from aifactory_deploy.options import UpOptions

    if data_dir is not None:
        options["data_dir"] = data_dir.absolute()
    return commands.up(UpOptions(**options))


@click.command(cls=AifCommand)
@data_dir_option
def down(data_dir: Path | None) -> int:
    """Stop the factory on this machine. Its data stays."""
    return deploy_commands().down(data_dir and data_dir.absolute())


@click.command(cls=AifCommand)
@data_dir_option
def status(data_dir: Path | None) -> int:
    """Show which parts of the factory run on this machine."""
    return deploy_commands().status(data_dir and data_dir.absolute())
