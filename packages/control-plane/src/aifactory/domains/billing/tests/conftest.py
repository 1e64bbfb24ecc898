"""A shop in a box: skus with prices, tenants with credit, and a clock that the test moves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg import AsyncConnection

from aifactory.domains.billing import ledger, metering, prices, purchase, rolling, settlement
from aifactory.domains.billing import usage as counting
from aifactory.domains.billing.store import accounts, catalogue, holds
from aifactory.kernel.db import Database, Role, Tx
from aifactory.kernel.money import Money
from aifactory.kernel.principal import Principal

REGION = "local"
SKU = "test.cpu"
TOKENS = "small.input"

# Wallets that hold something else than what open holds and open leases hold.
HELD_FOR_NOTHING = """
select w.account_id, w.currency, w.held from billing.wallets w
 where w.held <> coalesce((select sum(h.amount) from billing.holds h
                            where h.account_id = w.account_id and h.currency = w.currency and h.state = 'held'), 0)
               + coalesce((select sum(l.remaining) from billing.credit_leases l
                            where l.account_id = w.account_id and l.currency = w.currency and l.state = 'open'), 0)
"""


class Shop:
    """Speaks billing's language for one tenant at a time. `clock` is when the next transaction happens."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids, self.pool, self.row_texts = database.ids, database.pool, database.row_texts
        self.clock = datetime(2027, 3, 1, 12, 0, 0, 100_000, tzinfo=UTC)
        self.made = 0

    def new(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}_{self.made:06d}{id(self) % 997:03d}"

    @asynccontextmanager
    async def tx(
        self, role: Role = "worker", principal: Principal | None = None, tenant_id: str | None = None, *about: str
    ) -> AsyncIterator[Tx]:
        who = principal or Principal("usr_test", "user", "test user", tenant_id)
        async with self.database.tx(role, who, tenant_id, *about) as tx:
            await tx.run(
                "select set_config('aif.clock_offset', (%s::timestamptz - clock_timestamp())::text, true)",
                (self.clock,),
            )
            yield tx

    async def first_alive(self, use: Callable[[AsyncConnection], Awaitable[Any]]) -> tuple[AsyncConnection, Any]:
        """What the API's reads go through: at this clock, and without leaving it behind on the connection."""

        async def at_this_clock(connection: AsyncConnection) -> Any:
            ahead = "select set_config('aif.clock_offset', (%s::timestamptz - clock_timestamp())::text, false)"
            await connection.execute(ahead, (self.clock,))
            try:
                return await use(connection)
            finally:
                await connection.execute("select set_config('aif.clock_offset', '', false)")

        return await self.database.first_alive(at_this_clock)

    def pass_seconds(self, seconds: int) -> None:
        self.clock += timedelta(seconds=seconds)

    @property
    def second(self) -> datetime:
        return self.clock.replace(microsecond=0)

    async def sells(self, price: str = "0.12", sku: str = SKU) -> None:
        async with self.tx("operator") as tx:
            await catalogue.upsert_sku(tx, sku, sku, "", "compute", "hour")
            await catalogue.insert_price(tx, sku, REGION, "EUR", Decimal(price), self.second, "first")
            await catalogue.upsert_policy(
                tx, catalogue.PolicyRow(tx.ids.new("policy"), REGION, "*", "*", False, True, True)
            )

    async def sells_tokens(self, price: str, sku: str = TOKENS) -> datetime:
        """By the million; from the returned instant on, which is past when this returns."""
        async with self.tx("operator") as tx:
            await prices.add_sku(tx, sku, f"{sku} tokens", "", "inference", "million_tokens")
        since = await self.reprices(price, sku=sku)
        self.pass_seconds(2)
        return since

    def tokens(self, quantity: int, source_id: str = "key_1", sku: str = TOKENS, **more: Any) -> counting.Usage:
        """Used in the last second."""
        at = {"from_at": self.second - timedelta(seconds=1), "to_at": self.second}
        return counting.Usage(source_id, sku, "prj_test", REGION, sku, quantity=quantity, **(at | more))

    async def reprices(self, price: str, at: datetime | None = None, sku: str = SKU) -> datetime:
        async with self.tx("operator") as tx:
            changed = await prices.change_price(tx, prices.NewPrice(sku, REGION, Decimal(price), "EUR", at, "test"))
            return changed.effective_at

    async def tenant(self, credit: str = "100.00") -> str:
        tenant_id = self.new("tnt")
        async with self.tx("operator") as tx:
            await accounts.ensure_wallet(tx, tenant_id, "EUR")
            if Decimal(credit):
                await ledger.grant_credit(
                    tx, tenant_id, Money.of(credit, "EUR"), "promotional_credit", "test", f"welcome:{tenant_id}"
                )
        return tenant_id

    async def buys(self, tenant_id: str, subject_id: str | None = None, sku: str = SKU) -> str:
        subject_id = subject_id or self.new("alloc")
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            await purchase.authorize(tx, purchase.Purchase(subject_id, "prj_test", sku, REGION))
        return subject_id

    async def opens(self, tenant_id: str, subject_id: str, sku: str = SKU) -> None:
        async with self.tx(tenant_id=tenant_id) as tx:
            await metering.open_meter(tx, subject_id, sku, REGION, "prj_test", self.clock, {"name": "nightly"})

    async def closes(self, tenant_id: str, subject_id: str) -> None:
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            await metering.close_meter(tx, subject_id, self.clock)

    async def settles(self, tenant_id: str, subject_id: str) -> Decimal:
        async with self.tx(tenant_id=tenant_id) as tx:
            return (await settlement.settle(tx, subject_id)).amount

    async def voids(self, tenant_id: str, subject_id: str) -> None:
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            await purchase.void(tx, subject_id)

    async def runs(self, tenant_id: str, seconds: int, sku: str = SKU) -> str:
        """Bought, opened, run for so long, closed; not settled."""
        subject_id = await self.buys(tenant_id, sku=sku)
        await self.opens(tenant_id, subject_id, sku)
        self.pass_seconds(seconds)
        await self.closes(tenant_id, subject_id)
        return subject_id

    async def outage(self, tenant_id: str, subject_id: str, from_at: datetime, to_at: datetime) -> Decimal:
        async with self.tx(tenant_id=tenant_id) as tx:
            return (await metering.credit_outage(tx, subject_id, from_at, to_at, "the rack lost power")).amount

    async def rolls(self) -> int:
        return await rolling.roll_due(self)  # type: ignore[arg-type]

    async def wallet(self, tenant_id: str) -> tuple[Decimal, Decimal]:
        """(available, held)"""
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            row = (await accounts.wallets_of(tx, tenant_id))[0]
            return row.available, row.held

    async def hold(self, tenant_id: str, subject_id: str) -> holds.HoldRow:
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            row = await holds.hold(tx, subject_id)
            assert row is not None
            return row

    async def cost(self, tenant_id: str, subject_id: str) -> Decimal:
        async with self.tx("tenant", tenant_id=tenant_id) as tx:
            return (await settlement.running_cost(tx, [subject_id]))[subject_id].amount

    async def events(self, type: str, subject_id: str | None = None) -> list[dict[str, object]]:
        async with self.tx("operator") as tx:
            rows = await tx.all(
                "select payload from kernel.outbox where type = %s and (%s::text is null or payload ->> 'subject_id' = %s) order by occurred_at, id",
                (type, subject_id, subject_id),
            )
            return [row[0] for row in rows]

    async def assert_books_balance(self) -> None:
        async with self.tx("operator") as tx:
            crooked = await tx.all(
                "select entry_id, currency from billing.ledger_lines group by entry_id, currency having sum(amount) <> 0"
            )
            assert crooked == []
            assert await accounts.drifted_wallets(tx) == []
            assert await tx.all(HELD_FOR_NOTHING) == []


@pytest.fixture
async def shop(database: Database) -> Shop:
    made = Shop(database)
    await made.sells()
    return made
