"""What each database role may do with each table of identity. The table below is the whole truth: change it knowingly."""

import psycopg
import pytest

from aifactory.domains.iam import facade as iam
from aifactory.domains.iam.secret_token import keyed_hash
from aifactory.kernel.principal import Principal

VERBS = {"s": "select", "i": "insert", "u": "update", "d": "delete"}
#                      tenant  worker  operator
MAY = {
    "users":              ("", "siu", "su"),
    "identities":         ("", "siu", "s"),
    "sessions":           ("", "siud", "su"),
    "login_attempts":     ("", "siud", ""),
    "device_grants":      ("", "siud", ""),
    "platform_relations": ("", "si", "s"),
    "tenants":            ("s", "siu", "su"),
    "projects":           ("siu", "siu", "s"),
    "relations":          ("siu", "siu", "s"),
    "api_keys":           ("iu", "", ""),
    "ssh_keys":           ("siu", "s", "s"),
    "quota_limits":       ("siu", "siu", "su"),
    "quota_reservations": ("siu", "siu", "s"),
    "tenant_quota_limits": ("siu", "siu", "siu"),
    "invitations":        ("siu", "su", "s"),
}  # fmt: skip
TENANT_TABLES = [name for name, (tenant, _, _) in MAY.items() if tenant]


@pytest.fixture
def owner(owner_url):
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection


def test_the_list_is_complete(owner):
    tables = {row[0] for row in owner.execute("select tablename from pg_tables where schemaname = 'iam'")}
    assert tables == set(MAY)


@pytest.mark.parametrize("table", MAY)
def test_each_role_may_do_exactly_this(owner, table):
    for role, verbs in zip(("aif_tenant", "aif_worker", "aif_operator"), MAY[table], strict=True):
        for letter, verb in VERBS.items():
            held = owner.execute("select has_table_privilege(%s, %s, %s)", (role, f"iam.{table}", verb)).fetchone()[0]
            assert held == (letter in verbs), f"{role} {verb} iam.{table}"


def test_nobody_may_ask_for_the_hash_of_a_key(owner):
    for role in ("aif_tenant", "aif_worker", "aif_operator"):
        for column, may in (("name", True), ("token_hash", False)):
            query = "select has_column_privilege(%s, 'iam.api_keys', %s, 'select')"
            assert owner.execute(query, (role, column)).fetchone()[0] is may


def test_the_functions_answer_only_whom_they_should(owner):
    may = {
        "iam.authenticate(text, bytea, text)": {"aif_worker"},
        "iam.tenants_of_user(text)": {"aif_worker"},
        "iam.people_of_tenant()": {"aif_tenant", "aif_worker"},
        "iam.invitations_for(text)": {"aif_worker"},
        "iam.tenant_suspended(text)": {"aif_worker"},
    }
    for function, roles in may.items():
        for role in ("aif_tenant", "aif_worker", "aif_operator"):
            held = owner.execute("select has_function_privilege(%s, %s, 'execute')", (role, function)).fetchone()[0]
            assert held == (role in roles), (role, function)


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_a_tenant_sees_its_rows_and_without_context_none(seeded, tx_as, table):
    columns = "tenant_id"
    for tenant, expected in ((iam.DEMO.tenant_id, {iam.DEMO.tenant_id}), (None, set()), ("tnt_nobody", set())):
        for role in ("tenant", "worker"):
            async with tx_as(tenant, role=role) as tx:
                seen = {row[0] for row in await tx.all(f"select {columns} from iam.{table}")}
            assert seen <= expected, (table, role, tenant)
            if table in ("tenants", "projects", "relations", "quota_limits", "tenant_quota_limits"):
                assert seen == expected


async def test_nobody_writes_a_role_into_another_tenant(seeded, tx_as):
    insert = (
        "insert into iam.relations (id, tenant_id, subject, relation, created_by) "
        f"values ('rel_x', '{iam.OTHER.tenant_id}', 'user:{iam.DEMO.user_id}', 'tenant_admin', 'x')"
    )
    for role in ("tenant", "worker"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tx_as(iam.DEMO.tenant_id, role=role) as tx:
                await tx.run(insert)


async def test_nobody_gets_a_role_on_another_tenants_project(seeded, tx_as):
    async with tx_as(iam.OTHER.tenant_id) as tx:
        theirs = (await iam.default_project(tx)).id
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with tx_as(iam.DEMO.tenant_id) as tx:
            await tx.run(
                "insert into iam.relations (id, tenant_id, project_id, subject, relation, created_by) "
                f"values ('rel_x', '{iam.DEMO.tenant_id}', '{theirs}', 'user:{iam.DEMO.user_id}', 'viewer', 'x')"
            )


async def test_a_tenant_makes_nobody_an_operator(seeded, tx_as):
    for relation in ("platform_admin", "root"):
        with pytest.raises(psycopg.errors.CheckViolation):
            async with tx_as(iam.DEMO.tenant_id) as tx:
                await tx.run(
                    "insert into iam.relations (id, tenant_id, subject, relation, created_by) "
                    f"values ('rel_x', kernel.tenant(), 'user:{iam.DEMO.user_id}', '{relation}', 'x')"
                )


async def test_people_of_other_tenants_have_no_names(seeded, tx_as):
    async with tx_as(iam.DEMO.tenant_id) as tx:
        assert {row[0] for row in await tx.all("select email from iam.people_of_tenant()")} == {"demo@example.com"}
    async with tx_as(None) as tx:
        assert await tx.all("select email from iam.people_of_tenant()") == []


async def test_an_unknown_token_belongs_to_nobody(seeded, here):
    for kind in ("portal", "cli", "key", "root", ""):
        async with seeded.tx("worker", Principal.service("test")) as tx:
            token = keyed_hash(here.pepper, "guess")
            assert await tx.all("select * from iam.authenticate(%s, %s, null)", (kind, token)) == []
