"""At which address a node's doors may be: the one its agent speaks from, or where the operator says that it is reached.

The worker knocks there and tenants connect to it, so a node that could name any address would lead both astray.
"""

import ipaddress
import os

from aifactory.kernel.errors import Problem

CONFIGURED = "AIF_NODE_SSH_HOSTS"  # name=host, name=host: nodes behind a name or an address translation


def check_at_enrolment(node_name: str, ssh_host: str, source: str) -> None:
    """`source`: the address that the request came from. Raises Problem 422."""
    expected = _configured().get(node_name) or source
    if _same(ssh_host) != _same(expected):
        raise _foreign("inventory.ssh_host", ssh_host, expected)


def check_unmoved(ssh_host: str, enrolled: str) -> None:
    """A later inventory keeps the address that was agreed on when the node enrolled. Raises Problem 422."""
    if _same(ssh_host) != _same(enrolled):
        raise _foreign("ssh_host", ssh_host, enrolled)


def _configured() -> dict[str, str]:
    pairs = (entry.partition("=") for entry in os.environ.get(CONFIGURED, "").split(","))
    return {name.strip(): host.strip() for name, _, host in pairs if host.strip()}


def _same(host: str) -> str:
    """One spelling for one address: IPv4 inside IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    return str(getattr(address, "ipv4_mapped", None) or address)


def _foreign(field: str, named: str, expected: str) -> Problem:
    return Problem(
        422,
        "foreign_ssh_host",
        "A node is reached where it speaks from",
        f"It names {named} as the address of its doors; {expected} was expected.",
        field=field,
        todo=f"Set AIF_SSH_HOST={expected} on the node; or name its address in {CONFIGURED} and enrol it anew.",
    )
