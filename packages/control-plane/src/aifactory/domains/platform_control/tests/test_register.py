"""The register of certificates, signed tasks, regions, dead letters: against the real schema, under the real roles."""

from datetime import timedelta

import psycopg
import pytest
from cryptography import x509

from aifactory.domains.platform_control import facade, keys, secrets
from aifactory.domains.platform_control.tests.test_certificates import a_csr
from aifactory.kernel.clock import SystemClock
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal
from aifactory_protocol import Task, verify_task

AGENTS = Principal.service("agents")
OPERATOR = Principal("usr_op", "user", "operator")


@pytest.fixture(autouse=True)
def secrets_dir(tmp_path, monkeypatch):
    secrets.init_secrets(tmp_path)
    monkeypatch.setenv("AIF_SECRETS_DIR", str(tmp_path))
    return tmp_path


async def enrol(tx_as, node_id="node_1"):
    async with tx_as(role="worker", principal=AGENTS) as tx:
        return await facade.sign_agent_csr(tx, a_csr(), node_id)


async def status(tx_as, serial):
    async with tx_as(role="worker", principal=AGENTS) as tx:
        return await facade.certificate_status(tx, serial)


async def test_a_signed_certificate_is_in_the_register_audited_and_told(tx_as, owner_url):
    made = await enrol(tx_as)
    leaf = x509.load_pem_x509_certificate(made.certificate_pem.encode())
    assert format(leaf.serial_number, "016x") == made.serial
    assert made.renew_after_seconds == 2400
    assert vars(await status(tx_as, made.serial)) == {"state": "valid", "node_id": "node_1"}
    with psycopg.connect(owner_url) as connection:
        assert connection.execute("select action, target_id from kernel.audit").fetchall() == [
            ("certificate.issue", made.id)
        ]
        assert connection.execute("select type, payload->>'node_id' from kernel.outbox").fetchall() == [
            ("platform_control.certificate_issued", "node_1")
        ]


async def test_an_unknown_serial_was_never_ours(tx_as):
    assert (await status(tx_as, "00" * 10)).state == "unknown"


async def test_a_certificate_expires_on_the_databases_clock(tx_as, owner_url, database_name, monkeypatch):
    monkeypatch.setenv("AIF_AGENT_CERTIFICATE_SECONDS", "10")
    made = await enrol(tx_as)
    async with tx_as(role="worker", principal=AGENTS) as tx:
        await tx.run("select set_config('aif.clock_offset', '11 seconds', true)")
        assert (await facade.certificate_status(tx, made.serial)).state == "expired"


async def test_revocation_is_effective_at_once_and_said_once(tx_as, owner_url):
    made = await enrol(tx_as)
    for _ in range(2):
        async with tx_as(role="operator", principal=OPERATOR) as tx:
            view = await facade.revoke_certificate(tx, made.id, "node was stolen")
    assert (view.state, view.revoked_by, view.revocation_reason) == ("revoked", "usr_op", "node was stolen")
    assert (await status(tx_as, made.serial)).state == "revoked"
    with psycopg.connect(owner_url) as connection:
        query = "select count(*) from kernel.outbox where type = 'platform_control.certificate_revoked'"
        assert connection.execute(query).fetchone() == (1,)


async def test_retiring_a_node_refuses_all_of_its_certificates_and_no_other(tx_as):
    one, two, other = await enrol(tx_as), await enrol(tx_as), await enrol(tx_as, "node_2")
    async with tx_as(role="operator", principal=OPERATOR) as tx:
        assert await facade.revoke_node(tx, "node_1", "retired") == 2
    states = [(await status(tx_as, made.serial)).state for made in (one, two, other)]
    assert states == ["revoked", "revoked", "valid"]


async def test_the_register_pages_newest_first(tx_as):
    made = [await enrol(tx_as, f"node_{number}") for number in range(5)]
    seen, cursor = [], None
    while True:
        async with tx_as(role="operator", principal=OPERATOR) as tx:
            page = await facade.list_certificates(tx, None, Page(2, cursor))
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [certificate.id for certificate in reversed(made)]


async def test_a_tenant_sees_no_certificate_at_all(tx_as):
    await enrol(tx_as)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with tx_as("tnt_a") as tx:
            await tx.value("select count(*) from platform_control.agent_certificates")


async def test_a_task_signed_here_is_believed_by_the_protocol():
    now = SystemClock().now()
    task = Task(
        id="task_1",
        node_id="node_1",
        verb="volume.delete",
        subject_id="vol_1",
        generation=1,
        args={"volume_id": "vol_1"},
        issued_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    believed, _ = verify_task(facade.sign_task(task), facade.task_public_key(), node_id="node_1", now=now)
    assert believed == task


async def test_the_local_region_is_seeded_and_public(tx_as):
    async with tx_as() as tx:
        local = await facade.region(tx, "local")
        assert [region.id for region in await facade.regions(tx)] == ["local"]
        with pytest.raises(Problem, match="not_found"):
            await facade.region(tx, "nowhere")
    assert (local.currency, local.simulated) == ("EUR", False)


@pytest.mark.parametrize("seconds", ["9", "86401"])
def test_a_certificate_life_outside_its_bounds_is_refused(monkeypatch, seconds):
    monkeypatch.setenv("AIF_AGENT_CERTIFICATE_SECONDS", seconds)
    with pytest.raises(ValueError, match="between"):
        keys.agent_certificate_life()
