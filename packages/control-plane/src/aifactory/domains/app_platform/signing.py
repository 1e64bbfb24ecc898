"""The signature of an app's manifest: Ed25519 over a purpose line and the manifest's very bytes, in hex."""

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PURPOSE = b"aifactory.app.v1\n"


def sign(text: str, key: Ed25519PrivateKey) -> str:
    return key.sign(_PURPOSE + text.encode()).hex()


def is_signed(text: str, signature: str, trusted: Iterable[bytes]) -> bool:
    """Whether one of these publishers (raw public keys) signed exactly this text."""
    try:
        raw = bytes.fromhex(signature)
    except ValueError:
        return False
    return any(_fits(Ed25519PublicKey.from_public_bytes(key), raw, text) for key in trusted)


def _fits(key: Ed25519PublicKey, signature: bytes, text: str) -> bool:
    try:
        key.verify(signature, _PURPOSE + text.encode())
    except InvalidSignature:
        return False
    return True
