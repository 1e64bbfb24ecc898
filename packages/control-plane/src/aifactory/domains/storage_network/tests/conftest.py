"""A house with an object store."""

import os

import pytest

from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.platform_control.secrets import init_secrets
from aifactory.domains.storage_network.tests.bucket_stories import Stories
from aifactory.kernel.principal import Principal


@pytest.fixture(scope="session")
def secrets_directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("secrets")
    init_secrets(directory)
    return directory


@pytest.fixture
async def stories(database, object_store_server, secrets_directory, monkeypatch):
    monkeypatch.setitem(os.environ, "AIF_SECRETS_DIR", str(secrets_directory))
    async with database.tx("worker", Principal.service("admin")) as tx:
        await IAM.seed(tx)
        await BILLING.seed(tx)
    told = Stories(database, object_store_server)
    await told.looks_at_its_store()
    return told
