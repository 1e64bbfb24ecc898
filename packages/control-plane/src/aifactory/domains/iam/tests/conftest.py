"""The language of identity's tests: a house with its development issuer on a real port, and browsers that visit it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import pytest_asyncio
import uvicorn

from aifactory.api.app import build, limited
from aifactory.domains.iam import facade as iam
from aifactory.domains.iam import installation, sign_in
from aifactory.domains.iam.manifest import MANIFEST
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.kernel.db import Database
from aifactory.kernel.edge import Edge
from aifactory.kernel.ids import Ids
from aifactory.kernel.principal import Principal
from aifactory.kernel.settings import Settings

API = "/api/v3"
SEEDER = Principal.service("seed")
_ids = Ids()


@pytest.fixture(scope="session")
def secrets_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    init_secrets(folder)
    return folder


@pytest.fixture
def settings(secrets_dir: Path, tmp_path: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Settings(
        database_url="unused",
        nats_url="",
        secrets_dir=secrets_dir,
        data_dir=tmp_path,
        http_port=port,
        public_url=f"http://127.0.0.1:{port}",
        dev_issuer=True,
    )


@pytest.fixture
def here(settings: Settings) -> Iterator[installation.Installation]:
    """This test's installation, for tests that call facades without the API."""
    installation.use(installation.Installation.of(settings))
    yield installation.current()


@pytest_asyncio.fixture
async def seeded(database: Database, here: installation.Installation) -> Database:
    async with database.tx("worker", SEEDER) as tx:
        await MANIFEST.seed(tx)  # type: ignore[misc]
    return database


@dataclass
class Browser:
    """Keeps cookies by itself: httpx sends no Secure cookie over http, real browsers do on loopback."""

    http: httpx.AsyncClient
    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    keys: int = 0

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items() if v)} | options.pop("headers", {})
        answer = await self.http.request(method, urljoin(self.url, path), headers=headers, **options)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", API + path, **options)

    async def act(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """As the portal does it: CSRF header, Origin and a fresh Idempotency-Key."""
        self.keys += 1
        sent = {"X-CSRF-Token": self.csrf, "Origin": self.url, "Idempotency-Key": _ids.new("idem")} | (headers or {})
        return await self.send(method, API + path, json=body, headers=sent)

    async def to_issuer(self, next: str = "/home") -> httpx.URL:
        """Clicks "Sign in": the address of the issuer's page."""
        answer = await self.get("/auth/login", params={"next": next})
        assert answer.status_code == 302, answer.text
        return httpx.URL(answer.headers["location"])

    async def choose(self, page: httpx.URL, email: str) -> httpx.URL:
        """Presses the button: where the issuer sends the browser."""
        answer = await self.send("POST", str(page.copy_with(query=None)), data=dict(page.params) | {"email": email})
        assert answer.status_code == 303, answer.text
        return httpx.URL(answer.headers["location"])

    async def sign_in(self, email: str) -> "Browser":
        answer = await self.send("GET", str(await self.choose(await self.to_issuer(), email)))
        assert answer.status_code == 303, answer.text
        self.csrf = (await self.get("/auth/session")).json()["csrf_token"]
        return self


@dataclass
class House:
    url: str
    http: httpx.AsyncClient
    database: Database

    def browser(self) -> Browser:
        return Browser(self.http, self.url)


@pytest_asyncio.fixture
async def house(seeded: Database, settings: Settings) -> AsyncIterator[House]:
    """The API with this domain's routes and the development issuer, on a real loopback port."""
    sign_in._issuers.clear()  # another test's house may have had this port, and other keys
    door = iam.Door(seeded, settings)
    app = build(
        "test", MANIFEST.routers, Edge(seeded, door.authenticate, iam.decide_anywhere, door.verify_csrf, door.recall)
    )
    iam.mount_development_issuer(app, settings)
    config = uvicorn.Config(
        limited(app, ()), port=settings.http_port, log_config=None, lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        yield House(settings.public_url, http, seeded)
    server.should_exit = True
    await serving
