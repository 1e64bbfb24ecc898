"""What an operator may ask of a running system about the platform itself."""

from aifactory.kernel.manifest import SmokeCheck

SMOKE = (
    SmokeCheck(
        "regions are public", "/api/v3/regions", "the API, its database and the seed are there",
        member="items", runbook="platform_control/process-silent",
    ),
    SmokeCheck("health is for operators", "/api/v3/admin/health", "operators' routes refuse a visitor", 401),
    SmokeCheck(
        "the platform is well", "/api/v3/admin/health", "database, broker, workers, events, flows and schedules work",
        permission="platform.health.read", member="state", equals="ok", runbook="platform_control/process-silent",
    ),
    SmokeCheck(
        "promises are counted", "/api/v3/slos", "what every domain promises is reported to operators",
        permission="platform.slo.read", member="items", runbook="platform_control/error-budget-burning",
    ),
    SmokeCheck("webhooks are a tenant's", "/api/v3/webhooks", "webhooks are mounted and refuse a visitor", status=401),
)  # fmt: skip
