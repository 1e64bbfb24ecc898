"""What may happen to a network: pure decisions over its row."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aifactory.kernel.errors import invalid

POOL = ipaddress.IPv4Network("10.128.0.0/10")
FIRST_HOST, LAST_HOST = 4, 254
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class NetworkState(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"


@dataclass(frozen=True)
class Network:
    """A row of storage_network.networks."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    number: int
    last_host: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def cidr(self) -> str:
        """Its own 256 addresses."""
        return f"{POOL.network_address + self.number * 256}/24"

    def next_host(self, taken: Collection[str]) -> int | None:
        """The next free one after the last that was given out, in a circle; None when all are taken."""
        size = LAST_HOST - FIRST_HOST + 1
        circle = (FIRST_HOST + (self.last_host + 1 - FIRST_HOST + step) % size for step in range(size))
        return next((host for host in circle if self.address(host) not in taken), None)

    def address(self, host: int) -> str:
        return str(POOL.network_address + self.number * 256 + host)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            "name",
            f"{name[:80]!r} cannot be a network's name.",
            "Use 1 to 63 lowercase letters, digits and inner hyphens.",
        )
