import pytest

from aifactory.kernel.errors import Problem


async def test_what_raises_leaves_nothing(tx_as):
    with pytest.raises(Problem):
        async with tx_as("tnt_a") as tx:
            await tx.audit("thing.made", "thing_1")
            raise Problem(409, "no", "no")
    async with tx_as(role="worker") as tx:
        assert await tx.value("select count(*) from kernel.audit") == 0


async def test_a_tenant_sees_only_its_own_rows(tx_as):
    async with tx_as("tnt_a") as tx:
        await tx.audit("thing.made", "thing_1")
    async with tx_as("tnt_b") as tx:
        assert await tx.value("select count(*) from kernel.audit") == 0
    async with tx_as("tnt_a") as tx:
        assert await tx.value("select count(*) from kernel.audit") == 1
    async with tx_as(None) as tx:
        assert await tx.value("select count(*) from kernel.audit") == 0
