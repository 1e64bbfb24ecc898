"""Posts one message to an address that a tenant chose: resolved once, judged, pinned, TLS verified, everything bounded."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from time import perf_counter

import httpx

from aifactory.domains.platform_control.notifications import settings
from aifactory.domains.platform_control.notifications.addresses import (
    Address,
    Unreachable,
    check_url,
    may_reach,
    plain_http_allowed,
)
from aifactory.domains.platform_control.store.deliveries import Outcome
from aifactory.kernel.errors import Problem

TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 4.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_ADDRESSES = 16
USER_AGENT = "AI-Factory-Webhooks/1"


async def post(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Never raises for what the receiver does or is; `error` says it. Only 2xx is taken as received."""
    began = perf_counter()
    code: int | None = None
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            address, parts = await _pinned(url)
            code = await _send(url, parts.hostname or "", address, headers, body)
        error = "" if 200 <= code < 300 else _refusal(code)
    except TimeoutError:
        error = f"no answer within {TOTAL_SECONDS:.0f} s"
    except Problem as problem:
        error = problem.detail
    except Unreachable as refused:
        error = str(refused)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"[:300]
    return Outcome(error, code, round((perf_counter() - began) * 1000))


async def _pinned(url: str):  # type: ignore[no-untyped-def]
    """The address to connect to. All that the name resolves to must be allowed: a name with one foot inside is refused."""
    allowed = settings.allowed_networks()
    parts = check_url(url, allowed)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"the name {parts.hostname} does not resolve") from error
    addresses: list[Address] = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found[:MAX_ADDRESSES]]
    if not addresses or not all(may_reach(address, allowed) for address in addresses):
        raise Unreachable(f"{parts.hostname} leads into a network that webhooks must not reach")
    if parts.scheme == "http" and not plain_http_allowed(addresses[0], allowed):
        raise Unreachable("plain http is not sent over the internet: use https")
    return addresses[0], parts


async def _send(url: str, host: str, address: Address, headers: Mapping[str, str], body: bytes) -> int:
    """Connects to the address that was judged; certificate and Host are those of the name."""
    whole = httpx.URL(url)
    sent = {
        **headers,
        "Host": whole.netloc.decode(),
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
    }
    limits = httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS)
    options = {"verify": _tls(), "timeout": limits, "follow_redirects": False, "trust_env": False}
    async with httpx.AsyncClient(**options) as client:  # type: ignore[arg-type]
        pinned = whole.copy_with(host=str(address))
        async with client.stream(
            "POST", pinned, content=body, headers=sent, extensions={"sni_hostname": host}
        ) as answer:
            await _read_little(answer)
            return answer.status_code


async def _read_little(answer: httpx.Response) -> None:
    """What the receiver says is of no interest, only that it ends; more than a little is cut off."""
    seen = 0
    async for piece in answer.aiter_raw():
        seen += len(piece)
        if seen > MAX_ANSWER_BYTES:
            return


def _refusal(code: int) -> str:
    if 300 <= code < 400:
        return f"answered {code}: redirects are not followed; register the final address"
    return f"answered {code}"


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The system's authorities (SSL_CERT_FILE, where it is set)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
