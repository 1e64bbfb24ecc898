"""The snapshot, indexed for one look-up each: who holds a key, what a model is."""

from __future__ import annotations

import base64
import hashlib
import hmac

from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import Capability, GatewayKey, GatewayModel, Snapshot, Upstream

MAX_REMEMBERED = 50_000
MAX_CREDENTIAL_BYTES = 512
_UNKNOWN = "The key is not valid here: it is mistyped, revoked, expired, or may not call models."


class Catalogue:
    """One snapshot. Verified credentials are remembered, so that a caller's second request costs no digest."""

    def __init__(self, snapshot: Snapshot, pepper: bytes) -> None:
        self.snapshot = snapshot
        self._pepper = pepper
        self._by_hash = {_decoded(key.hash): key for key in snapshot.keys}
        self._remembered: dict[bytes, tuple[GatewayKey, float]] = {}
        self.models: dict[str, GatewayModel] = {model.id: model for model in snapshot.models}
        self.upstreams: dict[str, Upstream] = {upstream.id: upstream for upstream in snapshot.upstreams}

    def holder(self, headers: dict[bytes, bytes], now: float) -> GatewayKey:
        """The key that came as bearer token, `x-api-key` (Anthropic) or `api-key` (Azure). Raises Refusal 401."""
        given = headers.get(b"authorization") or headers.get(b"x-api-key") or headers.get(b"api-key")
        if given is None:
            raise Refusal(401, "key_required", "Send your key as `Authorization: Bearer aif_key_…`.")
        key, expires = self._remembered.get(given) or self._verified(given)
        if expires <= now:
            raise Refusal(401, "invalid_api_key", _UNKNOWN)
        return key

    def _verified(self, given: bytes) -> tuple[GatewayKey, float]:
        text = given[7:].strip() if given[:7].lower() == b"bearer " else given
        found = None
        if len(given) <= MAX_CREDENTIAL_BYTES:
            found = self._by_hash.get(hmac.digest(self._pepper, text, hashlib.sha256))
        if found is None:
            raise Refusal(401, "invalid_api_key", _UNKNOWN)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        known = self._remembered[given] = found, found.expires_at.timestamp()
        return known

    def model(self, key: GatewayKey, name: str, capability: Capability) -> GatewayModel:
        """Raises Refusal 404 for a model that is not there or not this key's, which is the same to the caller."""
        model = self.models.get(name)
        if model is None or (key.models and name not in key.models):
            raise Refusal(404, "model_not_found", f"There is no model {name[:200]!r} for this key.", param="model")
        if capability not in model.capabilities:
            can = ", ".join(model.capabilities)
            raise Refusal(
                400, "wrong_capability", f"{name} does not serve {capability}; it serves {can}.", param="model"
            )
        return model

    def visible_models(self, key: GatewayKey) -> list[GatewayModel]:
        """What GET /v1/models lists."""
        return [model for model in self.models.values() if not key.models or model.id in key.models]


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hash_of(pepper: bytes, text: str) -> str:
    """As `GatewayKey.hash` holds it."""
    return base64.urlsafe_b64encode(hmac.digest(pepper, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
