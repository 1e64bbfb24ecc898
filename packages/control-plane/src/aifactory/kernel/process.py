"""What every process of ours does the same way: logging, opening the database and NATS, telling that it lives."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from aifactory.kernel.db import Database
from aifactory.kernel.loop_watch import LoopWatch
from aifactory.kernel.principal import Principal
from aifactory.kernel.settings import Settings
from aifactory.kernel.wakeups import NatsWakeups

log = logging.getLogger(__name__)
BEAT_SECONDS = 5.0
LEAVE_SECONDS = 1.0

_BEAT = """
insert into kernel.components (name, kind, pid, started_at, seen_at, detail) values (%(name)s, %(kind)s, %(pid)s, kernel.now(), kernel.now(), %(detail)s)
on conflict (name) do update set seen_at = excluded.seen_at, detail = excluded.detail
"""
_LEAVE = "delete from kernel.components where name = %(name)s"


def configure_logging(level: str) -> None:
    """One JSON line per record on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    logging.getLogger("nats").setLevel(logging.CRITICAL)


async def open_database(settings: Settings, name: str) -> tuple[Database, NatsWakeups]:
    """Waits up to 30 s for PostgreSQL; NATS may come later, it only makes things fast."""
    wakeups = NatsWakeups()
    database = await Database.open(settings.database_url, name, max_size=settings.pool_size, wakeups=wakeups)
    return database, wakeups


async def keep_nats(wakeups: NatsWakeups, url: str, name: str) -> None:
    """Connects and stays connected; the client reconnects by itself after the first time."""
    while url and not wakeups.client.is_connected and not wakeups.client.is_closed:
        try:
            await wakeups.connect(url, name)
        except Exception as error:
            log.warning("NATS is not there yet: %s", error)
            await asyncio.sleep(0.5)


async def beat_forever(database: Database, kind: str, tell: Iterable[Callable[[float], None]] = ()) -> None:
    """Says every few seconds that this process lives and how late its event loop was, and at an orderly end that it left;
    operators see it as health. `tell` is told of each look at the loop."""
    name = f"{kind}-{os.getpid()}"
    watch = LoopWatch(tell)
    looking = asyncio.create_task(watch.look_forever())
    try:
        while True:
            beat = {"name": name, "kind": kind, "pid": os.getpid(), "detail": Jsonb(watch.worst())}
            await _tell(database, kind, _BEAT, beat)
            await asyncio.sleep(BEAT_SECONDS)
    finally:
        looking.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_tell(database, kind, _LEAVE, {"name": name}), LEAVE_SECONDS)


async def _tell(database: Database, kind: str, statement: str, values: dict[str, Any]) -> None:
    try:
        async with database.tx("worker", Principal.service(kind)) as tx:
            await tx.run(statement, values)
            await tx.run("delete from kernel.components where seen_at < kernel.now() - interval '1 hour'")
    except Exception as error:
        log.warning("cannot beat: %s", error)


def stop_event() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
