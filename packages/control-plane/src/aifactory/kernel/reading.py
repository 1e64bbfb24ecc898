"""Reads in one round trip: context, the caller's credential and every question asked at the same time travel together.

Each batch is one implicit transaction: the context is local to it and gone with its end, whatever happens in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import AsyncConnection, AsyncCursor, AsyncPipeline
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus
from psycopg.rows import tuple_row

from aifactory.kernel.db import Database, Params, Role, Rows, Tx
from aifactory.kernel.principal import Principal

# The caller's context, in which nothing can be changed.
_ENTER = (
    "select set_config('role', %(as_role)s, true), set_config('aif.tenant', %(as_tenant)s, true), "
    "set_config('aif.principal', %(as_principal)s, true), set_config('transaction_read_only', 'on', true)"
)
_SETTINGS = 4
_AS_WORKER = b"select set_config('role', 'aif_worker', true)"


class _AtOnce(AsyncPipeline):
    """A pipeline that sends nothing before its end: psycopg's own wakes us, and the server, once for every statement."""

    def tell(self, statement: bytes) -> None:
        """Queues what nobody awaits an answer of; a failure is raised at the end like any other."""
        self.command_queue.append(partial(self.pgconn.send_query_params, statement, None))
        self.result_queue.append(None)

    def _communicate_gen(self) -> PQGen[None]:
        return
        yield

    def _exit_gen(self) -> PQGen[None]:
        try:
            self._enqueue_sync()
            yield from super()._communicate_gen()
        finally:
            if self.pgconn.status != ConnStatus.BAD:
                yield from self._fetch_gen(flush=False)


@asynccontextmanager
async def at_once(connection: AsyncConnection) -> AsyncIterator[_AtOnce]:
    """What is executed inside is one implicit transaction in one round trip. Fetch after leaving, not inside."""
    connection._pipeline = pipeline = _AtOnce(connection)
    try:
        async with pipeline:
            yield pipeline
    finally:
        connection._pipeline = None


@dataclass(frozen=True, eq=False)
class Belief:
    """Who a credential was when it was last looked up, and the question that tells whether this still holds.

    `statement` (named parameters) is asked in the worker role; while its row equals `answer`, the credential is `principal`. It is a guess that saves a round trip, never a permission: nothing leaves unconfirmed.
    """

    principal: Principal
    statement: str
    params: dict[str, Any]
    answer: tuple[Any, ...]


class Mistaken(Exception):
    """The credential is not what it was: what was read for the believed principal must not be used."""


@dataclass(frozen=True)
class _Question:
    statement: str
    params: Params
    rows: Rows
    binary: bool
    answered: asyncio.Future[AsyncCursor]


class Reading(Tx):
    """A transaction for reading only; PostgreSQL itself refuses every change in it.

    Questions that are asked concurrently (see `together`) share one round trip. A connection is held only for as long
    as that takes. Statements see what is committed when they run, as in every transaction of ours (read committed).
    """

    def __init__(
        self,
        database: Database,
        role: Role,
        principal: Principal,
        request_id: str = "",
        traceparent: str = "",
        belief: Belief | None = None,
    ) -> None:
        super().__init__(None, database, role, principal, principal.tenant_id, request_id, traceparent)
        self.row_texts = database.row_texts
        who = (f"aif_{role}", principal.tenant_id or "", principal.id)
        self._context = dict(zip(("as_role", "as_tenant", "as_principal"), who, strict=True))
        self._unconfirmed = belief
        self._waiting: list[_Question] = []
        self._sending = False

    @property
    def confirmed(self) -> bool:
        """True once the database has said that the caller is who it was believed to be."""
        return self._unconfirmed is None

    async def confirm(self) -> None:
        """Raises Mistaken unless the caller is who it was believed to be. Costs a round trip only if nothing was read."""
        if not self.confirmed:
            await self._ask([])

    async def _asked(self, statement: str, params: Params, rows: Rows = tuple_row, binary: bool = False) -> AsyncCursor:
        question = _Question(statement, params, rows, binary, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        if not self._sending:
            await self._send()
        return await question.answered

    async def _send(self) -> None:
        """Whoever asks first sends for all who ask in the same turn of the event loop."""
        self._sending = True
        try:
            await asyncio.sleep(0)
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._answer(batch)
        finally:
            self._sending = False
            for question in self._waiting:  # only when this was cancelled
                question.answered.cancel()

    async def _answer(self, batch: list[_Question]) -> None:
        try:
            cursors = await self._ask(batch)
        except BaseException as error:
            for question in batch:
                if isinstance(error, Exception):
                    question.answered.set_exception(error)
                    question.answered.exception()  # its asker may be gone already
                else:
                    question.answered.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for question, cursor in zip(batch, cursors, strict=True):
                if not question.answered.done():
                    question.answered.set_result(cursor)

    async def _ask(self, batch: list[_Question]) -> list[AsyncCursor]:
        connection, (proof, cursors) = await self._database.first_alive(lambda chosen: self._exchange(chosen, batch))
        belief = self._unconfirmed
        try:
            if belief is not None and ((await proof.fetchone()) or ())[_SETTINGS:] != belief.answer:
                raise Mistaken
            self._unconfirmed = None
            return cursors
        finally:
            await asyncio.shield(self._database.pool.putconn(connection))

    async def _exchange(
        self, connection: AsyncConnection, batch: list[_Question]
    ) -> tuple[AsyncCursor, list[AsyncCursor]]:
        """Everything is sent before anything is read; leaving the pipeline ends the transaction and awaits the answers."""
        belief, cursors = self._unconfirmed, list[AsyncCursor]()
        entering, values = _ENTER, self._context
        async with at_once(connection) as pipeline:
            entered = connection.cursor()
            if belief is not None:
                pipeline.tell(_AS_WORKER)
                entering, values = _enter_as_whoever(belief.statement), values | belief.params
            await entered.execute(entering, values, prepare=True)  # type: ignore[arg-type]
            for question in batch:
                cursor = connection.cursor(row_factory=question.rows, binary=question.binary)
                await cursor.execute(question.statement, question.params)  # type: ignore[arg-type]
                cursors.append(cursor)
        return entered, cursors

    async def run_many(self, statement: str, rows: object) -> None:
        raise PermissionError("a reading transaction changes nothing")

    def after_commit(self, action: object) -> None:
        raise PermissionError("a reading transaction is never committed")


def _enter_as_whoever(who: str) -> str:
    """Looking up a credential notes when it was used, so that comes first; the outer join sets the context in any case."""
    return _ENTER + ", who.* from (select) as always left join (" + who + ") as who on true"


async def together(*questions: Awaitable[Any]) -> list[Any]:
    """Asks concurrently and answers in order. The first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(question)) for question in questions]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _awaited(question: Awaitable[Any]) -> Any:
    return await question
