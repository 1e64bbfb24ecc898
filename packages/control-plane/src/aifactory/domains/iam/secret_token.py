"""Secrets that we hand out: `aif_<kind>_<random>_<checksum>`, shown once, kept only as a keyed hash.

The checksum lets a scanner recognise a leaked token, and lets us refuse a mistyped one without asking the database.
The random part has 256 bits, so a keyed hash (and not a slow password hash) is the right way to store it.
"""

import base64
import hashlib
import hmac
import re
import secrets

_FORM = re.compile(r"aif_([a-z]{2,8})_([a-z2-7]{52})_([a-z2-7]{6})")


def new_token(kind: str) -> str:
    body = f"aif_{kind}_{_base32(secrets.token_bytes(32))}"
    return f"{body}_{_checksum(body)}"


def kind_of(token: str) -> str | None:
    """The token's kind, or None when it cannot be one of ours."""
    match = _FORM.fullmatch(token) if len(token) <= 128 else None
    if match is None or not hmac.compare_digest(_checksum(token.rpartition("_")[0]), match[3]):
        return None
    return match[1]


def keyed_hash(pepper: bytes, token: str) -> bytes:
    """What is stored: 32 bytes that say nothing without the pepper, which is not in the database."""
    return hmac.digest(pepper, token.encode("utf-8", "surrogatepass"), "sha256")


def derived(pepper: bytes, purpose: str, value: str) -> str:
    """A value bound to `value` for one purpose, e.g. a session's CSRF token; URL-safe text."""
    digest = hmac.new(pepper, f"{purpose}\0{value}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _checksum(body: str) -> str:
    return _base32(hashlib.sha256(body.encode()).digest())[:6]


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
