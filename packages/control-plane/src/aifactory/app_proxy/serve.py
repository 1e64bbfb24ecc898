"""Listens on a port of its own, so that nothing an app sends shares the portal's origin."""

import asyncio
import os

from aifactory.domains.app_platform.facade import Proxy
from aifactory.kernel.process import beat_forever, configure_logging, open_database, stop_event
from aifactory.kernel.settings import Settings

MAX_HEAD_BYTES = 32_768


async def main() -> None:
    """AIF_APPS_HOST and AIF_APPS_PORT say where; AIF_APPS_URL how browsers know it."""
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    host, port = os.environ.get("AIF_APPS_HOST", "127.0.0.1"), int(os.environ.get("AIF_APPS_PORT", "8045"))
    database, wakeups = await open_database(settings, f"app-proxy-{os.getpid()}")
    proxy = Proxy(database)
    try:
        server = await asyncio.start_server(proxy.serve, host, port, limit=MAX_HEAD_BYTES, backlog=256)
    except OSError as error:
        raise SystemExit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port.") from error
    beating = asyncio.create_task(beat_forever(database, "app-proxy"))
    await stop_event().wait()
    server.close()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    proxy.close()
    await wakeups.close()
    await database.close()
