"""What may happen to a security group: pure decisions over its row."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from aifactory.kernel.errors import invalid

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

MOST_RULES = 64


class SecurityGroupState(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"


@dataclass(frozen=True)
class SecurityGroup:
    """A row of storage_network.security_groups."""

    id: str
    tenant_id: str
    project_id: str
    name: str
    labels: dict[str, str]
    state: str
    conditions: list[dict[str, Any]]
    generation: int
    rules: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True)
class Rule:
    """Lets connections begin: `in` from a peer, `out` to a peer. The peer is a range of addresses, a network, or every
    sandbox of a security group: exactly one of the three. Ports are destination ports; none means all."""

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "any"]
    first_port: int | None = None
    last_port: int | None = None
    cidr: str | None = None
    network_id: str | None = None
    security_group_id: str | None = None


def check_rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """As they are stored: ports in pairs, ranges in their canonical form. 422 names the rule and its field."""
    if len(rules) > MOST_RULES:
        raise invalid("rules", f"A security group has at most {MOST_RULES} rules.", "Use several groups.")
    return [_checked(rule, f"rules.{index}") for index, rule in enumerate(rules)]


def _checked(rule: Rule, field: str) -> dict[str, Any]:
    if sum(peer is not None for peer in (rule.cidr, rule.network_id, rule.security_group_id)) != 1:
        raise invalid(field, "A rule names exactly one peer.", "Send one of cidr, network_id, security_group_id.")
    first, last = rule.first_port, rule.last_port if rule.last_port is not None else rule.first_port
    if first is None and last is not None:
        raise invalid(f"{field}.first_port", "A range of ports needs its first.", "Send first_port too.")
    if first is not None and rule.protocol not in ("tcp", "udp"):
        raise invalid(f"{field}.first_port", f"{rule.protocol} has no ports.", "Leave ports out, or send tcp or udp.")
    if first is not None and last is not None and not 1 <= first <= last <= 65_535:
        raise invalid(
            f"{field}.last_port", f"{first} to {last} is no range of ports.", "Send 1 to 65535, first to last."
        )
    cidr = canonical_cidr(rule.cidr, f"{field}.cidr") if rule.cidr is not None else None
    return asdict(rule) | {"first_port": first, "last_port": last, "cidr": cidr}


def canonical_cidr(text: str, field: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text, strict=False))
    except ValueError:
        example = "Write it like 10.0.0.0/8, 203.0.113.7/32, or 0.0.0.0/0 for everybody."
        raise invalid(field, f"{text[:40]!r} is no range of IPv4 addresses.", example) from None


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            "name",
            f"{name[:80]!r} cannot be a security group's name.",
            "Use 1 to 63 lowercase letters, digits and inner hyphens.",
        )
