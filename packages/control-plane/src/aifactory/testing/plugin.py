"""pytest fixtures of the control plane. The repository's conftest.py loads this plugin."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from aifactory.kernel.db import Database, Role, Tx
from aifactory.kernel.principal import Principal
from aifactory.kernel.wakeups import LocalWakeups
from aifactory.testing import postgres as test_postgres
from aifactory.testing.object_store import TestObjectStore

TxAs = Callable[..., AbstractAsyncContextManager[Tx]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[test_postgres.TestPostgres]:
    server = test_postgres.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def object_store_server() -> Iterator[TestObjectStore]:
    """One for the whole session: tests tell their buckets apart by name."""
    server = TestObjectStore()
    yield server
    server.stop()


@pytest.fixture
def database_name(postgres_server: test_postgres.TestPostgres) -> Iterator[str]:
    name = postgres_server.fresh()
    yield name
    postgres_server.drop(name)


@pytest.fixture
def owner_url(postgres_server: test_postgres.TestPostgres, database_name: str) -> str:
    """Superuser access to this test's database: for arranging and for reading what really is there."""
    return postgres_server.url(database_name)


@pytest_asyncio.fixture
async def database(postgres_server: test_postgres.TestPostgres, database_name: str) -> AsyncIterator[Database]:
    """This test's own migrated, empty database under the API's login (which may become any of the three roles)."""
    opened = await Database.open(
        postgres_server.url(database_name, "aif_api_login"), "test", max_size=25, wakeups=LocalWakeups()
    )
    yield opened
    await opened.close()


@pytest.fixture
def tx_as(database: Database) -> TxAs:
    """`async with tx_as("tnt_a") as tx:` a tenant's transaction; role="worker"/"operator" and principal= as needed."""

    def open_tx(
        tenant_id: str | None = None, role: Role = "tenant", principal: Principal | None = None
    ) -> AbstractAsyncContextManager[Tx]:
        who = principal or Principal(f"usr_of_{tenant_id}", "user", "test user", tenant_id)
        return database.tx(role, who, tenant_id, request_id="req_test")

    return open_tx
