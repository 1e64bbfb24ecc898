"""`python -m aifactory_gateway run`: one gateway process until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import resource
import signal
import sys
from pathlib import Path

import uvloop

from aifactory_gateway.control_plane import HttpControlPlane
from aifactory_gateway.enrolment import NotEnrolled, enrolment, trust
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.journal import Journal
from aifactory_gateway.spool import Spool
from aifactory_gateway.state import State
from aifactory_gateway.sync import Sync

FAILED, NOT_ENROLLED, OCCUPIED = 1, 3, 4


def main() -> int:
    arguments = argparse.ArgumentParser(prog="aifactory_gateway", description="The token gateway.")
    commands = arguments.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="carry requests until SIGTERM")
    run.add_argument("--state-dir", type=Path, default=os.environ.get("AIF_GATEWAY_STATE_DIR"))
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument("--port", type=int, default=8043)
    chosen = arguments.parse_args()
    if chosen.state_dir is None:
        arguments.error("name the folder of its state: --state-dir or AIF_GATEWAY_STATE_DIR")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _open_files_as_allowed()
    try:
        uvloop.run(_run(Path(chosen.state_dir), chosen.host, chosen.port))
    except NotEnrolled as error:
        print(error, file=sys.stderr)
        return NOT_ENROLLED
    except BlockingIOError:
        print(f"another gateway works on {chosen.state_dir}", file=sys.stderr)
        return OCCUPIED
    except OSError as error:
        print(f"the gateway cannot start: {error}", file=sys.stderr)
        return FAILED
    return 0


def _open_files_as_allowed() -> None:
    """Two for each stream; what a shell allows at first is for people."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _alone(folder: Path) -> int:
    """Held for as long as this process lives. Raises BlockingIOError while another one works on this folder."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


async def _run(folder: Path, host: str, port: int) -> None:
    identity = enrolment(folder)
    _alone(folder)
    control_plane = HttpControlPlane(identity.url, trust(folder, identity.url))
    gateway = Gateway(Journal(folder / "journal"), Spool(folder / "spool"), identity.pepper_bytes())
    sync = Sync(gateway, control_plane, State(folder))
    stop = asyncio.Event()
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


if __name__ == "__main__":
    sys.exit(main())
