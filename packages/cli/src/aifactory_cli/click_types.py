"""The click classes all commands are made of: common options everywhere, groups whose members load when called."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any, NamedTuple

import click

from aifactory_cli.session import Session

OUTPUTS = ("table", "json", "yaml", "name")


def _remember(attribute: str) -> Any:
    def callback(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            setattr(ctx.ensure_object(Session), attribute, value)
        return value

    return callback


def common_options() -> list[click.Option]:
    """-o, --host, --profile: understood before and after any command."""
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True}
    output = ["-o", "--output", "output_option"]
    return [
        click.Option(
            output, type=click.Choice(OUTPUTS), callback=_remember("output"), help="How to print (table).", **shared
        ),
        click.Option(
            ["--host", "host_common"], metavar="URL", callback=_remember("host_option"), help="Platform.", **shared
        ),
        click.Option(
            ["--profile", "profile_common"], metavar="NAME", callback=_remember("profile_option"),
            help="Saved sign-in and settings.", **shared,
        ),
    ]  # fmt: skip


class AifCommand(click.Command):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {option for param in self.params for option in param.opts}
        self.params += [option for option in common_options() if not own & set(option.opts)]


class AifGroup(click.Group):
    command_class = AifCommand
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" See '{ctx.command_path} --help'."
            raise click.UsageError(f"There is no command '{args[0]}' here.{hint}", ctx)
        return super().resolve_command(ctx, args)


class Entry(NamedTuple):
    module: str
    attribute: str
    short_help: str


class LazyGroup(AifGroup):
    """Knows its members' names and one-line helps; imports a member's module only to run it or to show its help."""

    def __init__(self, *args: Any, sections: dict[str, dict[str, Entry]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections
        self.entries = {name: entry for members in sections.values() for name, entry in members.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        return None if entry is None else getattr(import_module(entry.module), entry.attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.entries))
        for title, members in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.short_help) for name, entry in members.items()])
