"""The language of these tests: a tenant's administrator, a receiver that really listens, a mail server that really speaks SMTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aifactory.domains.platform_control.manifest import MANIFEST
from aifactory.domains.platform_control.notifications.dispatcher import send_due
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.events import Envelope
from aifactory.kernel.consumers import deliver
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Grant, Principal

A, B = "tnt_a", "tnt_b"
_EVENTS = """
select id, type, version, aggregate, aggregate_version, tenant_id, to_json(occurred_at)#>>'{}' as occurred_at, traceparent, payload
from kernel.outbox where type = any(%s) order by occurred_at
"""


def administrator(tenant: str) -> Principal:
    return Principal(f"usr_{tenant}", "user", "administrator", tenant, (Grant("tenant_admin", f"tenant:{tenant}"),))


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    init_secrets(folder)
    return folder


@pytest.fixture(autouse=True)
def installation(key_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key files; webhooks may reach loopback, where the receivers of these tests are."""
    monkeypatch.setenv("AIF_SECRETS_DIR", str(key_files))
    monkeypatch.setenv("AIF_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    for name in ("AIF_SMTP_URL", "AIF_SMTP_SENDER", "AIF_SMTP_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Tenants:
    """`async with tenants.admin() as tx`: the administrator of tenant A (or B)."""

    database: Database
    owner_url: str

    def admin(self, tenant: str = A) -> AbstractAsyncContextManager[Tx]:
        return self.database.tx("tenant", administrator(tenant), tenant)

    async def happened(self, event: Any, tenant: str = A, aggregate: str = "alloc_1") -> str:
        async with self.admin(tenant) as tx:
            return await tx.emit(event, aggregate, 1)

    async def told(self) -> None:
        """What the relay does: our consumers have every event once."""
        for consumer in MANIFEST.consumers:
            async with self.database.tx("worker") as tx:
                rows = await tx.all(_EVENTS, (list(consumer.events),), into=Envelope)
            for envelope in rows:
                assert await deliver(self.database, consumer, envelope), await self._errors()

    async def _errors(self) -> list[tuple[str, ...]]:
        async with self.database.tx("worker") as tx:
            return await tx.all("select error from kernel.deliveries")

    async def sent(self, after_seconds: float = 0) -> int:
        """Time passes for what waits; then everything due is sent."""
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            owner.execute(
                "update platform_control.deliveries_due set next_at = next_at - make_interval(secs => %s)",
                (after_seconds,),
            )
        return await send_due(self.database)


@pytest.fixture
def tenants(database: Database, owner_url: str) -> Tenants:
    return Tenants(database, owner_url)


@dataclass
class Got:
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A real HTTP server. `answers`: status codes in turn, the last for ever; `delay_seconds` before each."""

    answers: list[int] = field(default_factory=lambda: [204])
    delay_seconds: float = 0.0
    location: str = ""
    got: list[Got] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def start(self) -> "Receiver":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heads = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(heads, body, self.path))
            time.sleep(receiver.delay_seconds)
            self.send_response(receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0])
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


@pytest.fixture
def a_receiver() -> Iterator[Callable[..., Receiver]]:
    started: list[Receiver] = []

    def start(**how: Any) -> Receiver:
        started.append(Receiver(**how).start())
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()
