"""`python -m aifactory_sim --state-dir DIR --url URL wanting | run [--tokens-file FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

EXIT_ERROR, EXIT_USAGE, EXIT_NOT_ENROLLED = 1, 2, 3
MOST_NODES = 64
TELEMETRY_SECONDS = 5


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code: 3 when nodes need bootstrap tokens (`wanting` names them)."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    os.umask(0o077)
    options.state_dir.mkdir(parents=True, exist_ok=True)
    return _wanting(options) if options.command == "wanting" else _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aifactory_sim", description="AI Factory: a simulated fleet")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--url", required=True, help="the control plane's agent listener")
    parser.add_argument("--nodes", type=int, default=int(os.environ.get("AIF_DEMO_NODES") or MOST_NODES))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("wanting", help="prints the names of the nodes that need a bootstrap token, as JSON")
    run = commands.add_parser("run", help="works until stopped")
    seconds = int(os.environ.get("AIF_TELEMETRY_SECONDS") or TELEMETRY_SECONDS)
    run.add_argument("--telemetry-seconds", type=int, default=seconds, choices=range(1, 301), metavar="1-300")
    run.add_argument("--tokens-file", type=Path, help="JSON {node: token}")
    return parser


def _wanting(options: argparse.Namespace) -> int:
    from aifactory_sim.fleet import machines
    from aifactory_sim.household import needs_token

    folder, url = options.state_dir, options.url
    print(json.dumps([m.name for m in machines(options.nodes) if needs_token(folder / m.name, url)]))
    return 0


def _run(options: argparse.Namespace) -> int:
    from aifactory_outpost.calls import CallFailed
    from aifactory_outpost.identity import NotEnrolled, NotTrusted
    from aifactory_protocol.enrolment import BadToken
    from aifactory_sim.fleet import machines
    from aifactory_sim.household import Household

    async def work() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        household = Household(machines(options.nodes), options.state_dir, options.url, options.telemetry_seconds)
        await household.enrol(_tokens(options.tokens_file))
        await household.run(stop)

    try:
        asyncio.run(work())
    except NotEnrolled as error:
        print(error, file=sys.stderr)
        return EXIT_NOT_ENROLLED
    except (BadToken, CallFailed, NotTrusted) as error:
        print(error, file=sys.stderr)
        return EXIT_ERROR
    return 0


def _tokens(file: Path | None) -> dict[str, str]:
    """Each works once, so whoever wrote the file removes it as soon as we are up."""
    return json.loads(file.read_text()) if file is not None and file.exists() else {}
