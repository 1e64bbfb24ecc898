"""What billing brings into the house."""

from pathlib import Path

from aifactory.domains.billing.demo import open_demo
from aifactory.domains.billing.leases import END_LEASES
from aifactory.domains.billing.rolling import ROLL_HOLDS
from aifactory.domains.billing.routes import credits, ledger, prices, quotes, statement, usage, wallet
from aifactory.domains.billing.seed import seed
from aifactory.domains.billing.smoke import SMOKE
from aifactory.domains.billing.usage import SETTLE_USAGE
from aifactory.events import billing as events
from aifactory.kernel.manifest import Manifest

MANIFEST = Manifest(
    "billing",
    Path(__file__).parent,
    routers=(
        quotes.router, usage.router, statement.router, wallet.router, ledger.router, ledger.operator_router, prices.router, credits.router,
    ),
    schedules=(ROLL_HOLDS, SETTLE_USAGE, END_LEASES),
    events=events,
    smoke=SMOKE,
    permissions={
        "usage.read": "see what ran, for how long and at what cost",
        "statement.read": "see the bills of a month",
        "wallet.read": "see credit and what is set aside of it",
        "ledger.read": "see the tenant's postings and their trial balance",
        "platform.prices.read": "see all prices ever set",
        "platform.prices.write": "set prices from now on",
        "platform.billing.read": "see the books of all tenants",
        "platform.billing.write": "grant credit, credit outages, record payer facts, reverse entries",
    },
    seed=seed,
    demo=open_demo,
)  # fmt: skip
