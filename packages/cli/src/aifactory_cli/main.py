"""Entry of `aif`: runs a command and turns whatever happens into an exit code and a readable line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from aifactory_cli.failure import Exit, Failure
from aifactory_cli.root import aif
from aifactory_cli.session import Session


def main(args: Sequence[str] | None = None) -> NoReturn:
    sys.exit(run(list(sys.argv[1:] if args is None else args)))


def run(args: list[str]) -> int:
    """Runs one command line and returns its exit code; nothing but a debugging request lets a traceback out."""
    session = Session()
    try:
        result = aif.main(args, prog_name="aif", standalone_mode=False, obj=session)
        sys.stdout.flush()
        return result if isinstance(result, int) else Exit.OK
    except Failure as failure:
        click.echo(failure.as_json() if session.output == "json" else failure.as_text(), err=True)
        return failure.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        _show_usage_error(error, session)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("aif: interrupted", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe left (head, less). Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if os.environ.get("AIF_DEBUG"):
            raise
        what = " ".join(str(error).split()) or "no message"
        text = f"aif: unexpected {type(error).__name__}: {what[:300]}\n  do:     set AIF_DEBUG=1 and repeat for details"
        click.echo(text, err=True)
        return Exit.UNEXPECTED


def _show_usage_error(error: click.ClickException, session: Session) -> None:
    if session.output != "json":
        error.show()
        return
    parameter = getattr(error, "param", None)
    field = getattr(error, "param_hint", None) or (parameter.name if parameter is not None else None)
    failure = Failure(Exit.USAGE, "usage", error.format_message(), "", "See the command's --help.", str(field or ""))
    click.echo(failure.as_json(), err=True)
