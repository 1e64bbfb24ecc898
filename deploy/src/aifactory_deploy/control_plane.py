"""The services of the control plane on this machine: which database and broker they use, and how each is started."""

import asyncio
import sys
from functools import cached_property

from aifactory_deploy import environment
from aifactory_deploy.accounts import Account
from aifactory_deploy.administration import SchemaStamp, run_step
from aifactory_deploy.broker import Broker
from aifactory_deploy.environment import Databases
from aifactory_deploy.keeper import Keep, Keeper
from aifactory_deploy.layout import Layout
from aifactory_deploy.object_store import NAME as OBJECTS
from aifactory_deploy.object_store import ObjectStore
from aifactory_deploy.options import UpOptions
from aifactory_deploy.page_cache import EMBEDDED, PageCache
from aifactory_deploy.postgres import SUPERUSER, Postgres
from aifactory_deploy.processes import Program

SECRET_USERS = ("api", "worker", "proxy")
S3_PORT_OFFSET = 4  # buckets beside the portal: 8046 for 8042, if that is free


class ControlPlane:
    def __init__(self, options: UpOptions, layout: Layout, accounts: dict[str, Account | None], lock: int) -> None:
        self._options = options
        self._layout = layout
        self._accounts = accounts
        self._inherit = (lock,)
        self._external = environment.external_databases()
        self._external_broker = environment.configured().get("AIF_NATS_URL")
        self._postgres = Postgres(layout, accounts["postgres"], environment.base(), self._inherit)
        self._broker = Broker(layout, accounts["nats"], environment.base(), self._inherit, self._reconnect)
        self._cache: PageCache | None = None
        if environment.configured().get("AIF_REDIS_URL") == EMBEDDED:
            self._cache = PageCache(layout, accounts["valkey"], environment.base(), self._inherit)
        self._objects = self._object_store(accounts[OBJECTS]) if environment.wants_object_store() else None
        self._services: dict[str, Keeper] = {}

    @cached_property
    def databases(self) -> Databases:
        def url(login: str, password: str) -> str:
            return self._postgres.url(login, self._layout.password(password))

        return self._external or Databases(
            url(SUPERUSER, "postgres"), url("aif_api_login", "api"), url("aif_worker_login", "worker")
        )

    @cached_property
    def stamp(self) -> SchemaStamp:
        return SchemaStamp(self._layout, self._external.owner if self._external else "embedded")

    def admin_env(self) -> dict[str, str]:
        passwords = {}
        if not self._external:
            passwords["AIF_API_DB_PASSWORD"] = self._layout.password("api")
            passwords["AIF_WORKER_DB_PASSWORD"] = self._layout.password("worker")
        return {**self._env("api", self.databases.api), "AIF_OWNER_URL": self.databases.owner, **passwords}

    async def prepare(self, keep: Keep) -> None:
        """Database, broker and keys; then the schema, unless nothing changed since it was last brought up to date."""
        parts = (self._start_database(keep), self._start_broker(keep), self._start_cache(keep), self._make_secrets())
        await asyncio.gather(*parts)
        if not self.stamp.holds:
            await self._step("migrate", "--seed")
            self.stamp.set()

    async def start_services(self, keep: Keep) -> None:
        programs = {"api": self._api, "worker": self._worker, "app-proxy": self._app_proxy}
        kept = await asyncio.gather(*(keep(name, program) for name, program in programs.items()))
        self._services = dict(zip(programs, kept, strict=True))

    async def start_object_store(self, keep: Keep) -> None:
        """Returns at once: buckets say that it is starting until the worker reaches it."""
        if self._objects:
            await keep(OBJECTS, self._objects.program)

    async def _api(self) -> Program:
        return self._service("api", "aifactory.api", self.databases.api)

    async def _worker(self) -> Program:
        return self._service("worker", "aifactory.workers", self.databases.worker)

    async def _app_proxy(self) -> Program:
        """What browsers and apps send is read here, so it runs under a user of its own, with a copy of the one key it needs."""
        return self._service("proxy", "aifactory.app_proxy", self.databases.worker, called="app-proxy")

    async def _start_database(self, keep: Keep) -> None:
        if self._external:
            return
        new = self._postgres.is_new
        if new:
            await self._postgres.create_cluster()
        await keep("postgres", self._postgres.program)
        await self._postgres.ready()
        if new:
            await self._postgres.create_database()

    async def _start_broker(self, keep: Keep) -> None:
        if not self._external_broker:
            await keep("nats", self._broker.program)
            await self._broker.ready()

    async def _start_cache(self, keep: Keep) -> None:
        if self._cache:
            await keep("valkey", self._cache.program)
            await self._cache.ready()

    async def _make_secrets(self) -> None:
        if self.stamp.holds:
            return
        accounts = [(name, account) for name in SECRET_USERS if (account := self._accounts[name])]
        owners = [argument for name, account in accounts for argument in ("--owner", f"{name}={account.uid}")]
        await self._step("init-secrets", "--dir", str(self._layout.secrets), *owners)

    async def _step(self, *arguments: str) -> None:
        env = self.admin_env()
        await run_step(self._layout, "aifactory.admin", *arguments, env=env, inherit=self._inherit)

    def _service(self, name: str, module: str, database_url: str, called: str = "") -> Program:
        return Program(
            called or name,
            [sys.executable, "-m", module],
            self._env(name, database_url),
            self._accounts[name],
            cwd=self._layout.service(name),
            inherit=self._inherit,
        )

    def _env(self, service: str, database_url: str) -> dict[str, str]:
        nats_url = self._external_broker or self._broker.url
        told = environment.control_plane(self._options, self._layout, service, database_url, nats_url)
        objects = self._objects.settings() if self._objects and service == "worker" else {}
        cache = {"AIF_REDIS_URL": self._cache.url} if self._cache else {}
        return {**told, **objects, **cache}

    def _object_store(self, account: Account | None) -> ObjectStore:
        port = self._options.port + S3_PORT_OFFSET
        base = environment.base()
        return ObjectStore.of(self._layout, account, base, self._inherit, port, self._reconnect_worker)

    def _reconnect_worker(self) -> None:
        """The object store has other ports: who administers it starts again with the new addresses."""
        if worker := self._services.get("worker"):
            worker.restart()

    def _reconnect(self) -> None:
        """The broker has another port: whoever uses it starts again with the new address."""
        for service in self._services.values():
            service.restart()
