"""The key with which the platform watches one app instance and reaches its socket: made from a secret whenever it is
needed, and stored nowhere. The door of a sandbox lets it do nothing else."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from aifactory.domains.platform_control import facade as platform_control


def _key(instance_id: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(platform_control.app_access_seed(instance_id))


def private(instance_id: str) -> bytes:
    """In OpenSSH's format, for whoever connects."""
    return _key(instance_id).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def public(instance_id: str) -> str:
    """One OpenSSH line, for the node."""
    return _key(instance_id).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
