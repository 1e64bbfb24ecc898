"""What may happen to a bucket: pure decisions over its row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.domains.storage_network.object_stores import ObjectStoreDriver
from aifactory.domains.storage_network.ports import Access
from aifactory.kernel.errors import conflict, invalid

KIND = "storage_network.bucket"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,49}[a-z0-9])?")
SUFFIX_LENGTH = 11
BYTES_PER_GB = 1_000_000_000


class BucketState(StrEnum):
    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True)
class Bucket:
    """A row of storage_network.buckets. Sizes and counts are in bytes."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    driver: str
    endpoint: str
    bucket: str
    quota_bytes: int
    versioning: bool
    deleting: str
    over_quota: bool
    uncovered: bool
    access: Access
    bytes_stored: int
    received_bytes: int
    sent_bytes: int
    sampled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def wanted_access(self) -> Access:
        """What its keys may do at most. Whose credit has ended pays for no reading either; deleting always works."""
        if self.uncovered:
            return "none"
        return "no_writes" if self.over_quota else "full"


def name_on_store(name: str, bucket_id: str) -> str:
    """Names are one space for everybody on a store, and a bucket's must never come back: the random end of its id
    makes it its own."""
    return f"{name}-{bucket_id[-SUFFIX_LENGTH:]}"


def quota_gb(quota_bytes: int) -> int:
    """Whole gigabytes to reserve for it."""
    return -(-quota_bytes // BYTES_PER_GB)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            "name",
            f"{name[:80]!r} cannot be a bucket's name.",
            "Use 1 to 51 lowercase letters, digits and inner hyphens.",
            code="invalid_bucket_name",
        )


def check_quota(quota_bytes: int, driver: ObjectStoreDriver) -> None:
    if not driver.smallest_quota_bytes <= quota_bytes <= driver.largest_quota_bytes:
        raise invalid(
            "quota_bytes",
            f"{quota_bytes} bytes are outside of what {driver.name} offers.",
            f"Choose {driver.smallest_quota_bytes} to {driver.largest_quota_bytes} bytes.",
            code="invalid_bucket_quota",
        )


def check_versioning(wanted: bool, driver: ObjectStoreDriver) -> None:
    if wanted and not driver.versioning:
        raise invalid("versioning", f"{driver.name} keeps no versions.", "Leave versioning out.")


def check_takes_keys(bucket: Bucket) -> None:
    if bucket.deleting or bucket.state not in (BucketState.CREATING, BucketState.AVAILABLE):
        raise conflict(
            "bucket_not_available", f"Bucket {bucket.name} is deleted or about to be.", "Use another bucket."
        )


def condition(kind: str, status: bool, reason: str, message: str, at: datetime) -> dict[str, Any]:
    return {"type": kind, "status": str(status), "reason": reason, "message": message[:500], "since": at.isoformat()}


def with_condition(conditions: Sequence[dict[str, Any]], fresh: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions with this one in the place of its namesake; one that says the same keeps its `since`."""
    same = [c for c in conditions if c["type"] == fresh["type"]]
    kept = same[0] if same and all(same[0][k] == fresh[k] for k in ("status", "reason")) else fresh
    return [c for c in conditions if c["type"] != fresh["type"]] + [kept]


def writable(bucket: Bucket, access: Access, at: datetime) -> dict[str, Any]:
    """Whether its keys can be used, in words for whoever holds one that was refused."""
    if access == "none":
        return condition(
            "Writable", False, "CreditExhausted", "Your credit is used up: add credit, and it opens again.", at
        )
    if access == "no_writes":
        message = f"It holds {bucket.bytes_stored} bytes and may hold {bucket.quota_bytes}: delete something."
        return condition("Writable", False, "QuotaExceeded", message, at)
    return condition("Writable", True, "WithinQuota", "Keys may be used within their mode.", at)
