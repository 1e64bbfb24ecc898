"""`python -m aifactory_agent`: enrol, run, status, stop-all, door."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import urllib.parse
from pathlib import Path

from aifactory_agent import settings as configuration

EXIT_ERROR, EXIT_USAGE, EXIT_NOT_ENROLLED, EXIT_BUSY = 1, 2, 3, 4


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["door"]:
        return _door(given[1:])
    options = _parser().parse_args(given)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        configured = configuration.from_environment(state_dir=options.state_dir)
    except configuration.BadSetting as error:
        return _say(str(error), EXIT_USAGE)
    return _guarded(options, configured)


def _guarded(options: argparse.Namespace, configured: configuration.Settings) -> int:
    from aifactory_agent.door_runtime import NoRuntime
    from aifactory_agent.node import AlreadyRunning
    from aifactory_agent.sandboxes.choose import NoDriver
    from aifactory_outpost.calls import CallFailed
    from aifactory_outpost.identity import NotEnrolled, NotTrusted
    from aifactory_protocol.enrolment import BadToken

    commands = {"enrol": _enrol, "run": _run, "status": _status, "stop-all": _stop_all}
    try:
        return commands[options.command](options, configured)
    except NotEnrolled as error:
        return _say(str(error), EXIT_NOT_ENROLLED)
    except AlreadyRunning as error:
        return _say(str(error), EXIT_BUSY)
    except (BadToken, CallFailed, NotTrusted, NoDriver, NoRuntime) as error:
        return _say(str(error), EXIT_ERROR)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aifactory_agent", description="AI Factory node agent")
    parser.add_argument("--state-dir", help="default: $AIF_AGENT_STATE_DIR, or $AIF_DATA_DIR/agent")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(dest="command", required=True)
    enrol = commands.add_parser("enrol", help="become a node, with a bootstrap token")
    enrol.add_argument("--url", default=os.environ.get("AIF_AGENT_URL"), help="the control plane's agent listener")
    enrol.add_argument("--token-file", type=Path, help="file with the token; - for stdin. Or $AIF_BOOTSTRAP_TOKEN")
    enrol.add_argument("--force", action="store_true", help="enrol anew although the certificate is still valid")
    commands.add_parser("run", help="work until stopped; sandboxes go on without the agent")
    status = commands.add_parser("status", help="identity and sandboxes; exit code 3 when not enrolled")
    status.add_argument("--json", action="store_true")
    commands.add_parser("stop-all", help="end every sandbox of this node; volumes stay. The agent must not run")
    commands.add_parser("door", help="the ssh server inside a sandbox; started by the agent")
    return parser


def _enrol(options: argparse.Namespace, configured: configuration.Settings) -> int:
    from aifactory_agent import machine
    from aifactory_agent.enrol import enrol
    from aifactory_agent.identity import NodeIdentity
    from aifactory_agent.node import open_node
    from aifactory_outpost.bootstrap import given_token
    from aifactory_outpost.identity import NotEnrolled

    if not options.url:
        return _say("where is the control plane? give --url or set AIF_AGENT_URL", EXIT_USAGE)
    node = open_node(configured)
    identity = NodeIdentity(configured.state_dir)
    try:
        identity.valid_certificate(node.now())
        known = identity.enrolment()
        if not options.force:
            print(f"already enrolled as {known.node_id}")
            return 0
    except NotEnrolled:
        pass
    token = given_token(options.token_file)
    if not token:
        return _say("no bootstrap token: give --token-file or set AIF_BOOTSTRAP_TOKEN", EXIT_USAGE)
    made = asyncio.run(enrol(identity, options.url, token, configured.node_name, machine.inventory(node)))
    print(f"enrolled as {made.node_id}")
    return 0


def _run(options: argparse.Namespace, configured: configuration.Settings) -> int:
    from aifactory_agent.agent import Agent
    from aifactory_agent.identity import NodeIdentity
    from aifactory_agent.node import open_node
    from aifactory_outpost.identity import NotEnrolled

    identity = NodeIdentity(configured.state_dir)
    url = identity.enrolment().url
    node = open_node(configured)
    identity.valid_certificate(node.now())
    if node.driver.name == "process" and not _is_loopback(url):
        return _say("plain-process sandboxes are for development on loopback only", EXIT_ERROR)

    async def work() -> None:
        await Agent(node, identity).run()

    try:
        asyncio.run(work())
    except NotEnrolled as error:
        return _say(str(error), EXIT_NOT_ENROLLED)
    return 0


def _status(options: argparse.Namespace, configured: configuration.Settings) -> int:
    from aifactory_agent import report

    found = report.status(configured)
    print(json.dumps(found, indent=2) if options.json else report.as_text(found))
    return 0 if found["certificate"] == "valid" else EXIT_NOT_ENROLLED


def _stop_all(options: argparse.Namespace, configured: configuration.Settings) -> int:
    from aifactory_agent import recovery, verbs
    from aifactory_agent.node import open_node
    from aifactory_agent.sandbox import StillThere

    node = open_node(configured)
    recovery.mend(node)
    failed = 0
    for record in node.records.every():
        if record.state == "stopped":
            continue
        try:
            verbs.stop(node, record)
            print(f"stopped {record.allocation_id}")
        except (StillThere, OSError) as error:
            failed += 1
            print(f"could not stop {record.allocation_id}: {error}", file=sys.stderr)
    if node.networks is not None and not failed:
        node.networks.remove()
    return EXIT_ERROR if failed else 0


def _door(arguments: list[str]) -> int:
    from aifactory_agent.door.__main__ import main as door

    sys.argv = ["door", *arguments]
    door()
    return 0


def _is_loopback(url: str) -> bool:
    return urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
