"""The transaction edge: one transaction per request, consumer or flow step, under one database role and one tenant.

State change, audit record, ledger postings and outbox rows go in together and are committed once, here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, TypeVar, overload

from psycopg import AsyncConnection, AsyncCursor, OperationalError
from psycopg.rows import AsyncRowFactory, class_row, tuple_row
from psycopg.types.json import set_json_dumps
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from aifactory.events import Event
from aifactory.kernel import outbox
from aifactory.kernel.audit import append_audit
from aifactory.kernel.errors import unavailable
from aifactory.kernel.ids import Ids
from aifactory.kernel.principal import Principal
from aifactory.kernel.row_texts import RowTexts
from aifactory.kernel.wakeups import NoWakeups, Wakeups

Role = Literal["tenant", "worker", "operator"]
Params = Mapping[str, Any] | Sequence[Any] | None
Rows = AsyncRowFactory[Any]
T = TypeVar("T")
R = TypeVar("R")

set_json_dumps(lambda value: json.dumps(value, separators=(",", ":"), default=str))


class Tx:
    """One open transaction. Facades take it as their first argument and never commit it."""

    def __init__(
        self,
        connection: AsyncConnection | None,
        database: "Database",
        role: Role,
        principal: Principal,
        tenant_id: str | None,
        request_id: str,
        traceparent: str,
    ) -> None:
        self._connection = connection
        self._database = database
        self._after_commit: list[Callable[[], Awaitable[None]]] = []
        self.role = role
        self.principal = principal
        self.tenant_id = tenant_id
        self.request_id = request_id
        self.traceparent = traceparent
        self.ids = database.ids
        # A transaction that changes rows sees versions that are not final: what it builds from them is kept by nobody.
        self.row_texts = RowTexts()
        self.looked_at: set[str] = set()

    async def _asked(self, statement: str, params: Params, rows: Rows = tuple_row, binary: bool = False) -> AsyncCursor:
        """Executes on this transaction's connection; every question goes through here."""
        assert self._connection is not None
        cursor = self._connection.cursor(row_factory=rows, binary=binary)
        await cursor.execute(statement, params)  # type: ignore[arg-type]
        return cursor

    @overload
    async def one(self, statement: str, params: Params = None, *, into: type[T]) -> T | None: ...
    @overload
    async def one(self, statement: str, params: Params = None) -> tuple[Any, ...] | None: ...
    async def one(self, statement: str, params: Params = None, *, into: type | None = None) -> Any:
        """The first row, as `into` (a dataclass whose fields are the columns) or as a tuple; None when there is none."""
        return await (await self._asked(statement, params, class_row(into) if into else tuple_row)).fetchone()

    @overload
    async def all(self, statement: str, params: Params = None, *, into: type[T]) -> list[T]: ...
    @overload
    async def all(self, statement: str, params: Params = None) -> list[tuple[Any, ...]]: ...
    async def all(self, statement: str, params: Params = None, *, into: type | None = None) -> Any:
        return await (await self._asked(statement, params, class_row(into) if into else tuple_row)).fetchall()

    async def value(self, statement: str, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        row = await self.one(statement, params)
        return row[0] if row else None

    async def run(self, statement: str, params: Params = None) -> int:
        """Executes and returns how many rows it touched."""
        return (await self._asked(statement, params)).rowcount

    async def run_many(self, statement: str, rows: Sequence[Params]) -> None:
        assert self._connection is not None
        async with self._connection.cursor() as cursor:
            await cursor.executemany(statement, rows)  # type: ignore[arg-type]

    async def json(self, statement: str, params: Params = None) -> bytes:
        """One value built as JSON text in SQL, as bytes ready to send: the statement selects `convert_to(…::text,'UTF8')` or a text."""
        row = await (await self._asked(statement, params, binary=True)).fetchone()
        if row is None or row[0] is None:
            return b"null"
        return row[0].encode() if isinstance(row[0], str) else bytes(row[0])

    async def now(self) -> datetime:
        """The database's clock; the only source of stored times."""
        return await self.value("select kernel.now()")

    async def set_tenant(self, tenant_id: str | None) -> None:
        """Worker role only: from here on this transaction sees that tenant's rows."""
        if self.role != "worker":
            raise PermissionError("only the worker role chooses its tenant")
        await self._asked("select set_config('aif.tenant', %s, true)", (tenant_id or "",))
        self.tenant_id = tenant_id

    async def audit(
        self,
        action: str,
        target_id: str,
        *,
        project_id: str | None = None,
        decision: str = "allowed",
        reason: str = "",
        details: dict[str, Any] | None = None,
        tenant_id: str | None = None,
    ) -> None:
        """Records who did what, in this very transaction. `details` must hold no secret.

        `tenant_id`: whose log it goes to, for operators who act on a tenant; the transaction's own when left out.
        """
        owner = tenant_id or self.tenant_id
        await append_audit(self, owner, action, target_id, project_id, decision, reason, details or {})

    def looks_at(self, tenant_id: str) -> None:
        """For an operator's read whose answer does not name the tenant that it shows; see operator_looks."""
        self.looked_at.add(tenant_id)

    async def emit(self, event: Event, aggregate_id: str, aggregate_version: int, tenant_id: str | None = None) -> str:
        """Publishes with this transaction: the row goes to the outbox, the relay sends it after the commit. Returns the event's id.

        `tenant_id`: whose event it is, for operators who act on a tenant; the transaction's own when left out.
        """
        return await outbox.append(self, event, aggregate_id, aggregate_version, tenant_id)

    async def wake(self, topic: str) -> None:
        """After the commit, nudges whoever waits for `topic` on any process. A lost nudge only costs a poll interval."""
        self.after_commit(lambda: self._database.wakeups.publish(topic))

    def after_commit(self, action: Callable[[], Awaitable[None]]) -> None:
        self._after_commit.append(action)


class Database:
    """A pool of connections under one login; each transaction picks its role and tenant in its first statement."""

    def __init__(self, pool: AsyncConnectionPool, ids: Ids, wakeups: Wakeups) -> None:
        self.pool = pool
        self.ids = ids
        self.wakeups = wakeups
        self.row_texts = RowTexts()

    @classmethod
    async def open(
        cls,
        url: str,
        application_name: str,
        *,
        max_size: int = 12,
        statement_timeout_seconds: int = 20,
        ids: Ids | None = None,
        wakeups: Wakeups | None = None,
    ) -> "Database":
        pool: AsyncConnectionPool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=max_size,
            open=False,
            timeout=10,
            max_waiting=2_000,
            kwargs={
                "autocommit": True,
                "application_name": application_name,
                "prepare_threshold": 3,
                "options": f"-c statement_timeout={statement_timeout_seconds * 1000} -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
            },
        )
        await pool.open(wait=True, timeout=30)
        return cls(pool, ids or Ids(), wakeups or NoWakeups())

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def tx(
        self,
        role: Role = "tenant",
        principal: Principal | None = None,
        tenant_id: str | None = None,
        request_id: str = "",
        traceparent: str = "",
    ) -> AsyncIterator[Tx]:
        """Commits when the block ends, rolls back when it raises. Raises Problem 503 when no connection comes free in time."""
        who = principal or Principal.anonymous()
        connection = await self._begun(_begin(role, tenant_id, who.id))
        transaction = Tx(connection, self, role, who, tenant_id, request_id, traceparent)
        try:
            yield transaction
            await connection.execute("commit")
        except BaseException:
            await asyncio.shield(_rollback(connection))
            raise
        finally:
            await asyncio.shield(self.pool.putconn(connection))
        for action in transaction._after_commit:
            await action()

    async def ask(self, role: Role, principal: Principal, statement: str, params: Params, *, into: type[T]) -> T | None:
        """The first row of one statement that is a transaction of its own: context and statement share one round trip."""
        who = _context(role, None, principal.id)

        async def both(connection: AsyncConnection) -> T | None:
            async with connection.pipeline(), connection.cursor(row_factory=class_row(into)) as cursor:
                await connection.execute(who)
                await cursor.execute(statement, params)  # type: ignore[arg-type]
                return await cursor.fetchone()

        connection, row = await self.first_alive(both)
        await asyncio.shield(self.pool.putconn(connection))
        return row

    async def _begun(self, begin: str) -> AsyncConnection:
        connection, _ = await self.first_alive(lambda candidate: candidate.execute(begin))
        return connection

    async def first_alive(self, use: Callable[[AsyncConnection], Awaitable[R]]) -> tuple[AsyncConnection, R]:
        """Connections that died while idle (the server restarted) are only found by using them: take the next one then."""
        for _ in range(self.pool.max_size + 1):
            try:
                connection = await self.pool.getconn()
            except PoolTimeout as timeout:
                raise unavailable("database_busy", "No database connection came free in time.") from timeout
            try:
                return connection, await use(connection)
            except OperationalError:
                dead = connection.closed
                self.row_texts.forget()
                await asyncio.shield(self.pool.putconn(connection))
                if not dead:
                    raise
            except BaseException:
                await asyncio.shield(self.pool.putconn(connection))
                raise
        raise unavailable("database_unavailable", "The database does not answer.")


def _begin(role: Role, tenant_id: str | None, principal_id: str) -> str:
    """BEGIN and the whole context in one round trip."""
    return f"begin; {_context(role, tenant_id, principal_id)}"


def _context(role: Role, tenant_id: str | None, principal_id: str) -> str:
    """The statement that makes a transaction that role's, that tenant's and that principal's until its end."""
    values = {"role": f"aif_{role}", "aif.tenant": tenant_id or "", "aif.principal": principal_id}
    return "select " + ", ".join(f"set_config('{name}', {_quoted(value)}, true)" for name, value in values.items())


def _quoted(text: str) -> str:
    """A literal with standard_conforming_strings, which is PostgreSQL's default and ours."""
    return "'" + text.replace("'", "''") + "'"


async def _rollback(connection: AsyncConnection) -> None:
    if not connection.closed:
        await connection.rollback()
