"""How objects are printed: for people as tables, for programs as the API's object unchanged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import click

from aifactory_cli.failure import printable
from aifactory_cli.session import Session

Column = tuple[str, Callable[[dict[str, Any]], Any]]
PIPE_WIDTH = 10_000


def show_list(session: Session, listing: dict[str, Any], columns: Sequence[Column], *, empty: str) -> None:
    """A list as the API gave it; `empty` tells a newcomer what to do next when there is nothing."""
    items = listing.get("items", [])
    if _programmatic(session, listing, items):
        return
    if items:
        print_table(columns, items)
    else:
        click.echo(empty, err=True)
    if listing.get("next_cursor"):
        click.echo("There is more; raise --limit to see it.", err=True)


def show_one(session: Session, item: dict[str, Any], rows: Sequence[Column]) -> None:
    """One object: a line per fact for people, those without a value left out."""
    if _programmatic(session, item, [item]):
        return
    facts = [(label, text(value(item))) for label, value in rows]
    facts = [(label, shown) for label, shown in facts if shown != ""]
    width = max((len(label) for label, _ in facts), default=0)
    for label, shown in facts:
        head, *more = shown.split("\n")
        click.echo("\n".join([f"{label.ljust(width)}  {head}", *(" " * (width + 2) + line for line in more)]))


def show_done(session: Session, item: dict[str, Any] | None, sentence: str) -> None:
    """The result of a change: the object for programs, a sentence for people."""
    if not _programmatic(session, item if item is not None else {}, [item] if item else []):
        click.echo(printable(sentence))


def print_table(columns: Sequence[Column], items: Iterable[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for title, _ in columns:
        table.add_column(title.upper(), no_wrap=not sys.stdout.isatty(), overflow="fold")
    for item in items:
        table.add_row(*(Text(text(value(item)) or "-") for _, value in columns))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def text(value: Any) -> str:
    """One cell: yes/no for booleans, money with its currency, nothing for None, no control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and {"amount", "currency"} <= value.keys():
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, (list, tuple)):
        return ", ".join(text(part) for part in value)
    return "\n".join(printable(line) for line in str(value).split("\n"))


def local_time(value: Any) -> str:
    """An RFC 3339 instant in the reader's own time zone; what cannot be read is shown as it came."""
    if not isinstance(value, str) or not value:
        return ""
    try:
        return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return value


def duration(seconds: Any) -> str:
    """Seconds as `7 s`, `3 min 05 s`, `2 h 03 min`."""
    if not isinstance(seconds, (int, float)):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds != int(seconds) else f"{int(seconds)} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def name_of(item: dict[str, Any]) -> str:
    """What other commands accept for this object: its id, or the key that stands for one."""
    for key in ("id", "sku", "domain", "account", "resource", "name"):
        if item.get(key):
            return str(item[key])
    return ""


def _programmatic(session: Session, body: Any, items: Sequence[dict[str, Any]]) -> bool:
    if session.output == "json":
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    elif session.output == "yaml":
        import yaml

        click.echo(yaml.safe_dump(body, sort_keys=False, allow_unicode=True), nl=False)
    elif session.output == "name":
        for item in items:
            click.echo(printable(name_of(item)))
    else:
        return False
    return True
