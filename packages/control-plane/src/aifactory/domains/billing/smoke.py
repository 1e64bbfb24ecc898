"""What an operator may ask of a running system about money."""

from aifactory.kernel.manifest import SmokeCheck

BOOKS = "billing/books-do-not-balance"
SMOKE = (
    SmokeCheck("the wallet asks who you are", "/api/v3/wallet", "the route is mounted and refuses a visitor", 401),
    SmokeCheck("the wallet can be read", "/api/v3/wallet", "credit and holds of your tenant add up", permission="wallet.read"),
    SmokeCheck(
        "your books balance", "/api/v3/ledger/trial-balance", "debits and credits of your tenant are equal",
        permission="ledger.read", member="balanced", equals=True, runbook=BOOKS,
    ),
    SmokeCheck(
        "the books balance", "/api/v3/admin/ledger/trial-balance", "debits and credits of all tenants are equal",
        permission="platform.billing.read", member="balanced", equals=True, runbook=BOOKS,
    ),
)  # fmt: skip
