"""Credit leased to holders that spend it by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class LeaseRow:
    id: str
    tenant_id: str
    account_id: str
    currency: str
    holder_id: str
    amount: Decimal
    remaining: Decimal
    state: str
    expires_at: datetime
    version: int


@dataclass(frozen=True)
class EndRow:
    lease_id: str
    tenant_id: str


_columns = "id, tenant_id, account_id, currency, holder_id, amount, remaining, state, expires_at, version"
LEASE = f"select {_columns} from billing.credit_leases where id = %(id)s"
# Of a tenant and not of one lease: whoever draws on several would hold the wallet while it waits for the next lease.
ALONE = "select pg_advisory_xact_lock(hashtextextended('billing.leases/' || kernel.tenant(), 0))"
TAKEN = "select tenant_id from billing.lease_ends where lease_id = %(id)s"
INSERT_LEASE = f"""
insert into billing.credit_leases (id, tenant_id, account_id, currency, holder_id, amount, remaining, expires_at)
values (%(id)s, %(tenant_id)s, %(account_id)s, %(currency)s, %(holder_id)s, %(amount)s, %(amount)s, %(expires_at)s)
on conflict (id) do nothing returning {_columns}
"""
EXPECT_END = """
insert into billing.lease_ends (lease_id, tenant_id, ends_at) values (%(id)s, %(tenant_id)s, %(expires_at)s)
on conflict (lease_id) do nothing
"""
FORGET_END = "delete from billing.lease_ends where lease_id = %(id)s"
DRAW = """
update billing.credit_leases set remaining = remaining - %(amount)s, version = version + 1, updated_at = kernel.now()
 where id = %(id)s
"""
END = """
update billing.credit_leases set remaining = 0, state = 'ended', version = version + 1, updated_at = kernel.now(), ended_at = kernel.now()
 where id = %(id)s
"""
DUE = "select lease_id, tenant_id from billing.lease_ends where ends_at <= %(before)s order by ends_at limit %(limit)s"
PAYERS = "select tenant_id, account_id from billing.payers(%(account_ids)s::text[])"


async def lock(tx: Tx, lease_id: str) -> LeaseRow | None:
    """Until the commit nobody else touches a lease of this transaction's tenant. After holds and before the wallet."""
    await tx.run(ALONE)
    return await tx.one(LEASE, {"id": lease_id}, into=LeaseRow)


async def insert(tx: Tx, **values: object) -> LeaseRow | None:
    """None when there is a lease of this id, whoever's it is."""
    row = await tx.one(INSERT_LEASE, values, into=LeaseRow)
    if row is not None:
        await tx.run(EXPECT_END, values)
    return row


async def draw(tx: Tx, lease_id: str, amount: Decimal) -> None:
    await tx.run(DRAW, {"id": lease_id, "amount": amount})


async def end(tx: Tx, lease_id: str) -> None:
    await tx.run(END, {"id": lease_id})
    await tx.run(FORGET_END, {"id": lease_id})


async def due(tx: Tx, before: datetime, limit: int) -> list[EndRow]:
    return await tx.all(DUE, {"before": before, "limit": limit}, into=EndRow)


async def tenant_of(tx: Tx, lease_id: str) -> str | None:
    """Whose an open lease is."""
    return await tx.value(TAKEN, {"id": lease_id})


async def payers(tx: Tx, account_ids: Sequence[str] | None) -> dict[str, str]:
    """tenant -> account, of these accounts or of all."""
    rows = await tx.all(PAYERS, {"account_ids": None if account_ids is None else list(account_ids)})
    return {str(tenant): str(account) for tenant, account in rows}
