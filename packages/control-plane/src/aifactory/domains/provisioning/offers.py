"""What can be had where, and what comes closest to a wish. Ranking is pure; prices are billing's, slots are ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from typing_extensions import TypedDict

from aifactory.domains.billing import facade as billing
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning.store import offers as store
from aifactory.domains.provisioning.store.offers import Capacity, Profile
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import not_found

SAME, SAME_ELSEWHERE, SIMILAR, SIMILAR_ELSEWHERE = 0, 1, 2, 3
_REASONS = {
    SAME: "what you asked for",
    SAME_ELSEWHERE: "the same sku in another region",
    SIMILAR: "similar resources in the same region",
    SIMILAR_ELSEWHERE: "similar resources in another region",
}


@dataclass(frozen=True)
class Silicon:
    """What the hardware is, as capabilities. `memory_gb`: of one accelerator; null where there is none."""

    vendor: str
    model: str
    kind: str
    memory_gb: float | None
    interconnect: str
    form_factor: str


@dataclass(frozen=True)
class Resources:
    vcpus: float
    memory_gb: float
    gpus: int


@dataclass(frozen=True)
class NextPrice:
    amount: str
    currency: str
    effective_at: datetime


class IsolationView(TypedDict):
    """The label of a sandbox, in its node's words: what is kept apart and limited, and just as plainly what is not."""

    driver: str
    isolates: list[str]
    not_isolated: list[str]
    limits: list[str]
    not_limited: list[str]


@dataclass(frozen=True)
class CatalogItem:
    """One sku in one region as the catalogue shows it. `isolation`: the label of its nodes. `simulated`: no hardware is behind it."""

    sku: str
    name: str
    description: str
    kind: str
    silicon: Silicon
    resources: Resources
    region_id: str
    price: dict[str, str]
    price_unit: str
    next_price: NextPrice | None
    available: int
    capacity: int
    unavailable_reason: str | None
    isolation: IsolationView | None
    simulated: bool


@dataclass(frozen=True)
class Offer:
    """One place where something could run. `next_free_at` is null when it is not known, which on-demand never is."""

    sku: str
    region_id: str
    available: int
    capacity: int
    rank: int
    reason: str
    next_free_at: datetime | None
    price: dict[str, str]

    @classmethod
    def stored(cls, saved: dict[str, Any]) -> "Offer":
        """The inverse of `wire`."""
        at = saved["next_free_at"]
        return cls(**saved | {"next_free_at": datetime.fromisoformat(at) if at else None})

    def wire(self) -> dict[str, Any]:
        """As it is kept on a refusal."""
        return vars(self) | {"next_free_at": self.next_free_at.isoformat() if self.next_free_at else None}


async def catalog(tx: Tx, region_id: str | None = None) -> list[CatalogItem]:
    """Everything that is sold by the hour, available or not, machines before simulations. 404 for an unknown region."""
    if region_id is not None:
        await platform_control.open_region(tx, region_id)
    simulated = {region.id: region.simulated for region in await platform_control.regions(tx)}
    counts = {(row.region_id, row.sku): row for row in await store.capacity(tx, region_id)}
    profiles = await store.profiles(tx)
    items = [
        _item(price, profiles[price.sku], counts.get((price.region_id, price.sku)), simulated[price.region_id])
        for price in await billing.prices_in(tx, region_id)
        if price.kind == "compute" and price.sku in profiles and price.region_id in simulated
    ]
    return sorted(items, key=lambda item: item.simulated)


async def offers(tx: Tx, sku: str | None = None, region_id: str | None = None) -> list[Offer]:
    """Ranked against `sku` in `region_id` when named; else simply what there is, by price."""
    items = await catalog(tx)
    if sku is None:
        chosen = [item for item in items if region_id in (None, item.region_id)]
        return [_offer(item, SAME, number) for number, item in enumerate(sorted(chosen, key=_price), 1)]
    wanted = next((item for item in items if item.sku == sku and region_id in (None, item.region_id)), None)
    wanted = wanted or next((item for item in items if item.sku == sku), None)
    if wanted is None:
        raise not_found("sku", sku)
    return rank(wanted, region_id or wanted.region_id, items)


