"""How a machine becomes a node: the bootstrap token, the first certificate, its renewal."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from aifactory_protocol.inventory import Inventory
from aifactory_protocol.limits import Id, Name, Pem

_TOKEN = re.compile(r"(aif_boot_([a-z0-9]{26,64}))_([0-9a-f]{8})\.([0-9a-f]{64})")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

Token = Annotated[str, Meta(min_length=90, max_length=192)]
RenewAfterSeconds = Annotated[int, Meta(ge=1, le=31_536_000)]


class BootstrapRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The only call a machine may make without a client certificate, apart from fetching the CA."""

    token: Token
    node_name: Name
    csr_pem: Pem
    inventory: Inventory


class BootstrapResponse(Struct, frozen=True, forbid_unknown_fields=True):
    """The node's identity. `task_key` is the base64 of the 32-byte ed25519 public key that signs tasks."""

    node_id: Id
    certificate_pem: Pem
    ca_pem: Pem
    task_key: Annotated[str, Meta(min_length=43, max_length=44)]
    renew_after_seconds: RenewAfterSeconds


class RenewRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next certificate over the present one."""

    csr_pem: Pem


class RenewResponse(Struct, frozen=True, forbid_unknown_fields=True):
    """The next certificate; the present one stays valid until it ends."""

    certificate_pem: Pem
    ca_pem: Pem
    renew_after_seconds: RenewAfterSeconds


class BadToken(ValueError):
    """The text is not a bootstrap token, or a character of it was lost or changed."""


@dataclass(frozen=True)
class BootstrapToken:
    """A parsed token. `secret` is the part the control plane stores a keyed hash of."""

    secret: str
    ca_fingerprint: str

    def text(self) -> str:
        """The token as it is shown once and handed to the machine."""
        return f"{self.secret}.{self.ca_fingerprint}"


def token_checksum(body: str) -> str:
    """Eight hex characters that catch a mistyped or truncated token; not a secret."""
    return hashlib.sha256(body.encode()).hexdigest()[:8]


def format_bootstrap_token(random_bytes: bytes, ca_fingerprint: str) -> str:
    """A new token from at least 20 random bytes and the CA's sha256 over DER, in lowercase hex."""
    if len(random_bytes) < 20 or len(random_bytes) > 40:
        raise ValueError("a bootstrap token needs 20 to 40 random bytes")
    number = int.from_bytes(random_bytes, "big")
    letters = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(0, len(random_bytes) * 8, 5))
    body = f"aif_boot_{letters}"
    return parse_bootstrap_token(f"{body}_{token_checksum(body)}.{ca_fingerprint}").text()


def parse_bootstrap_token(text: str) -> BootstrapToken:
    """Split a token into its secret and the fingerprint of the CA to trust; raises BadToken."""
    found = _TOKEN.fullmatch(text.strip())
    if found is None:
        raise BadToken("this is not a bootstrap token: expected aif_boot_<random>_<checksum>.<ca sha256>")
    body, _, checksum, fingerprint = found.groups()
    if not hmac.compare_digest(token_checksum(body), checksum):
        raise BadToken("the bootstrap token's checksum does not fit: a character was lost or changed")
    return BootstrapToken(f"{body}_{checksum}", fingerprint)
