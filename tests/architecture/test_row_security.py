"""Every table is a tenant's, behind forced row-level security, or on the reviewed list of platform tables with its reason.

You broke this test with a new table? Give it a tenant_id and `select kernel.protect_tenant_table(…)`. If it really belongs
to no tenant: `select kernel.platform_table(…)` with the reason, and add that reason to platform_tables.toml for review.
"""

import tomllib
from collections.abc import Iterator

import psycopg
import pytest
from architecture import schema
from architecture.tree import ROOT
from psycopg import sql

A, B = "tnt_a", "tnt_b"


@pytest.fixture
def owner(owner_url) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection


def reviewed() -> dict[str, str]:
    return {
        entry["name"]: entry["reason"]
        for entry in tomllib.loads((ROOT / "tests/architecture/platform_tables.toml").read_text())["table"]
    }


def test_the_list_of_platform_tables_is_the_reviewed_one(owner):
    declared = dict(owner.execute("select name, reason from kernel.platform_tables").fetchall())
    of_the_kernel = {name: reviewed().get(name) for name in ("kernel.migrations", "kernel.platform_tables")}
    assert declared | of_the_kernel == reviewed(), (
        "the reasons in kernel.platform_table(…) and in tests/architecture/platform_tables.toml are the same, word for word"
    )


def test_every_other_table_is_forced_behind_its_tenant(owner):
    for table in schema.tables(owner):
        if table.name in reviewed():
            continue
        if table.part:
            granted = [
                role
                for role in schema.ROLES
                for verb in ("select", "insert", "update", "delete")
                if schema.may(owner, role, table.name, verb)
            ]
            assert not granted, (
                f"{table.name}: a partition is reached through its parent only, but {granted} may reach it"
            )
            continue
        assert table.has_tenant, (
            f"{table.name} has no tenant_id and is not a reviewed platform table: docs/how-to/add-a-table.md"
        )
        assert table.forced and table.policies, (
            f"{table.name}: row-level security is not enabled and forced: the migration ends with `select kernel.protect_tenant_table(…)`"
        )


def test_no_role_of_ours_owns_a_table_or_may_pass_by_the_policies(owner):
    assert {table.owner for table in schema.tables(owner)} == {"aif_owner"}
    roles = owner.execute(
        "select rolname from pg_roles where rolname like 'aif\\_%' and (rolsuper or rolbypassrls or rolcreaterole)"
    ).fetchall()
    assert roles == []
    assert not [
        role
        for role in (*schema.ROLES, "aif_api_login", "aif_worker_login")
        if owner.execute("select pg_has_role(%s, 'aif_owner', 'member')", (role,)).fetchone()[0]
    ]


def test_policies_check_what_is_written_as_well_as_what_is_read(owner):
    """A policy for writing without WITH CHECK falls back on USING; one that checks `true` for tenants is a hole."""
    rows = owner.execute(
        "select polrelid::regclass::text, polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy "
        "where 'aif_tenant'::regrole = any(polroles) or polroles = '{0}'"
    ).fetchall()
    assert rows
    for table, name, using, check in rows:
        assert "kernel.tenant()" in (using or "") or "kernel.principal()" in (using or ""), (
            f"{table}.{name} shows {using}"
        )
        assert check is None or check == "false" or "kernel.tenant()" in check or "kernel.principal()" in check, (
            f"{table}.{name} lets in {check}"
        )


@pytest.fixture
def rows_of_two_tenants(owner) -> Iterator[list[str]]:
    """One row of tenant A and one of tenant B in every tenant table."""
    schema.drop_checks(owner)
    filled = []
    with owner.transaction():
        owner.execute("set local session_replication_role = replica")
        for table in schema.tables(owner):
            if table.part or table.name in reviewed():
                continue
            owner.execute(sql.SQL("delete from {}").format(sql.SQL(table.name)))
            for number, tenant in enumerate((A, B), start=1):
                schema.insert(owner, table.name, schema.row(owner, table.name, tenant, number))
            filled.append(table.name)
    assert filled
    yield filled
    owner.execute("delete from kernel.outbox")  # these were no events: nobody shall look for them in the contract


def become(connection: psycopg.Connection, role: str, tenant: str, principal: str = "") -> None:
    for name, value in (("role", role), ("aif.tenant", tenant), ("aif.principal", principal)):
        connection.execute("select set_config(%s, %s, true)", (name, value))


def seen(connection: psycopg.Connection, role: str, tenant: str, table: str) -> set[str] | None:
    """Tenants whose rows the role sees; None when it may not read the table at all."""
    try:
        with connection.transaction(force_rollback=True):
            become(connection, role, tenant, f"{tenant}-1" if tenant == A else f"{tenant}-2")
            return {row[0] for row in connection.execute(sql.SQL("select tenant_id from {}").format(sql.SQL(table)))}
    except psycopg.errors.InsufficientPrivilege:
        return None


def test_a_tenant_sees_its_own_rows_and_nobodys_without_a_context(owner, rows_of_two_tenants):
    for table in rows_of_two_tenants:
        assert seen(owner, "aif_tenant", A, table) in ({A}, set(), None), table
        assert seen(owner, "aif_tenant", "", table) in (set(), None), f"{table}: without a tenant no row may be seen"
    assert (
        sum(seen(owner, "aif_tenant", A, table) == {A} for table in rows_of_two_tenants) >= len(rows_of_two_tenants) / 2
    )


def test_a_worker_sees_kernel_rows_and_of_domains_only_the_tenant_it_has_set(owner, rows_of_two_tenants):
    for table in rows_of_two_tenants:
        if table.startswith("kernel."):
            continue
        assert seen(owner, "aif_worker", A, table) in ({A}, set(), None), table
        assert seen(owner, "aif_worker", "", table) in (set(), None), f"{table}: a worker without a tenant sees rows"


def test_an_operator_sees_all_tenants_or_may_not_read_the_table(owner, rows_of_two_tenants):
    for table in rows_of_two_tenants:
        assert seen(owner, "aif_operator", "", table) in ({A, B}, None), table


@pytest.mark.parametrize("role", ["aif_tenant", "aif_worker"])
def test_nobody_writes_into_another_tenant(owner, rows_of_two_tenants, role):
    for table in rows_of_two_tenants:
        if role == "aif_worker" and table.startswith("kernel."):
            continue
        if schema.may(owner, role, table, "insert"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction(force_rollback=True):
                values = schema.row(owner, table, B, 3)
                become(owner, role, A, f"{A}-1")
                schema.insert(owner, table, values)
        if schema.may(owner, role, table, "update"):
            refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.GeneratedAlways)
            with pytest.raises(refused), owner.transaction(force_rollback=True):
                become(owner, role, A, f"{A}-1")
                moved = owner.execute(sql.SQL("update {} set tenant_id = %s").format(sql.SQL(table)), (B,)).rowcount
                assert moved == 0, f"{table}: {role} moved a row to another tenant"
                raise psycopg.errors.InsufficientPrivilege("saw nothing to move")


def test_history_is_append_only_for_everyone(owner):
    """Not even the owner changes what was said: corrections are new rows."""
    guarded = {
        row[0]
        for row in owner.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only'"
        ).fetchall()
    }
    assert {"kernel.audit", "kernel.flow_transitions", "kernel.audit_links", "kernel.audit_seals"} <= guarded
    assert any(name.startswith("billing.ledger") for name in guarded), "the ledger is append-only"
    for table in guarded:
        changed = [
            (role, verb)
            for role in schema.ROLES
            for verb in ("update", "delete", "truncate")
            if schema.may(owner, role, table, verb)
        ]
        assert not changed, f"{table}: {changed}"
