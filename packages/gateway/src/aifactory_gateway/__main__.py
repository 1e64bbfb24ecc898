"""`python -m aifactory_gateway`: enrol, run."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import resource
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from aifactory_gateway.control_plane import HttpControlPlane
from aifactory_gateway.enrol import enrol
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.identity import Enrolment, GatewayIdentity
from aifactory_gateway.journal import Journal
from aifactory_gateway.renewal import Renewal
from aifactory_gateway.spool import Spool
from aifactory_gateway.state import State
from aifactory_gateway.sync import Sync
from aifactory_outpost import durable
from aifactory_outpost.bootstrap import given_token
from aifactory_outpost.calls import CallFailed
from aifactory_outpost.identity import NotEnrolled, NotTrusted
from aifactory_protocol.enrolment import BadToken

FAILED, NOT_ENROLLED, OCCUPIED = 1, 3, 4


def main() -> int:
    parser = _parser()
    chosen = parser.parse_args()
    if chosen.state_dir is None:
        parser.error("name the folder of its state: --state-dir or AIF_GATEWAY_STATE_DIR")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    identity = GatewayIdentity(Path(chosen.state_dir))
    try:
        if chosen.command == "enrol":
            return _enrol(parser, identity, chosen)
        _open_files_as_allowed()
        uvloop.run(_run(identity, chosen.host, chosen.port))
    except NotEnrolled as error:
        return _say(str(error), NOT_ENROLLED)
    except BlockingIOError:
        return _say(f"another gateway works on {chosen.state_dir}", OCCUPIED)
    except (BadToken, CallFailed, NotTrusted) as error:
        return _say(str(error), FAILED)
    except OSError as error:
        return _say(f"the gateway cannot {'enrol' if chosen.command == 'enrol' else 'start'}: {error}", FAILED)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aifactory_gateway", description="The token gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    enrolling = commands.add_parser("enrol", help="become a gateway, with a bootstrap token")
    enrolling.add_argument("--url", required=True, help="the control plane's listener for agents and gateways")
    enrolling.add_argument("--name", required=True, help="the gateway's name, as the token's maker gave it")
    enrolling.add_argument("--token-file", type=Path, help="file with the token; - for stdin. Or $AIF_BOOTSTRAP_TOKEN")
    enrolling.add_argument("--force", action="store_true", help="enrol anew although the certificate is still valid")
    running = commands.add_parser("run", help="carry requests until SIGTERM")
    running.add_argument("--host", default="127.0.0.1")
    running.add_argument("--port", type=int, default=8043)
    for command in (enrolling, running):
        command.add_argument("--state-dir", type=Path, default=os.environ.get("AIF_GATEWAY_STATE_DIR"))
    return parser


def _enrol(parser: argparse.ArgumentParser, identity: GatewayIdentity, chosen: argparse.Namespace) -> int:
    known = _known(identity)
    if known is not None and not chosen.force:
        print(f"already enrolled as {known.gateway_id}")
        return 0
    token = given_token(chosen.token_file)
    if not token:
        parser.error("no bootstrap token: give --token-file or set AIF_BOOTSTRAP_TOKEN")
    durable.private_folder(identity.folder)
    made = asyncio.run(enrol(identity, chosen.url, token, chosen.name))
    print(f"enrolled as {made.gateway_id}")
    return 0


def _known(identity: GatewayIdentity) -> Enrolment | None:
    """As what it is enrolled, with a certificate that is valid now."""
    try:
        identity.valid_certificate(datetime.now(UTC))
        return identity.enrolment()
    except NotEnrolled:
        return None


def _open_files_as_allowed() -> None:
    """Two for each stream; what a shell allows at first is for people."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _alone(folder: Path) -> int:
    """Held for as long as this process lives. Raises BlockingIOError while another one works on this folder."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


async def _run(identity: GatewayIdentity, host: str, port: int) -> None:
    enrolment, folder = identity.enrolment(), identity.folder
    pepper, trust = enrolment.pepper_bytes(), identity.trust(enrolment.url)
    _alone(folder)
    control_plane = HttpControlPlane(enrolment.url, trust)
    gateway = Gateway(Journal(folder / "journal"), Spool(folder / "spool"), pepper)
    stop = asyncio.Event()
    renewal = None
    if trust is not None:
        renewal = Renewal(identity, control_plane, time.time, lambda: time.time() < gateway.trusted_until, stop.set)
    sync = Sync(gateway, control_plane, State(folder), renewal)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sync.start()
    port = await gateway.listen(host, port)
    print(f"gateway http://{host}:{port}/v1", flush=True)
    await stop.wait()
    await gateway.stop()
    await sync.stop()
    await control_plane.close()
    if renewal is not None and renewal.lost is not None:
        raise renewal.lost


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
