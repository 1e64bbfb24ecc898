"""With a database and a broker of the operator's own, none is started here, and everything runs on theirs."""

from collections.abc import Iterator

import psycopg
import pytest
from installation import Installation

from aifactory.testing.nats_server import TestNats
from aifactory.testing.postgres import TestPostgres

pytestmark = pytest.mark.xdist_group("startup")


@pytest.fixture
def broker() -> Iterator[TestNats]:
    server = TestNats()
    yield server
    server.stop()


def test_external_servers_are_used_and_no_own_ones_started(
    empty_installation: Installation, postgres_server: TestPostgres, database_name: str, broker: TestNats
) -> None:
    theirs = {
        "AIF_OWNER_URL": postgres_server.url(database_name),
        "AIF_DATABASE_URL": postgres_server.url(database_name, "aif_api_login"),
        "AIF_WORKER_DATABASE_URL": postgres_server.url(database_name, "aif_worker_login"),
        "AIF_NATS_URL": broker.url,
        "AIF_OBJECT_STORE": "none",
    }
    started = empty_installation.up(env=theirs)
    assert started.returncode == 0, started.stderr
    names = {process["name"] for process in empty_installation.facts["processes"]}
    assert names == {"api", "worker", "app-proxy", "agent", "gateway"}
    with psycopg.connect(postgres_server.url(database_name)) as connection:
        assert connection.execute("select count(*) from provisioning.nodes").fetchone() == (1,)
    assert not (empty_installation.data_dir / "postgres/cluster").exists()
