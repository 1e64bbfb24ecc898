"""What anyone may ask of a running system about its pages."""

from aifactory.kernel.manifest import SmokeCheck

UNAVAILABLE = "product/page-unavailable"
SMOKE = (
    SmokeCheck(
        "anyone can read the price page", "/api/v3/pages/catalog", "catalogue, prices and capacity can be joined",
        member="items", runbook=UNAVAILABLE,
    ),
    SmokeCheck("a visitor has no home", "/api/v3/pages/home", "pages of a tenant refuse a visitor", 401),
    SmokeCheck(
        "home can be read", "/api/v3/pages/home", "your allocations, credit and quota can be joined",
        permission="allocation.read", runbook=UNAVAILABLE,
    ),
    SmokeCheck(
        "a visitor's draft can be asked for", "/api/v3/launch-drafts/visitor", "launches are kept before signing in",
        runbook="product/drafts-not-kept",
    ),
)  # fmt: skip
