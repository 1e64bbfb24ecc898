"""The key files of this process, read once. Where they lie is told by AIF_SECRETS_DIR."""

import os
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from aifactory.domains.platform_control import secrets
from aifactory.domains.platform_control.certificates import Authority

DEFAULT_LIFE_SECONDS = 3600
SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 10, 86_400


def authority() -> Authority:
    return _authority(_directory())


def task_key() -> Ed25519PrivateKey:
    return _task_key(_directory())


def sealing_key() -> X25519PrivateKey:
    """The worker's: opens what was sealed."""
    return _sealing_key(_directory())


def sealing_public_key() -> X25519PublicKey:
    """Everybody's: seals what only the worker can open."""
    return _sealing_public_key(_directory())


def publisher_key() -> Ed25519PrivateKey:
    """With it the app manifests that we ship are signed; only administration on the machine itself can read it."""
    return secrets.load_signing_key(_directory(), "app_publisher.key")


def publisher_keys() -> tuple[bytes, ...]:
    return _publisher_keys(_directory())


def app_access_seed(instance_id: str) -> bytes:
    """32 bytes that nobody without the master can tell; the same ones for the same instance."""
    master = _app_access_master(_directory(), os.environ.get("AIF_APP_ACCESS_KEY") or "app_access.key")
    mac = hmac.HMAC(master, hashes.SHA256())
    mac.update(f"app access\n{instance_id}".encode())
    return mac.finalize()


def agent_certificate_life() -> timedelta:
    """One hour unless AIF_AGENT_CERTIFICATE_SECONDS says otherwise (10 s to a day; anything else is refused)."""
    seconds = int(os.environ.get("AIF_AGENT_CERTIFICATE_SECONDS", DEFAULT_LIFE_SECONDS))
    if not SHORTEST_LIFE_SECONDS <= seconds <= LONGEST_LIFE_SECONDS:
        raise ValueError(
            f"AIF_AGENT_CERTIFICATE_SECONDS must lie between {SHORTEST_LIFE_SECONDS} and {LONGEST_LIFE_SECONDS}"
        )
    return timedelta(seconds=seconds)


def _directory() -> Path:
    directory = os.environ.get("AIF_SECRETS_DIR", "")
    if not directory:
        raise RuntimeError("AIF_SECRETS_DIR is not set: this process was not given its keys")
    return Path(directory)


@lru_cache(maxsize=8)
def _authority(directory: Path) -> Authority:
    return secrets.load_authority(directory)


@lru_cache(maxsize=8)
def _task_key(directory: Path) -> Ed25519PrivateKey:
    return secrets.load_task_key(directory)


@lru_cache(maxsize=8)
def _sealing_key(directory: Path) -> X25519PrivateKey:
    return secrets.load_sealing_key(directory)


@lru_cache(maxsize=8)
def _sealing_public_key(directory: Path) -> X25519PublicKey:
    return secrets.load_sealing_public_key(directory)


@lru_cache(maxsize=8)
def _publisher_keys(directory: Path) -> tuple[bytes, ...]:
    return tuple(key.public_bytes_raw() for key in secrets.load_publishers(directory))


@lru_cache(maxsize=8)
def _app_access_master(directory: Path, name: str) -> bytes:
    """`name`: the worker's file, or the copy that the app proxy's own user can read."""
    return secrets.read_secret(directory, name).strip()
