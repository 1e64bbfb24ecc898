"""What an operator may ask of a running system about apps."""

from aifactory.kernel.manifest import SmokeCheck

SMOKE = (
    SmokeCheck(
        "signed apps are offered", "/api/v3/apps", "manifests that a trusted publisher signed can be read by anyone",
        member="items", runbook="app_platform/instance-stuck",
    ),
    SmokeCheck("models can be looked at", "/api/v3/models", "visitors read what is sold by the token",
        runbook="app_platform/gateway-silent"),
    SmokeCheck("instances ask who you are", "/api/v3/instances", "visitors see no instance of anybody", 401),
    SmokeCheck(
        "instances can be listed", "/api/v3/instances", "what your tenant's apps do can be read", permission="instance.read"
    ),
)  # fmt: skip
