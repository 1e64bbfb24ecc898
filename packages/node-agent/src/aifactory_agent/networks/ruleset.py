"""The packet filter's text, from what is wanted. Pure: the same wishes give the same text.

Two tables, each replaced whole in one transaction of nft: at any moment either all of the old rules hold or all of the new.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from msgspec import Struct

from aifactory_protocol.tasks import NetworkApply, NetworkRule

UPLINK = "uplink"
UPLINKS = "aif"  # how the host's ends are called, also those of other agents on the machine
EVERYWHERE = "0.0.0.0/0"
NEVER_OUTSIDE = "127.0.0.0/8, 169.254.0.0/16"  # the host's own, and link-local services such as metadata


class Attachment(Struct, frozen=True):
    """A sandbox that is wanted in a network: which slot's leg, and what may pass."""

    allocation_id: str
    slot_index: int
    generation: int
    wish: NetworkApply


class Uplink(Struct, frozen=True):
    """The pair of interfaces between host and router, and its two addresses."""

    name: str
    host_address: str
    router_address: str


def leg(slot_index: int) -> str:
    """The router's interface towards the sandbox on this slot."""
    return f"s{slot_index}"


def router_table(attachments: Sequence[Attachment]) -> str:
    """Everything between sandboxes, and between them and the outside."""
    ports = [
        f'iifname "{UPLINK}" tcp dport {port.host_port} dnat ip to {one.wish.address}:{port.port}'
        for one in attachments
        for port in one.wish.ports
    ]
    chains = [chain for one in attachments for chain in (_out(one), _in(one))]
    return _replace(
        "inet aifactory",
        [
            _chain("input", ["type filter hook input priority filter; policy drop;"]),
            _chain("published", ["type nat hook prerouting priority dstnat; policy accept;", *ports]),
            _chain("leaving", ["type nat hook postrouting priority srcnat; policy accept;", _masquerade()]),
            *chains,
            _chain("forward", _forward(attachments)),
        ],
    )


def host_table(uplink: Uplink, host_ports: Iterable[int], *, forwards_for_us_alone: bool) -> str:
    """What connects the router with the world: published ports in, what left the router out; never the host itself."""
    chosen = ", ".join(str(port) for port in sorted(set(host_ports)))
    publish = [f"fib daddr type local tcp dport {{ {chosen} }} dnat to {uplink.router_address}"] if chosen else []
    strangers = [f'iifname != "{UPLINKS}*" oifname != "{UPLINKS}*" drop'] if forwards_for_us_alone else []
    return _replace(
        f"ip {uplink.name}",
        [
            _chain("published", ["type nat hook prerouting priority dstnat; policy accept;", *publish]),
            _chain("published_here", ["type nat hook output priority -100; policy accept;", *publish]),
            _chain(
                "leaving",
                [
                    "type nat hook postrouting priority srcnat; policy accept;",
                    f'oifname "{uplink.name}" ip saddr 127.0.0.0/8 masquerade',
                    f'oifname != "{uplink.name}" ip saddr {uplink.router_address} masquerade',
                ],
            ),
            _chain(
                "input",
                [
                    "type filter hook input priority filter; policy accept;",
                    f'iifname "{uplink.name}" ct direction reply accept',
                    f'iifname "{uplink.name}" drop',
                ],
            ),
            _chain("forward", ["type filter hook forward priority filter; policy accept;", *strangers]),
        ],
    )


def expected(one: Attachment) -> list[str]:
    """The names of the rules that must be found when the sandbox's chains are read back, in their order."""
    names = [_name(number, rule) for number, rule in enumerate(one.wish.rules) if rule.peers]
    return sorted(names + [f"published {port.port}" for port in one.wish.ports])


def _forward(attachments: Sequence[Attachment]) -> list[str]:
    """Answers pass; what begins, and what goes on in the direction in which it began, is judged packet by packet: a
    rule that is taken back ends what it had allowed."""
    spoofed = [f'iifname "{leg(one.slot_index)}" ip saddr != {one.wish.address} drop' for one in attachments]
    leave = [f'iifname "{leg(one.slot_index)}" jump out_{one.slot_index}' for one in attachments]
    enter = [f'oifname "{leg(one.slot_index)}" jump in_{one.slot_index}' for one in attachments]
    return [
        "type filter hook forward priority filter; policy drop;",
        "meta nfproto != ipv4 drop",
        *spoofed,
        "ct direction reply ct state established,related accept",
        "ct state related accept",
        *leave,
        *enter,
        f'oifname "{UPLINK}" ip daddr {{ {NEVER_OUTSIDE} }} drop',
        f'iifname != "{UPLINK}" oifname "{UPLINK}" accept',
    ]


def _out(one: Attachment) -> str:
    rules = [
        f'{_match(rule, "daddr")} return comment "{_name(number, rule)}"'
        for number, rule in enumerate(one.wish.rules)
        if rule.direction == "out" and rule.peers
    ]
    return _chain(f"out_{one.slot_index}", [*rules, "drop"])


def _in(one: Attachment) -> str:
    rules = [
        f'{_match(rule, "saddr")} accept comment "{_name(number, rule)}"'
        for number, rule in enumerate(one.wish.rules)
        if rule.direction == "in" and rule.peers
    ]
    published = [
        f'iifname "{UPLINK}" ct status dnat tcp dport {port.port} accept comment "published {port.port}"'
        for port in one.wish.ports
    ]
    return _chain(f"in_{one.slot_index}", [*rules, *published, "drop"])


def _match(rule: NetworkRule, side: str) -> str:
    parts = []
    nets = ipaddress.collapse_addresses(ipaddress.IPv4Network(peer, strict=False) for peer in rule.peers)
    peers = [str(net) for net in nets]
    if EVERYWHERE not in peers:
        parts.append(f"ip {side} {{ {', '.join(peers)} }}")
    if rule.protocol in ("tcp", "udp") and rule.first_port is not None:
        parts.append(f"{rule.protocol} dport {rule.first_port}-{rule.last_port or rule.first_port}")
    elif rule.protocol != "any":
        parts.append(f"ip protocol {rule.protocol}")
    return " ".join(parts) or "meta nfproto ipv4"


def _name(number: int, rule: NetworkRule) -> str:
    return f"{rule.direction} {number}"


def _masquerade() -> str:
    return f'oifname "{UPLINK}" masquerade'


def _chain(name: str, lines: Sequence[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _replace(table: str, chains: Sequence[str]) -> str:
    """nft's way to replace a table whether or not it is there, without a moment in between."""
    return f"table {table}\ndelete table {table}\ntable {table} {{\n{''.join(chains)}}}\n"