async def ranked(tx: Tx, sku: str, region_id: str) -> list[Offer]:
    """Like `offers`, and empty rather than 404 when the sku is not sold any more: used inside flows."""
    items = await catalog(tx)
    wanted = next((item for item in items if item.sku == sku), None)
    return rank(wanted, region_id, items) if wanted else []


def rank(wanted: CatalogItem, region_id: str, items: Sequence[CatalogItem]) -> list[Offer]:
    """What can be had at once first; then the same sku before similar ones, near before far, alike before cheap."""

    def order(item: CatalogItem) -> tuple[bool, int, float, Decimal, str, str]:
        group = _group(wanted, region_id, item)
        distance = 0.0 if group in (SAME, SAME_ELSEWHERE) else _distance(wanted.resources, item.resources)
        return (item.available == 0, group, distance, _price(item), item.region_id, item.sku)

    ordered = sorted((item for item in items if item.silicon.kind == wanted.silicon.kind), key=order)
    return [_offer(item, _group(wanted, region_id, item), number) for number, item in enumerate(ordered, 1)]


def _group(wanted: CatalogItem, region_id: str, item: CatalogItem) -> int:
    far = item.region_id != region_id
    if item.sku == wanted.sku:
        return SAME_ELSEWHERE if far else SAME
    return SIMILAR_ELSEWHERE if far else SIMILAR


def _distance(one: Resources, other: Resources) -> float:
    """How different two shapes are: 0 for equal ones, each doubling of a resource counts the same."""
    pairs = ((one.vcpus, other.vcpus), (one.memory_gb, other.memory_gb), (one.gpus + 1, other.gpus + 1))
    return sum(max(a, b) / min(a, b) - 1 for a, b in pairs)


def _price(item: CatalogItem) -> Decimal:
    return Decimal(item.price["amount"])


def _offer(item: CatalogItem, group: int, number: int) -> Offer:
    reason = (
        _REASONS[group]
        + (", simulated" if item.simulated else "")
        + ("" if item.available else f", {item.unavailable_reason}")
    )
    return Offer(item.sku, item.region_id, item.available, item.capacity, number, reason, None, item.price)


def _item(price: billing.PriceView, profile: Profile, count: Capacity | None, simulated: bool) -> CatalogItem:
    following = price.next_price
    upcoming = NextPrice(**following.price.wire(), effective_at=following.effective_at) if following else None
    return CatalogItem(
        sku=price.sku,
        name=price.name,
        description=price.description,
        kind=price.kind,
        silicon=_silicon(profile),
        resources=_resources(profile, count),
        region_id=price.region_id,
        price=price.price.wire(),
        price_unit="hour",
        next_price=upcoming,
        available=count.available if count else 0,
        capacity=count.capacity if count else 0,
        unavailable_reason=_why_unavailable(count),
        isolation=cast("IsolationView | None", count.isolation) if count else None,
        simulated=simulated,
    )


def _silicon(profile: Profile) -> Silicon:
    memory_gb = float(profile.accelerator_memory_gb) if profile.accelerator_memory_gb is not None else None
    return Silicon(profile.vendor, profile.model, profile.kind, memory_gb, profile.interconnect, profile.form_factor)


def _resources(profile: Profile, count: Capacity | None) -> Resources:
    """What the slots really have, at least; the profile while there are none."""
    if count is None:
        return Resources(float(profile.vcpus), float(profile.memory_gb), profile.gpus)
    return Resources(count.vcpus_millis / 1000, round(count.memory_bytes / 1e9, 3), profile.gpus)


def _why_unavailable(count: Capacity | None) -> str | None:
    if count is None or count.capacity == 0:
        return "no node offers it here yet"
    if count.available:
        return None
    return "its slots are being cleaned" if count.being_cleaned else "all its slots are in use"
