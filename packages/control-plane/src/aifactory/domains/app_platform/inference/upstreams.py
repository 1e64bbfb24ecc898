"""Upstreams: the model servers that gateways carry requests to. Operators name them, nobody else."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from aifactory.domains.app_platform.store import models as store
from aifactory.domains.app_platform.store.models import UpstreamRow
from aifactory.domains.platform_control import facade as platform_control
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, invalid, not_found
from aifactory.kernel.pagination import Page, page_of

MOST = 200
TODO = "Give the server's address up to /v1, like http://10.0.0.7:8000/v1 or https://models.example.com/v1."
# Addresses of a machine itself and of its cloud's metadata: never a model server of another machine.
LINK_LOCAL = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fe80::/10"))
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True)
class NewUpstream:
    """`url` is the server's base, with /v1 where it has one. `usage_path`: where it tells what it counted for a request,
    with {request_id} in it; empty: it cannot be asked. Seconds are of the gateway's patience."""

    name: str
    region_id: str
    url: str
    usage_path: str = ""
    max_requests: int = 1_000
    connect_seconds: float = 3.0
    first_byte_seconds: float = 120.0
    between_bytes_seconds: float = 60.0


@dataclass(frozen=True)
class UpstreamView:
    """A model server. `models`: the offered models that it serves."""

    id: str
    name: str
    region_id: str
    url: str
    usage_path: str
    max_requests: int
    connect_seconds: float
    first_byte_seconds: float
    between_bytes_seconds: float
    models: list[str]
    generation: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class UpstreamList:
    items: list[UpstreamView]
    next_cursor: str | None


async def create(tx: Tx, wanted: NewUpstream) -> UpstreamView:
    """409 `upstream_name_taken`, `too_many_upstreams`; 422 for an address that cannot be a model server's."""
    await platform_control.open_region(tx, wanted.region_id)
    check_url(wanted.url)
    _check_usage_path(wanted.usage_path)
    if await store.count_upstreams(tx) >= MOST:
        raise conflict("too_many_upstreams", f"There are {MOST} upstreams, which is the most.", "Delete unused ones.")
    upstream_id = tx.ids.new("ups")
    if not await store.insert_upstream(tx, id=upstream_id, **vars(wanted)):
        raise conflict("upstream_name_taken", f"There is an upstream {wanted.name!r}.", "Choose another name.")
    await tx.audit("upstream.create", upstream_id, details={"name": wanted.name, "url": wanted.url})
    return await show(tx, upstream_id)


async def show(tx: Tx, upstream_id: str) -> UpstreamView:
    row = await store.upstream(tx, upstream_id)
    if row is None:
        raise not_found("upstream", upstream_id)
    return await _view(tx, row)


async def list_upstreams(tx: Tx, page: Page) -> UpstreamList:
    rows = page_of(await store.upstreams(tx, page), page, key=lambda row: (row.created_at, row.id))
    return UpstreamList([await _view(tx, row) for row in rows["items"]], rows["next_cursor"])


async def move(tx: Tx, upstream_id: str, url: str) -> None:
    """The same server has another address. Gateways learn of it within seconds."""
    check_url(url)
    if await store.move_upstream(tx, upstream_id, url):
        await tx.audit("upstream.move", upstream_id, details={"url": url})


async def delete(tx: Tx, upstream_id: str) -> None:
    """409 `upstream_in_use` while an offered model has it. Gateways finish what they carry to it."""
    row = await store.lock_upstream(tx, upstream_id)
    if row is None:
        raise not_found("upstream", upstream_id)
    models = await store.models_on(tx, upstream_id)
    if models:
        raise conflict("upstream_in_use", f"It serves {', '.join(models)}.", "Give these models another route first.")
    await store.delete_upstream(tx, upstream_id)
    await tx.audit("upstream.delete", upstream_id, details={"name": row.name})


def check_url(url: str) -> None:
    """Raises 422. What a gateway may not reach is also up to the network it stands in; this refuses what is never right."""
    if not url.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url or len(url) > 500:
        raise _refused("An address has at most 500 visible ASCII characters and no backslash.")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError as error:
        raise _refused(f"It is not an address: {error}.") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _refused("It is not an http or https address.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment or url.endswith("#"):
        raise _refused("Credentials, a query and a fragment do not belong into the address.")
    _check_host(host)


def _check_host(host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x"):
            raise _refused(f"{host!r} is neither a name nor an address in its usual form.") from None
        return
    inner = getattr(address, "ipv4_mapped", None) or address
    if inner.is_unspecified or inner.is_multicast or inner.is_reserved:
        raise _refused(f"{host} is not the address of a server.")
    if any(inner in network for network in LINK_LOCAL if network.version == inner.version):
        raise _refused(f"{host} is a link-local address: a cloud's metadata lives there, not a model.")


def _check_usage_path(path: str) -> None:
    if path and (not path.startswith("/") or path.count("{request_id}") != 1 or not path.isprintable()):
        raise invalid(
            "usage_path", "A path that begins with / and has {request_id} in it once.", "Leave it out, or like /usage/{request_id}."
        )  # fmt: skip


def _refused(why: str) -> Problem:
    return invalid("url", why, TODO, "address_not_allowed")


async def _view(tx: Tx, row: UpstreamRow) -> UpstreamView:
    known = {name: value for name, value in vars(row).items() if name != "deleted_at"}
    return UpstreamView(**known, models=await store.models_on(tx, row.id))
