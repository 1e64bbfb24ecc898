"""What gateways carried: taken in once, booked by the second, summed for whoever pays.

Taking in and booking are apart. A batch is only stored, in one transaction for each tenant in it; the worker then books what
has come since it last looked: counted use under the key's name, at the price of the moment in which a request began, paid
out of the lease on which it ran.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from aifactory.domains.app_platform.inference import gateways
from aifactory.domains.app_platform.inference.models import skus_of
from aifactory.domains.app_platform.store import models, token_usage
from aifactory.domains.app_platform.store.token_usage import CarriedRow, UsageRow
from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, invalid
from aifactory.kernel.money import quantize9
from aifactory.kernel.principal import Principal
from aifactory.kernel.schedules import Schedule, each_in_its_tenant
from aifactory_protocol.gateway import UsageAnswer, UsageBatch, UsageRecord

OLDEST = timedelta(days=31)  # what comes later than this is looked at by people
CLOCK_SKEW = timedelta(minutes=2)
BOOK_EVERY_SECONDS = 2
MOST_TENANTS = 1_000
LONGEST = timedelta(days=93)
MILLION = 1_000_000


async def take(database: Database, who: Principal, batch: UsageBatch) -> UsageAnswer:
    """Stores each record once. `refused` in the answer: records that can be nobody's; the gateway tells them no more."""
    async with database.tx("worker", who) as tx:
        region_id = (await gateways.working(tx, who.id)).region_id
        known = {row.id for row in await models.models(tx, region_id=region_id)}
        named = sorted({record.account_id for record in batch.records})
        payers = {account_id: tenant_id for tenant_id, account_id in (await billing.payers(tx, named)).items()}
        now = await tx.now()
    refused: dict[str, str] = {}
    by_tenant: dict[str, list[UsageRecord]] = defaultdict(list)
    for record in batch.records:
        code = _refusal(record, known, payers, now)
        if code:
            refused[record.id] = code
        else:
            by_tenant[record.tenant_id].append(record)
    for tenant_id, records in sorted(by_tenant.items()):
        async with database.tx("worker", who) as tx:
            await tx.set_tenant(tenant_id)
            await token_usage.insert(tx, tenant_id, _columns(records, who.id, region_id))
    return UsageAnswer(refused)


def _refusal(record: UsageRecord, models: set[str], payers: dict[str, str], now: datetime) -> str:
    if payers.get(record.account_id) != record.tenant_id:
        return "unknown_account"
    if record.model not in models:
        return "unknown_model"
    if not now - OLDEST <= record.started_at <= record.ended_at + CLOCK_SKEW or record.ended_at > now + CLOCK_SKEW:
        return "impossible_time"
    return ""


def _columns(records: Sequence[UsageRecord], gateway_id: str, region_id: str) -> dict[str, list[object]]:
    same = ("id", "started_at", "key_id", "project_id", "upstream_id", "lease_id", "tokens_in", "tokens_out")
    columns: dict[str, list[object]] = {name: [getattr(one, name) for one in records] for name in same}
    return columns | {
        "ended_at": [max(one.ended_at, one.started_at) for one in records],
        "gateway_id": [gateway_id] * len(records),
        "region_id": [region_id] * len(records),
        "model_id": [one.model for one in records],
        "counted_by": [one.counted_by for one in records],
        "outcome": [one.outcome for one in records],
        "streamed": [one.streamed for one in records],
    }


async def book_due(database: Database) -> int:
    """Books what has come, each tenant in a transaction of its own. Returns how many tenants were booked."""
    who = Principal.service("app_platform.book_tokens")
    async with database.tx("worker", who) as tx:
        due = await token_usage.due_tenants(tx, MOST_TENANTS)
    return await each_in_its_tenant(
        database, who, due, lambda tenant_id: tenant_id, _book, "tenants' tokens could not be booked"
    )


BOOK = Schedule("app_platform.book_tokens", BOOK_EVERY_SECONDS, book_due)


