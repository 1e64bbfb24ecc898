"""What app_platform does when something happened in another domain."""

from typing import Any

from aifactory.domains.app_platform import facade
from aifactory.events.app_platform import GatewayEnrolled, ModelChanged, ModelOffered
from aifactory.events.billing import PriceChanged
from aifactory.events.iam import (
    ApiKeyCreated,
    ApiKeyRevoked,
    MemberAdded,
    MemberRemoved,
    ProjectDeleted,
    TenantResumed,
    TenantSuspended,
)
from aifactory.events.provisioning import AllocationReleaseRequested
from aifactory.kernel.consumers import consumer
from aifactory.kernel.db import Tx


@consumer("app_platform.end_with_allocation", on=AllocationReleaseRequested)
async def end_with_allocation(tx: Tx, event: AllocationReleaseRequested) -> None:
    """The instances' flows look at once, and not only at their next round."""
    await facade.end_with_allocation(tx, event.allocation_id)


@consumer("app_platform.open_account_of_key", on=ApiKeyCreated)
async def open_account_of_key(tx: Tx, event: ApiKeyCreated) -> None:
    """A key that may call models needs somebody who pays; then gateways learn of it."""
    await facade.open_account(tx)
    await facade.refresh_snapshots(tx)


@consumer(
    "app_platform.refresh_snapshots",
    on=(
        *(ApiKeyRevoked, MemberAdded, MemberRemoved, ProjectDeleted, TenantResumed, TenantSuspended),
        *(PriceChanged, ModelOffered, ModelChanged, GatewayEnrolled),
    ),
)
async def refresh_snapshots(tx: Tx, event: Any) -> None:
    """Gateways hear within the second what they must not do any more."""
    await facade.refresh_snapshots(tx)
