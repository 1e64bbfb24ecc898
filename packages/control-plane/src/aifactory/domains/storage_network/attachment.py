"""A sandbox in a network: its states, its row, and what its node is asked to let pass. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

KIND = "storage_network.attachment"
MOST_GROUPS = 8
VERB = "network.apply"


class AttachmentState(StrEnum):
    WAITING = "waiting"
    APPLYING = "applying"
    APPLIED = "applied"
    DETACHING = "detaching"
    DETACHED = "detached"


@dataclass(frozen=True)
class Attachment:
    """A row of storage_network.network_attachments. `rules`: the lines in which the node's kernel told what it holds."""

    id: str
    tenant_id: str
    project_id: str
    region_id: str
    network_id: str
    allocation_id: str
    security_group_ids: list[str]
    address: str
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    applied_generation: int
    refused_generation: int
    rules: list[str]
    node_id: str | None
    host: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def is_applied(self) -> bool:
        return self.applied_generation >= self.generation


def rules_for_node(
    rules: Iterable[Mapping[str, Any]], networks: Mapping[str, str], members: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """The rules with addresses in the place of names: of networks (their range) and groups (their members' addresses).
    A peer that is gone matches nobody."""
    return [
        {
            "direction": rule["direction"],
            "protocol": rule["protocol"],
            "peers": _peers(rule, networks, members),
            "first_port": rule.get("first_port"),
            "last_port": rule.get("last_port"),
        }
        for rule in rules
    ]


def _peers(rule: Mapping[str, Any], networks: Mapping[str, str], members: Mapping[str, Sequence[str]]) -> list[str]:
    if rule.get("cidr"):
        return [str(rule["cidr"])]
    if rule.get("network_id"):
        known = networks.get(rule["network_id"])
        return [known] if known else []
    return [f"{address}/32" for address in members.get(rule.get("security_group_id") or "", ())]
