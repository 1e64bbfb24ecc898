"""What an operator may ask of a running system about volumes and buckets."""

from aifactory.kernel.manifest import SmokeCheck

SMOKE = (
    SmokeCheck("volumes ask who you are", "/api/v3/volumes", "the route is mounted and refuses a visitor", 401),
    SmokeCheck(
        "volumes can be listed", "/api/v3/volumes", "the disks of your tenant can be read",
        permission="volume.read", runbook="storage_network/volume-stuck",
    ),
    SmokeCheck("buckets ask who you are", "/api/v3/buckets", "the route is mounted and refuses a visitor", 401),
    SmokeCheck(
        "buckets can be listed", "/api/v3/buckets", "the buckets of your tenant can be read",
        permission="bucket.read", runbook="storage_network/bucket-stuck",
    ),
    SmokeCheck(
        "networks can be listed", "/api/v3/networks", "their table can be read by a tenant",
        permission="network.read", runbook="storage_network/networks-do-not-answer",
    ),
    SmokeCheck(
        "security groups can be listed", "/api/v3/security-groups", "their table can be read by a tenant",
        permission="security_group.read", runbook="storage_network/security-groups-do-not-answer",
    ),
    SmokeCheck(
        "published ports can be listed", "/api/v3/published-ports", "their table can be read by a tenant",
        permission="published_port.read", runbook="storage_network/published-ports-do-not-answer",
    ),
)  # fmt: skip
