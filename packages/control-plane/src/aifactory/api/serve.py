"""Serves the public API and the agents' API from one process: two uvicorn servers, one pool, one owner of signals."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from aifactory.api import metrics
from aifactory.api.agent_listener import PeerCertificateProtocol, server_context
from aifactory.api.connections import BoundedProtocol
from aifactory.api.house import build_house
from aifactory.api.portal_mount import mount_portal_if_built
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel import read_cache
from aifactory.kernel.process import beat_forever, configure_logging, keep_nats, open_database, stop_event
from aifactory.kernel.routes import OBSERVERS
from aifactory.kernel.settings import Settings

GRACE_SECONDS = 3


class QuietServer(uvicorn.Server):
    """Leaves the signals to us: two servers cannot both own them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Any, trusted_proxies: str = "", **options: Any) -> QuietServer:
    """Without trusted proxies the peer's address is the socket's, whatever a header says: limits and node doors rest on it."""
    return QuietServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            loop="none",  # type: ignore[arg-type]
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws="none",
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies or None,
            **options,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a busy port is told at once. SystemExit says what to change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise SystemExit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port.") from error
    return listener


async def main() -> None:
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    name = f"api-{os.getpid()}"
    public_socket, agent_socket = (
        _listen(settings.http_host, settings.http_port),
        _listen(settings.agent_host, settings.agent_port),
    )
    database, wakeups = await open_database(settings, name)
    read_cache.open_if_configured(settings)
    house = build_house(settings, database, wakeups)
    mount_portal_if_built(house.app, database)
    counts = platform_control.RequestCounts()
    OBSERVERS.extend((counts.observe, metrics.observe))
    public = _server(house.public, settings.trusted_proxies, http=BoundedProtocol)
    agents = _server(
        house.agents,
        http=PeerCertificateProtocol,
        ssl_certfile=settings.secrets_dir / "agent_server.pem",
        ssl_keyfile=settings.secrets_dir / "agent_server.key",
        ssl_context_factory=lambda config, default: server_context(settings.secrets_dir),
    )
    background = [
        asyncio.create_task(keep_nats(wakeups, settings.nats_url, name)),
        asyncio.create_task(beat_forever(database, "api", (counts.observe_loop, metrics.observe_loop))),
        asyncio.create_task(counts.flush_forever(database)),
    ]
    serving = [asyncio.create_task(public.serve([public_socket])), asyncio.create_task(agents.serve([agent_socket]))]
    stopped = asyncio.create_task(stop_event().wait())
    await asyncio.wait({stopped, *serving}, return_when=asyncio.FIRST_COMPLETED)
    wakeups.let_go()  # parked polls answer, so that stopping need not wait for them
    public.should_exit = agents.should_exit = True
    await asyncio.gather(*serving, return_exceptions=True)
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await read_cache.leave()
    await wakeups.close()
    await database.close()
