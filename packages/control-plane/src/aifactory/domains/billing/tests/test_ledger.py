"""The books: balanced by the database, written by one function, changed by nobody."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from aifactory.domains.billing import ledger
from aifactory.domains.billing.store import accounts
from aifactory.domains.billing.store import ledger as postings
from aifactory.kernel.errors import Problem
from aifactory.kernel.money import Money

HISTORY = (
    "ledger_entries", "ledger_lines", "money_keys", "reversals", "charges", "charge_lines", "meter_transitions", "meter_pauses",
    "account_facts", "prices",
)  # fmt: skip
TENANT_TABLES = ("billing_accounts", "account_facts", "wallets", "ledger_entries", "ledger_lines", "money_keys", "holds",
                 "meter_transitions", "charges", "charge_lines")  # fmt: skip


async def _history(shop) -> str:
    """A tenant in whose books something of everything has happened."""
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    await shop.outage(tenant, allocation, shop.second - timedelta(minutes=20), shop.second - timedelta(minutes=10))
    async with shop.tx("operator") as tx:
        account = await accounts.account_of(tx, tenant)
        await accounts.add_fact(tx, tenant, account, "payment_method", "card", "shown")
        granted = await ledger.grant_credit(tx, tenant, Money.of(5, "EUR"), "payment", "paid", f"payment:{tenant}")
        await ledger.reverse(tx, granted.entry_id, "bounced")
    return tenant


@pytest.mark.parametrize(
    "verb", ["update billing.{} set {} = {}", "delete from billing.{}", "truncate billing.{} cascade"]
)
@pytest.mark.parametrize("role", ["tenant", "worker", "operator"])
async def test_no_role_changes_history(shop, role: str, verb: str) -> None:
    tenant = await _history(shop)
    for table in HISTORY:
        column = {"prices": "reason", "money_keys": "money_key"}.get(table, "tenant_id")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with shop.tx(role, tenant_id=tenant) as tx:
                await tx.run(verb.format(table, column, column))


async def test_not_even_the_owner_changes_history(shop, owner_url: str) -> None:
    await _history(shop)
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as superuser:
        for table in HISTORY:
            column = {"prices": "reason", "money_keys": "money_key"}.get(table, "tenant_id")
            for statement in (
                f"update billing.{table} set {column} = {column}",
                f"delete from billing.{table}",
                f"truncate billing.{table} cascade",
            ):
                with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                    await superuser.execute(statement)


@pytest.mark.parametrize("role", ["tenant", "worker", "operator"])
async def test_nobody_writes_the_books_past_the_function(shop, role: str) -> None:
    tenant = await shop.tenant()
    for statement in (
        "insert into billing.ledger_lines select * from billing.ledger_lines",
        "insert into billing.money_keys select * from billing.money_keys",
        "update billing.wallets set available = 1000000",
        "insert into billing.billing_accounts (id, tenant_id) values ('bacc_x', 'tnt_x')",
        "select * from billing.ledger_lines_default",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with shop.tx(role, tenant_id=tenant) as tx:
                await tx.run(statement)


async def _post(shop, tenant: str, role: str = "worker", **changes) -> postings.PostedRow:
    entry = {
        "money_key": shop.new("key"),
        "kind": "payment",
        "lines": {"wallet.available": Decimal(1), "platform.payments": Decimal(-1)},
    } | changes
    async with shop.tx("operator") as tx:
        account = await accounts.account_of(tx, tenant)
    async with shop.tx(role, tenant_id=tenant) as tx:
        return await postings.post_entry(
            tx, postings.Posting(tenant_id=tenant, account_id=account or "", currency="EUR", **entry)
        )


async def test_an_entry_that_does_not_add_up_is_not_committed(shop) -> None:
    tenant = await shop.tenant()
    for lines in (
        {"wallet.available": Decimal(1), "platform.payments": Decimal("-0.999999999")},
        {"wallet.available": Decimal(1)},
        {},
    ):
        with pytest.raises(psycopg.DatabaseError, match=r"not balanced|no lines"):
            await _post(shop, tenant, lines=lines)
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))


async def test_a_crooked_entry_is_seen_though_the_worker_has_moved_on(shop) -> None:
    tenant, other = await shop.tenant(), await shop.tenant()
    async with shop.tx("operator") as tx:
        account = await accounts.account_of(tx, tenant)
    with pytest.raises(psycopg.DatabaseError, match="not balanced"):
        async with shop.tx(tenant_id=tenant) as tx:
            crooked = {"wallet.available": Decimal(7), "platform.payments": Decimal(-6)}
            await postings.post_entry(tx, postings.Posting("crooked", "payment", tenant, account, "EUR", crooked))
            await tx.set_tenant(other)


async def test_a_money_key_moves_money_once_for_ever(shop) -> None:
    tenant = await shop.tenant()
    rows = await asyncio.gather(*(_post(shop, tenant, money_key="once") for _ in range(8)))
    assert sorted(row.outcome for row in rows) == ["posted"] + ["replayed"] * 7
    assert len({row.entry_id for row in rows}) == 1
    assert await shop.wallet(tenant) == (Decimal(101), Decimal(0))
    with pytest.raises(psycopg.DatabaseError, match="used for another posting"):
        await _post(
            shop, tenant, money_key="once", lines={"wallet.available": Decimal(2), "platform.payments": Decimal(-2)}
        )


async def test_two_tenants_may_use_the_same_key(shop) -> None:
    one, two = await shop.tenant(), await shop.tenant()
    assert [(await _post(shop, tenant, money_key="mine")).outcome for tenant in (one, two)] == ["posted", "posted"]


async def test_a_tenants_request_only_moves_money_inside_its_wallet(shop) -> None:
    tenant = await shop.tenant()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await _post(shop, tenant, "tenant")
    with pytest.raises(psycopg.DatabaseError, match="inside the wallet only"):
        await _post(shop, tenant, "tenant", kind="hold")


async def test_more_than_is_held_cannot_be_taken(shop) -> None:
    tenant = await shop.tenant()
    with pytest.raises(psycopg.DatabaseError, match="more than is held"):
        await _post(
            shop,
            tenant,
            "tenant",
            kind="hold_release",
            lines={"wallet.held": Decimal(-1), "wallet.available": Decimal(1)},
        )


@pytest.mark.parametrize("role", ["tenant", "worker"])
async def test_a_tenant_sees_and_moves_its_own_only(shop, role: str) -> None:
    mine, theirs = await _history(shop), await _history(shop)
    async with shop.tx(role, tenant_id=mine) as tx:
        for table in TENANT_TABLES:
            assert await tx.value(f"select count(*) from billing.{table}") > 0, table
            assert await tx.value(f"select count(*) from billing.{table} where tenant_id <> %s", (mine,)) == 0, table
    async with shop.tx(role) as tx:
        for table in TENANT_TABLES:
            assert await tx.value(f"select count(*) from billing.{table}") == 0, f"{table} without a tenant"
    async with shop.tx("operator") as tx:
        account = await accounts.account_of(tx, theirs)
    with pytest.raises(psycopg.DatabaseError, match="no wallet"):
        async with shop.tx(role, tenant_id=mine) as tx:
            take = {"wallet.available": Decimal(-1), "wallet.held": Decimal(1)}
            await postings.post_entry(tx, postings.Posting("theft", "hold", theirs, account, "EUR", take))


@pytest.mark.parametrize("table", ["holds", "meter_transitions"])
async def test_nobody_writes_rows_of_another_tenant(shop, table: str) -> None:
    mine, theirs = await _history(shop), await _history(shop)
    async with shop.tx("operator") as tx:
        columns = await tx.value(
            "select string_agg(quote_ident(attname), ',') from pg_attribute where attrelid = %s::regclass and attnum > 0 and attname <> 'tenant_id'",
            (f"billing.{table}",),
        )
    for role in ("tenant", "worker"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            async with shop.tx(role, tenant_id=mine) as tx:
                await tx.run(
                    f"insert into billing.{table} ({columns}, tenant_id) select {columns}, %s from billing.{table} limit 1",
                    (theirs,),
                )


async def test_a_reversal_is_the_opposite_and_happens_once(shop) -> None:
    tenant = await shop.tenant()
    allocation = await shop.runs(tenant, 3600)
    await shop.settles(tenant, allocation)
    async with shop.tx("operator") as tx:
        entry = await tx.value("select entry_id from billing.charges where subject_id = %s", (allocation,))
        posted = await ledger.reverse(tx, entry, "billed in error")
        assert posted.amount == Money.of("0.12", "EUR")
    assert await shop.wallet(tenant) == (Decimal(100), Decimal(0))
    async with shop.tx("operator") as tx:
        with pytest.raises(Problem) as again:
            await ledger.reverse(tx, entry, "once more")
        assert again.value.code == "already_reversed"
        hold = await tx.value("select id from billing.ledger_entries where kind = 'hold' and tenant_id = %s", (tenant,))
        with pytest.raises(Problem) as wrong:
            await ledger.reverse(tx, hold, "no")
        assert wrong.value.code == "not_reversible"
        with pytest.raises(Problem) as unknown:
            await ledger.reverse(tx, "entry_nowhere", "no")
        assert unknown.value.status == 404
    await shop.assert_books_balance()


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "1e12"])
async def test_odd_credits_are_refused(shop, amount: str) -> None:
    async with shop.tx("operator") as tx:
        with pytest.raises(Problem) as refused:
            await ledger.grant_credit(tx, "tnt_odd", Money.of(amount, "EUR"), "payment", "odd", "odd:key")
    assert refused.value.field == "amount"
