"""Credit that a gateway may spend for an account by itself: taken from the account before it is spent."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from aifactory.domains.app_platform.inference import gateways
from aifactory.domains.app_platform.inference.models import skus_of
from aifactory.domains.app_platform.store import models as store
from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, not_found, payment_required
from aifactory.kernel.principal import Principal
from aifactory_protocol.gateway import Lease, LeaseRequest

LIFE = timedelta(minutes=15)  # for as long a gateway that lost the control plane may spend
NANOS = 10**9


async def lease(tx: Tx, gateway_id: str, wanted: LeaseRequest) -> Lease:
    """Worker role. Raises Problem 402 when the account has not that much or may not buy; 404 for an unknown account.
    The same id again answers the same lease."""
    gateway = await gateways.working(tx, gateway_id)
    tenants = list(await billing.payers(tx, [wanted.account_id]))
    if not tenants:
        raise not_found("account", wanted.account_id)
    await tx.set_tenant(tenants[0])
    await _pass_gate(tx, gateway.region_id)
    least = max(Decimal(wanted.least) / NANOS, Decimal(1) / NANOS)
    made = await billing.lease_credit(tx, billing.LeaseWish(wanted.id, gateway_id, wanted.currency, least, LIFE))
    return Lease(made.lease_id, wanted.account_id, wanted.currency, int(made.amount.amount * NANOS), made.expires_at)


async def _pass_gate(tx: Tx, region_id: str) -> None:
    """Who may buy nothing of what is sold by the token gets no credit to spend on it."""
    offered = await store.models(tx, "offered", region_id)
    if not offered:
        raise payment_required("nothing_for_sale", f"No model is offered in region {region_id}.", "Ask the operator.")
    project = await iam.default_project(tx)
    await billing.authorize_usage(tx, project.id, skus_of(offered[0].id), region_id)


async def give_back(database: Database, who: Principal, lease_ids: Sequence[str]) -> None:
    """What remains of them is available again; each in a transaction of its own, since they are many tenants'. What is not
    this gateway's, or not there, is left alone: a gateway cannot do better than forget it."""
    for lease_id in lease_ids:
        async with database.tx("worker", who) as tx:
            tenant_id = await billing.tenant_of_lease(tx, lease_id)
            if tenant_id is not None:
                await tx.set_tenant(tenant_id)
                with suppress(Problem):
                    await billing.end_lease(tx, lease_id, who.id)
