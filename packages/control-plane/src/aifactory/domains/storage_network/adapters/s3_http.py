"""Signed requests to an S3-compatible store, and its answers as ours: done, refused with its code, or unknown."""

from collections.abc import Mapping
from urllib.parse import quote
from xml.etree.ElementTree import ParseError

import httpx

from aifactory.domains.storage_network.adapters import xml
from aifactory.domains.storage_network.adapters.sigv4 import signed_headers
from aifactory.domains.storage_network.ports import StoreRefused, StoreUnreachable
from aifactory.kernel.clock import Clock

TIMEOUT_SECONDS = 4.0  # well within a flow's lease
FORM = {"content-type": "application/x-www-form-urlencoded"}


class SignedHttp:
    """One endpoint and one administrator's credential."""

    def __init__(self, endpoint: str, access_key_id: str, secret: str, clock: Clock) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._access_key_id = access_key_id
        self._secret = secret
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    async def s3(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """`path` is `/bucket` or `/bucket/key`, not yet encoded. Raises StoreRefused, StoreUnreachable."""
        encoded = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in (query or {}).items())
        url = f"{self.endpoint}{quote(path, safe='/~')}" + (f"?{encoded}" if encoded else "")
        return await self._send(method, url, body, headers or {}, "s3")

    async def iam(self, action: str, **arguments: str) -> bytes:
        form = {"Action": action, "Version": "2010-05-08", **arguments}
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items()).encode()
        return await self._send("POST", f"{self.endpoint}/", body, FORM, "iam")

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """An unsigned GET of a measuring endpoint beside the store."""
        return await self._exchange("GET", url, b"", headers or {})

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str], service: str) -> bytes:
        signed = signed_headers(
            method, url, headers, body,
            access_key_id=self._access_key_id, secret=self._secret, at=self._clock.now(), service=service,
        )  # fmt: skip
        return await self._exchange(method, url, body, signed)

    async def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=TIMEOUT_SECONDS, limits=httpx.Limits(max_connections=8), trust_env=False
            )
        try:
            answer = await self._client.request(method, url, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            raise StoreUnreachable(f"{type(error).__name__}: {error}"[:200]) from error
        if answer.status_code < 300:
            return answer.content
        code, detail = _error(answer)
        if answer.status_code >= 500:
            raise StoreUnreachable(f"{answer.status_code} {code}: {detail}"[:200])
        raise StoreRefused(code, detail)


def _error(answer: httpx.Response) -> tuple[str, str]:
    """The store's code and message; a HEAD or a proxy may send none."""
    try:
        found = xml.records(answer.content, "Error", "Code", "Message")
    except (ParseError, ValueError):
        found = []
    return (found[0][0], found[0][1]) if found else (str(answer.status_code), answer.reason_phrase)