async def _book(tx: Tx, tenant_id: str) -> None:
    """Locks the clock, then the purchases' holds, then the wallet: the order of everybody who books."""
    booked_to = await token_usage.lock_clock(tx, tenant_id)
    until = (await tx.now()).replace(microsecond=0)
    began_at = await token_usage.first(tx, tenant_id)
    if booked_to is None or began_at is None or until <= booked_to:
        return  # with more than one look a second there is no interval to book in: the next look finds it
    changes = await _changes(tx, began_at)
    sheet = _Sheet(tx, booked_to, until, changes)
    for row in await token_usage.carried(tx, tenant_id, changes):
        await sheet.add(row)
    await sheet.post()
    await token_usage.booked(tx, tenant_id, until)


async def _changes(tx: Tx, since: datetime) -> list[datetime]:
    """When a price of a model changed: what began before and after is summed apart."""
    rows = await models.models(tx)
    regions = {row.region_id for row in rows}
    found: set[datetime] = set()
    for region_id in regions:
        skus = [sku for row in rows if row.region_id == region_id for sku in skus_of(row.id)]
        found.update(await billing.price_changes(tx, skus, region_id, since))
    return sorted(found)


@dataclass(frozen=True, order=True)
class _Line:
    """What is counted together: tokens of one direction, under one price, which holds at `priced_at`."""

    key_id: str
    sku: str
    project_id: str
    region_id: str
    priced_at: datetime


class _Sheet:
    """One tenant's tokens of [from, to), summed up before anything is posted."""

    def __init__(self, tx: Tx, from_at: datetime, to_at: datetime, changes: Sequence[datetime]) -> None:
        self._tx = tx
        self._from_at, self._to_at, self._changes = from_at, to_at, changes
        self._prices: dict[tuple[str, str, int], billing.PriceView] = {}
        self._tokens: dict[_Line, int] = defaultdict(int)
        self._on_lease: dict[str, Decimal] = defaultdict(Decimal)

    async def add(self, row: CarriedRow) -> None:
        for sku, tokens in zip(skus_of(row.model_id), (row.tokens_in, row.tokens_out), strict=True):
            if tokens:
                price = await self._price(sku, row.region_id, row.began_at)
                self._tokens[_Line(row.key_id, sku, row.project_id, row.region_id, price.effective_at)] += tokens
                self._on_lease[row.lease_id] += tokens * price.price.amount / MILLION

    async def post(self) -> None:
        for line, tokens in sorted(self._tokens.items()):
            used = billing.Usage(
                source_id=line.key_id,
                name=line.sku,
                project_id=line.project_id,
                region=line.region_id,
                sku=line.sku,
                from_at=self._from_at,
                to_at=self._to_at,
                quantity=tokens,
                priced_at=line.priced_at,
            )
            await billing.record_usage(self._tx, used)
        for lease_id, amount in sorted(self._on_lease.items()):
            await billing.draw_on_lease(self._tx, lease_id, quantize9(amount))
        for key_id in sorted({line.key_id for line in self._tokens}):
            await billing.cover_usage(self._tx, key_id)

    async def _price(self, sku: str, region_id: str, at: datetime) -> billing.PriceView:
        """The one in force then. A gateway whose clock is behind may have begun before the first: that one counts."""
        place = sku, region_id, bisect_right(self._changes, at)
        if place not in self._prices:
            try:
                self._prices[place] = await billing.price_of(self._tx, sku, region_id, at)
            except Problem:
                self._prices[place] = await billing.price_of(self._tx, sku, region_id)
        return self._prices[place]


async def sums(
    tx: Tx, since: datetime | None, until: datetime | None, by: Sequence[str], project_id: str | None
) -> list[UsageRow]:
    """Requests and tokens of the projects that the caller may see, the most tokens first; the last day when not said.
    422 for more than 93 days."""
    end = until or await tx.now()
    begin = since or end - timedelta(days=1)
    if not begin < end <= begin + LONGEST:
        raise invalid("since", f"A period of at most {LONGEST.days} days, its beginning before its end.")
    visible = iam.visible_projects(tx, "token_usage.read")
    if project_id is not None:
        visible = [project_id] if visible is None or project_id in visible else []
    return await token_usage.sums(tx, begin, end, by, visible)
