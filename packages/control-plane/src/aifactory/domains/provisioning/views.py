"""What leaves this domain about allocations: frozen dataclasses that look like the API's answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.domains.provisioning.allocation import Allocation
from aifactory.domains.provisioning.offers import IsolationView, Offer
from aifactory.kernel.money import Money
from aifactory.kernel.money_wire import MoneyView, money
from aifactory.kernel.pagination import Page, encode_cursor
from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class SshAccessView:
    """`host_key` is one OpenSSH public key line: pin it."""

    host: str
    port: int
    user: str
    host_key: str
    command: str


@dataclass(frozen=True)
class AccessView:
    ssh: SshAccessView


@dataclass(frozen=True)
class MountView:
    id: str
    name: str
    size_gb: int
    mount_path: str


@dataclass(frozen=True)
class RefusalView:
    """Why there was no place, and what there is instead."""

    code: str
    detail: str
    offers: list[Offer]


@dataclass(frozen=True)
class FailureView:
    code: str
    detail: str


@dataclass(frozen=True)
class Sandbox:
    """Where an allocation runs, for what is built upon it. `host`, `port`, `host_key` of its door only while it `runs`."""

    allocation_id: str
    project_id: str
    region_id: str
    state: str
    runs: bool
    node_id: str = ""
    host: str = ""
    port: int = 0
    host_key: str = ""


@dataclass(frozen=True)
class NodeAnswer:
    """How an order to a node stands. `done` only with the node's signed word; `code` and `detail` when it is not."""

    finished: bool
    done: bool
    code: str
    detail: str
    output: dict[str, Any]


@dataclass(frozen=True)
class AllocationView:
    """An allocation as the API shows it. `access` is there only while it is active and nobody asked for its release."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[Condition]
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    sku: str
    mode: str
    image: str
    node_id: str | None
    slot_id: str | None
    desired_state: str
    access: AccessView | None
    volumes: list[MountView]
    isolation: IsolationView | None
    price: MoneyView
    quote_id: str | None
    running_cost: MoneyView | None
    activated_at: datetime | None
    release_requested_at: datetime | None
    release_reason: str
    released_at: datetime | None
    refusal: RefusalView | None
    failure: FailureView | None


@dataclass(frozen=True)
class TransitionView:
    """One step of an allocation's life. `seconds` is how long the state before lasted."""

    seq: int
    from_state: str | None
    to_state: str
    who: str
    why: str
    at: datetime
    seconds: float
    deadline_seconds: float | None


def allocation_view(row: Allocation, costs: Mapping[str, Money]) -> AllocationView:
    same = {name: getattr(row, name) for name in AllocationView.__dataclass_fields__ if hasattr(row, name)}
    cost = costs.get(row.id)
    return AllocationView(
        **same
        | {
            "access": AccessView(SshAccessView(**row.access["ssh"])) if row.access else None,
            "volumes": [MountView(**volume) for volume in row.volumes],
            "price": money(Money(row.price_amount, row.price_currency)),
            "running_cost": money(cost) if cost else None,
            "refusal": _refusal(row.refusal) if row.refusal else None,
            "failure": FailureView(**row.failure) if row.failure else None,
        }
    )


def allocation_page(page: Page, items: Sequence[str], costs: Mapping[str, Money]) -> bytes:
    """`{items, next_cursor}` of JSON objects that end with an empty running_cost, fetched with `limit + 1`."""
    shown, cursor = items[: page.limit], None
    if costs:
        shown = [_with_cost(item, costs) for item in shown]
    if len(items) > page.limit:
        last = json.loads(items[page.limit - 1])
        cursor = encode_cursor((last["created_at"], last["id"]))
    return f'{{"items":[{",".join(shown)}],"next_cursor":{json.dumps(cursor)}}}'.encode()


def _with_cost(item: str, costs: Mapping[str, Money]) -> str:
    cost = costs.get(json.loads(item)["id"])
    return f"{item.removesuffix('null}')}{json.dumps(cost.wire())}}}" if cost else item


def _refusal(saved: dict[str, Any]) -> RefusalView:
    return RefusalView(saved["code"], saved["detail"], [Offer.stored(offer) for offer in saved["offers"]])


def sandbox_view(row: Allocation) -> Sandbox:
    """From the request of a release on it does not run any more, whatever its node still does."""
    if row.state != "active" or row.release_requested_at is not None or row.access is None:
        return Sandbox(row.id, row.project_id, row.region_id, row.state, runs=False)
    ssh = row.access["ssh"]
    return Sandbox(
        row.id,
        row.project_id,
        row.region_id,
        row.state,
        True,
        row.node_id or "",
        ssh["host"],
        ssh["port"],
        ssh["host_key"],
    )
