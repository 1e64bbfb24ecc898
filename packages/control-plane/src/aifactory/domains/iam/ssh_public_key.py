"""Reading an OpenSSH public key line: which kinds we take, how strong they must be, and their fingerprint."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from aifactory.kernel.errors import Problem, invalid

MAX_LENGTH = 4096
MIN_RSA_BITS = 3072
MAX_RSA_BITS = 16384
KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


@dataclass(frozen=True)
class SshPublicKey:
    """`line` is the key in canonical form, `<kind> <base64>`: no options, no comment."""

    kind: str
    line: str
    fingerprint: str
    comment: str


def read_public_key(text: str) -> SshPublicKey:
    """Raises Problem 422 with field `public_key` and what to send instead."""
    if "PRIVATE KEY" in text:
        raise _refused("That is a private key.", "Keep it to yourself, and make a new pair if others could read it.")
    line = text.strip()
    if len(line) > MAX_LENGTH or any(not character.isprintable() for character in line):
        raise _refused(f"It must be one line of at most {MAX_LENGTH} characters.")
    parts = line.split(None, 2)
    if len(parts) < 2 or parts[0] not in KINDS:
        raise _refused(f"It must begin with one of {', '.join(KINDS)}.")
    kind, blob = parts[0], parts[1]
    _check_strength(kind, blob)
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    fingerprint = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    return SshPublicKey(kind, f"{kind} {blob}", fingerprint, parts[2][:200] if len(parts) == 3 else "")


def _check_strength(kind: str, blob: str) -> None:
    try:
        raw = base64.b64decode(blob, validate=True)
        key = load_ssh_public_key(f"{kind} {blob}".encode())
    except (ValueError, binascii.Error, UnsupportedAlgorithm, UnicodeEncodeError) as error:
        raise _refused("Its base64 part does not hold such a key.") from error
    if base64.b64encode(raw).decode() != blob:
        raise _refused("Its base64 part is not in canonical form.")
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
        raise _refused("That kind of key is not taken.")
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise _refused(f"An RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; this one has {key.key_size}.")


def _refused(detail: str, todo: str = "Send the .pub file; `ssh-keygen -t ed25519` makes a good pair.") -> Problem:
    return invalid("public_key", detail, todo, code="invalid_ssh_key")
