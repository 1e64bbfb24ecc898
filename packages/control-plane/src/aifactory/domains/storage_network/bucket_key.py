"""Keys to one bucket: an S3 access key with its secret, which is shown once."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.domains.storage_network.ports import Mode

KIND = "storage_network.bucket_key"
MAX_KEYS_PER_BUCKET = 50


class KeyState(StrEnum):
    GRANTING = "granting"
    ACTIVE = "active"
    REVOKING = "revoking"
    REVOKED = "revoked"


@dataclass(frozen=True)
class BucketKey:
    """A row of storage_network.bucket_keys, without the sealed secret."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    bucket_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    mode: Mode
    access_key_id: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


def new_pair() -> tuple[str, str]:
    """Access key id (20 characters, as S3 clients expect) and secret (256 random bits)."""
    return f"AIF{_random(11)[:17]}", _random(32).lower()


def purpose(key_id: str) -> str:
    """What a secret is sealed for: this key, so that a box moved to another row opens nothing."""
    return f"storage_network.bucket_key/{key_id}"


def _random(size_bytes: int) -> str:
    return base64.b32encode(secrets.token_bytes(size_bytes)).decode().rstrip("=")
