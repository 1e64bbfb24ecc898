"""Talks to an OpenID provider over HTTP: discovery, keys, code exchange. Never called inside a transaction."""

import asyncio
import ipaddress
import json
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from aifactory.domains.iam.oidc import refused
from aifactory.kernel.errors import Problem, unavailable

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024
DISCOVERY_SECONDS = 3600.0
KEYS_SECONDS = 600.0
REFRESH_SECONDS = 10.0  # a token with an unknown key id fetches the keys again, but not more often than this


@dataclass(frozen=True)
class Endpoints:
    authorize: str
    token: str
    jwks: str


@dataclass(frozen=True)
class Tokens:
    id_token: str
    access_token: str


class Issuer:
    """One OpenID provider. Keeps its discovery document and keys for a while."""

    def __init__(
        self, url: str, client_id: str, client_secret: str = "", transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.url = url
        self._client_id = client_id
        self._client_secret = client_secret
        self._transport = transport
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def endpoints(self) -> Endpoints:
        now = asyncio.get_running_loop().time()
        if self._endpoints is None or now - self._endpoints[0] > DISCOVERY_SECONDS:
            document = await self._json("GET", _safe(f"{self.url}/.well-known/openid-configuration"))
            if document.get("issuer") != self.url:
                raise unavailable(
                    "issuer_mismatch", "The identity provider calls itself by another name than configured."
                )
            addresses = [document.get(f"{name}_endpoint") for name in ("authorization", "token")]
            endpoints = Endpoints(*(_safe(str(address)) for address in (*addresses, document.get("jwks_uri"))))
            self._endpoints = (now, endpoints)
        return self._endpoints[1]

    async def keys(self, key_id: str | None) -> KeySet:
        """The issuer's public keys; fetched again when they are old or `key_id` is not among them."""
        now = asyncio.get_running_loop().time()
        known = self._keys
        unknown = known is not None and key_id is not None and key_id not in [key.kid for key in known[1].keys]
        if known is None or now - known[0] > (REFRESH_SECONDS if unknown else KEYS_SECONDS):
            document = await self._json("GET", (await self.endpoints()).jwks)
            try:
                known = (now, KeySet.import_key_set({"keys": _signing_keys(document)}))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise unavailable("issuer_keys_unreadable", "The identity provider's keys cannot be read.") from error
            self._keys = known
        return known[1]

    async def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> Tokens:
        """The code for tokens; Problem 401 when the issuer does not take it."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
            "client_id": self._client_id,
        }
        if self._client_secret:
            form["client_secret"] = self._client_secret
        answer = await self._json("POST", (await self.endpoints()).token, form)
        id_token, access_token = answer.get("id_token"), answer.get("access_token", "")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise refused("the identity provider sent no ID token")
        return Tokens(id_token, access_token)

    async def _json(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            status, body = await self._fetch(method, url, form)
        except httpx.HTTPError as error:
            log.warning("identity provider %s: %s", urlsplit(url).netloc, error)
            raise unavailable("issuer_unreachable", "The identity provider does not answer.") from error
        if method == "POST" and 400 <= status < 500:
            raise refused("the identity provider did not accept the code")
        if status != 200:
            raise unavailable("issuer_failed", f"The identity provider answered with status {status}.")
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise unavailable("issuer_failed", "The identity provider's answer is not what OpenID Connect says.")
        return document

    async def _fetch(self, method: str, url: str, form: dict[str, str] | None) -> tuple[int, bytes]:
        # trust_env: an operator's issuer may only be reachable through the proxy; loopback never goes through one.
        trust_env = not is_loopback(urlsplit(url).hostname or "")
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_SECONDS, transport=self._transport, trust_env=trust_env) as client,
            client.stream(method, url, data=form, headers={"Accept": "application/json"}) as response,
        ):
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise unavailable("issuer_failed", "The identity provider's answer is too long.")
            return response.status_code, body


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses and `localhost` names, which no resolver sends elsewhere."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _safe(url: str) -> str:
    """Secrets travel only over TLS, or never leave the machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url
    raise Problem(
        503, "issuer_insecure", "Sign-in is not available", "The identity provider's addresses must be https."
    )


def _signing_keys(document: dict[str, Any]) -> list[Any]:
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("no keys")
    return [
        key for key in keys[:50] if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
    ]
