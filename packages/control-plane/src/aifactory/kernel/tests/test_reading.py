"""Reads in one round trip: isolated like any transaction, refusing every change, and clean after whatever happens."""

import asyncio

import psycopg
import pytest
import pytest_asyncio

from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal
from aifactory.kernel.reading import Belief, Mistaken, Reading, together
from aifactory.kernel.wakeups import LocalWakeups

SEEN = "select count(*) from kernel.audit"
SLOW = "select pg_sleep(30)"
TRANSACTION = "select transaction_timestamp(), pg_backend_pid()"
SETTINGS = "select current_user, current_setting('aif.tenant', true), current_setting('transaction_read_only')"


@pytest_asyncio.fixture
async def narrow(postgres_server, database_name):
    """One connection, so that everything that is asked meets what was left behind on it."""
    url = postgres_server.url(database_name, "aif_api_login")
    opened = await Database.open(url, "narrow", max_size=1, wakeups=LocalWakeups())
    yield opened
    await opened.close()


def person(tenant_id: str | None) -> Principal:
    return Principal(f"usr_of_{tenant_id}", "user", "test user", tenant_id)


def reading(database: Database, tenant_id: str | None, belief: Belief | None = None) -> Reading:
    return Reading(database, "tenant", person(tenant_id), belief=belief)


def belief(tenant_id: str, now: str, then: str) -> Belief:
    """The credential's holder is `now` to the database, and was `then` when it was looked up."""
    return Belief(person(tenant_id), "select %(holder)s::text as holder", {"holder": now}, (then,))


async def left_behind(database: Database) -> tuple[str, ...]:
    async with database.pool.connection() as connection:
        assert connection.pgconn.pipeline_status == psycopg.pq.PipelineStatus.OFF
        return await (await connection.execute(SETTINGS)).fetchone()


@pytest_asyncio.fixture
async def audited(narrow):
    async with narrow.tx("tenant", person("tnt_a"), "tnt_a") as tx:
        await tx.audit("thing.made", "thing_1")


async def test_a_context_ends_with_its_read(narrow, audited):
    assert await reading(narrow, "tnt_a").value(SEEN) == 1
    assert await left_behind(narrow) == ("aif_api_login", "", "off")
    assert await reading(narrow, "tnt_b").value(SEEN) == 0
    assert await reading(narrow, None).value(SEEN) == 0


async def test_what_was_just_written_is_read(narrow, audited):
    tx = reading(narrow, "tnt_a")
    assert await tx.value(SEEN) == 1
    async with narrow.tx("tenant", person("tnt_a"), "tnt_a") as writing:
        await writing.audit("thing.made", "thing_2")
    assert await tx.value(SEEN) == 2


async def test_a_read_changes_nothing(narrow):
    tx = reading(narrow, "tnt_a")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await tx.audit("thing.made", "thing_1")
    with pytest.raises(PermissionError):
        await tx.wake("anything")
    with pytest.raises(PermissionError):
        await tx.run_many("select 1", [()])
    assert await tx.value(SEEN) == 0


async def test_an_error_in_the_middle_leaves_the_connection_clean(narrow, audited):
    tx = reading(narrow, "tnt_a")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await together(tx.value(SEEN), tx.value("select 1 / 0"), tx.value(SEEN))
    assert await left_behind(narrow) == ("aif_api_login", "", "off")
    assert await tx.value(SEEN) == 1


async def test_a_statement_that_cannot_be_parsed_leaves_the_connection_clean(narrow, audited):
    tx = reading(narrow, "tnt_a")
    for _ in range(5):  # often enough to be prepared
        with pytest.raises(psycopg.errors.UndefinedTable):
            await tx.value("select * from kernel.nothing")
    assert await left_behind(narrow) == ("aif_api_login", "", "off")
    assert await tx.value(SEEN) == 1


async def test_what_is_asked_at_once_is_one_transaction(database):
    tx = reading(database, "tnt_a")
    first, second = await together(tx.one(TRANSACTION), tx.one(TRANSACTION))
    assert first == second
    assert (await tx.one(TRANSACTION))[0] > first[0]


async def test_answers_come_in_the_order_of_the_questions(database):
    tx = reading(database, "tnt_a")
    assert await together(*(tx.value("select %s::int", (n,)) for n in range(20))) == list(range(20))


async def test_a_read_that_is_given_up_leaves_nothing_behind(narrow, audited):
    asked = asyncio.create_task(reading(narrow, "tnt_a").value(SLOW))
    async with asyncio.timeout(20):
        while (await _running(narrow)) is False:
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await left_behind(narrow) == ("aif_api_login", "", "off")
        assert await reading(narrow, "tnt_a").value(SEEN) == 1


async def _running(database: Database) -> bool:
    return database.pool.get_stats()["pool_available"] == 0


async def test_a_connection_that_died_is_replaced(narrow, owner_url, audited):
    narrow.row_texts.keep("thing_1.7", "{}")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'narrow'")
    assert await reading(narrow, "tnt_a").value(SEEN) == 1
    assert narrow.row_texts.of(["thing_1.7"]) == [None], "the server may have come back from a backup"


async def test_a_belief_that_holds_needs_no_question_of_its_own(narrow, audited):
    tx = reading(narrow, "tnt_a", belief("tnt_a", now="somebody", then="somebody"))
    assert not tx.confirmed
    assert await tx.value(SEEN) == 1
    assert tx.confirmed
    await tx.confirm()


async def test_nothing_is_answered_to_somebody_who_is_not_who_they_were(narrow, audited):
    tx = reading(narrow, "tnt_a", belief("tnt_a", now="nobody", then="somebody"))
    with pytest.raises(Mistaken):
        await tx.value(SEEN)
    with pytest.raises(Mistaken):
        await tx.confirm()
    assert not tx.confirmed
    assert await left_behind(narrow) == ("aif_api_login", "", "off")


async def test_a_credential_that_nobody_holds_any_more_is_no_belief(narrow, audited):
    gone = Belief(person("tnt_a"), "select 'x'::text as holder where false", {}, ("somebody",))
    with pytest.raises(Mistaken):
        await together(reading(narrow, "tnt_a", gone).value(SEEN))
