"""The three commands. Each prints for a person and returns the exit code; no traceback leaves here for a known trouble."""

import sys
from pathlib import Path

from aifactory_deploy.options import UpOptions, default_data_dir
from aifactory_deploy.refusal import Refusal


def up(options: UpOptions | None = None) -> int:
    """Starts everything and keeps it running until SIGTERM or SIGINT; with `detach` returns when it is ready.

    Prints one line on stdout: `ready in 3.2 s  portal http://127.0.0.1:8042  gateway http://127.0.0.1:8043/v1`.
    """
    options = options or UpOptions()
    try:
        if options.detach:
            from aifactory_deploy.detach import up_detached

            return up_detached(options)
        from aifactory_deploy.supervisor import run

        return run(options)
    except Refusal as refusal:
        return _say(refusal)


def down(data_dir: Path | None = None) -> int:
    """Stops everything that `up` started, sandboxes included, and returns when no process is left."""
    from aifactory_deploy.running import stop_instance

    try:
        print(stop_instance((data_dir or default_data_dir()).absolute()))
        return 0
    except Refusal as refusal:
        return _say(refusal)


def status(data_dir: Path | None = None) -> int:
    """Prints what runs: each process with its pid, age, memory and restarts."""
    from aifactory_deploy.running import describe_instance

    try:
        print(describe_instance((data_dir or default_data_dir()).absolute()))
        return 0
    except Refusal as refusal:
        return _say(refusal)


def _say(refusal: Refusal) -> int:
    print(refusal.words(), file=sys.stderr)
    return int(refusal.exit_code)
