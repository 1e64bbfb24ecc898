"""Where a webhook may point. Tenants choose addresses, we connect to them: so nothing inside our networks may be reached.

Pure: `check_url` judges the text when a webhook is made, `may_reach` each address that its name resolves to when it is sent.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from aifactory.domains.platform_control.notifications.settings import Network
from aifactory.kernel.errors import Problem, invalid

Address = IPv4Address | IPv6Address
NAT64 = ip_network("64:ff9b::/96")
GLOBAL_UNICAST_V6 = ip_network("2000::/3")
MAX_URL = 2000
TODO = "Give an https address on the public internet, like https://hooks.example.com/aifactory."


class Unreachable(Exception):
    """The address must not be connected to; the message is for the webhook's owner."""


def check_url(url: str, allowed: Iterable[Network]) -> SplitResult:
    """Raises 422 for what can be refused without asking a name server."""
    if len(url) > MAX_URL or not url.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url:
        raise _refused(f"An address has at most {MAX_URL} characters, no blanks and no backslash.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise _refused(f"It is not an address: {error}.") from error
    if parts.scheme not in ("https", "http") or not host:
        raise _refused("It is not an https address.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("Credentials and fragments do not belong into the address; the signature proves who we are.")
    if port is not None and (port < 1024 and port not in (80, 443)):
        raise _refused(f"Port {port} belongs to another service than HTTP.")
    networks = tuple(allowed)
    if parts.scheme == "http" and not networks:
        raise _refused("Plain http is not sent: what a message says would travel in the open.")
    literal = _literal(host)
    if literal is not None and not may_reach(literal, networks):
        raise _refused(f"{host} is not an address on the public internet.")
    return parts


def may_reach(address: Address, allowed: Iterable[Network]) -> bool:
    """Public unicast addresses, whatever they are wrapped in, and what the operator's list names."""
    inner = _unwrapped(address)
    if any(inner in network for network in allowed if network.version == inner.version):
        return True
    if isinstance(inner, IPv6Address) and inner not in GLOBAL_UNICAST_V6:
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def plain_http_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    inner = _unwrapped(address)
    return any(inner in network for network in allowed if network.version == inner.version)


def _unwrapped(address: Address) -> Address:
    """IPv4 inside IPv6 is judged as what it reaches: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _refused(why: str) -> Problem:
    return invalid("url", why, TODO, "address_not_allowed")
