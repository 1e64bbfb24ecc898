"""Webhook secrets at rest: the API can only seal them, the worker alone can open them (X25519, HKDF, AES-256-GCM).

A break of the API therefore yields no secret that was made before it. `sealed` is the ephemeral public key (32 bytes),
then ciphertext and tag; `context` (the webhook's id) is authenticated, so that one row's secret does not open as another's.
"""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE = bytes(12)  # each key encrypts one message only


def seal(secret: bytes, context: str, receiver: X25519PublicKey) -> bytes:
    once = X25519PrivateKey.generate()
    own_half = _raw(once.public_key())
    key = _key(once.exchange(receiver), own_half, _raw(receiver))
    return own_half + AESGCM(key).encrypt(NONCE, secret, context.encode())


def unseal(sealed: bytes, context: str, owner: X25519PrivateKey) -> bytes:
    """Raises cryptography's InvalidTag when it was sealed for another key, another context, or changed."""
    own_half = sealed[:KEY_BYTES]
    shared = owner.exchange(X25519PublicKey.from_public_bytes(own_half))
    return AESGCM(_key(shared, own_half, _raw(owner.public_key()))).decrypt(NONCE, sealed[KEY_BYTES:], context.encode())


def _key(shared: bytes, once: bytes, receiver: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=once + receiver, info=b"aifactory webhook secret").derive(shared)


def _raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
