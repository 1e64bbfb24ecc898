"""Room for whole nodes: the development tenants' projects may hold what the simulated region sells."""

from aifactory.domains.iam import quotas
from aifactory.domains.iam.seed import SEEDED
from aifactory.kernel.db import Tx

VCPUS = 1024


async def open_demo(tx: Tx) -> None:
    """Operator transaction. A limit that is not the default any more was somebody's decision and stays."""
    for person in SEEDED:
        for quota in await quotas.usage_of_tenant(tx, person.tenant_id):
            if quota.resource == "vcpus" and quota.limit == quotas.DEFAULT_LIMITS["vcpus"]:
                await quotas.set_limit(tx, person.tenant_id, quota.project_id, quota.resource, VCPUS)
