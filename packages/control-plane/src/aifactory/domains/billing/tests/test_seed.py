"""What a freshly installed development machine has."""

from decimal import Decimal

from aifactory.domains.billing import facade
from aifactory.domains.billing.seed import seed
from aifactory.domains.billing.store import accounts
from aifactory.domains.iam import facade as iam
from aifactory.kernel.money import Money


async def test_the_machine_has_its_price_list(database) -> None:
    async with database.tx("tenant") as tx:
        prices = {price.sku: price.price for price in await facade.prices_in(tx, "local")}
        assert prices == {
            "local.cpu.1": Money.of("0.12", "EUR"),
            "volume.gb": Money.of(0, "EUR"),
            "bucket.storage": Money.of("0.02", "EUR"),
            "bucket.egress": Money.of("0.01", "EUR"),
            "bucket.ingress": Money.of(0, "EUR"),
        }
        assert (await facade.quote(tx, "local.cpu.1", "local", 2, Decimal(10))).total == Money.of("2.40", "EUR")


async def test_seeding_again_gives_no_second_credit(tx_as) -> None:
    for _ in range(2):
        async with tx_as(role="worker") as tx:
            await seed(tx)
    for person, credit in ((iam.DEMO, 100), (iam.OTHER, 100), (iam.ADMIN, 0)):
        async with tx_as(person.tenant_id) as tx:
            (wallet,) = await accounts.wallets_of(tx, person.tenant_id)
            assert (wallet.currency, wallet.available, wallet.held) == ("EUR", credit, 0)


async def test_demo_can_buy_at_once(tx_as) -> None:
    async with tx_as(role="worker") as tx:
        await seed(tx)
    async with tx_as(iam.DEMO.tenant_id) as tx:
        wanted = facade.Purchase("alloc_demo", "prj_demo", "local.cpu.1", "local", "EUR")
        assert (await facade.authorize_purchase(tx, wanted)).amount == Money.of("0.12", "EUR")
