"""What may happen to a published port: pure decisions over its row."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.kernel.errors import invalid

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class PublishedPortState(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"


@dataclass(frozen=True)
class PublishedPort:
    """A row of storage_network.published_ports."""

    id: str
    tenant_id: str
    project_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    allocation_id: str
    attachment_id: str
    node_id: str
    port: int
    host_port: int
    host: str
    wanted_at_generation: int
    applied_generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def shown_state(self) -> str:
        """Published once its node has said so."""
        if self.deleted_at is not None:
            return "closed"
        return "published" if self.applied_generation >= self.wanted_at_generation else "opening"


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            "name",
            f"{name[:80]!r} cannot be a published port's name.",
            "Use 1 to 63 lowercase letters, digits and inner hyphens.",
        )
