"""`python -m aifactory_deploy up|down|status`: the same as `aif up|down|status`, without the command line's package."""

import argparse
import sys
from pathlib import Path

from aifactory_deploy import commands
from aifactory_deploy.options import UpOptions, default_data_dir


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m aifactory_deploy")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "down", "status"):
        command = verbs.add_parser(verb)
        command.add_argument("--data-dir", type=Path, default=default_data_dir())
        if verb == "up":
            command.add_argument("--port", type=int, default=8042)
            command.add_argument("--gateway-port", type=int, default=8043)
            command.add_argument("--agent-port", type=int, default=8044)
            command.add_argument("--app-port", type=int)
            command.add_argument("--slots", type=int)
            command.add_argument("--demo", action="store_true")
            command.add_argument("--detach", action="store_true")
    arguments = vars(parser.parse_args())
    verb, data_dir = arguments.pop("verb"), arguments.pop("data_dir").absolute()
    if verb == "up":
        return commands.up(UpOptions(data_dir=data_dir, **arguments))
    return commands.down(data_dir) if verb == "down" else commands.status(data_dir)


if __name__ == "__main__":
    sys.exit(main())
