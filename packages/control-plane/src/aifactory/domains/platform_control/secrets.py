"""The files that hold the platform's keys: made once, never printed, each readable by the one service that needs it.

    ca.key, ca.pem            the agents' certificate authority (10 years)           api
    agent_server.key, .pem    the agent listener's certificate, renewed on start     api
    task_signing.key          Ed25519: every task for a node is signed with it       api
    key_pepper                HMAC key under which API keys and tokens are stored    api
    audit_signing.key         Ed25519: heads of the audit chains are signed with it  worker
    audit_signing.pub         its public half, for whoever verifies                  everyone
    sealing.key               X25519: opens sealed secrets: of webhooks, bucket keys  worker
    sealing.pub               its public half: the API can only seal                 everyone
    app_publisher.key         Ed25519: the app manifests we ship are signed with it  administration
    app_publisher.pub         its public half; other publishers' beside it in        everyone
                              app_publishers/*.pub are trusted too
    app_access.key            from it follows each app instance's own access key     worker
    app_access_proxy.key      the same for the process that goes through the door    proxy

A missing file is an error at the moment of use, never a reason to carry on without the key.
"""

import ipaddress
import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from aifactory.domains.platform_control.certificates import (
    Authority,
    issue_authority,
    issue_server_certificate,
)
from aifactory.kernel.clock import SystemClock

AUTHORITY_LIFE = timedelta(days=3653)
SERVER_LIFE = timedelta(days=397)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
OWNERS = {
    "ca.key": "api",
    "agent_server.key": "api",
    "task_signing.key": "api",
    "key_pepper": "api",
    "audit_signing.key": "worker",
    "sealing.key": "worker",
    "app_access.key": "worker",
    "app_access_proxy.key": "proxy",
}


class SecretMissing(RuntimeError):
    """A key file is not there. Refuse the work; say which file and how to make it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing: run `python -m aifactory.admin init-secrets`, or restore it from backup")


def init_secrets(
    directory: Path, hosts: Iterable[str] = (), owners: Mapping[str, int] | None = None, now: datetime | None = None
) -> list[str]:
    """Creates what is missing and returns the names of the files it wrote; a second call writes nothing.

    `hosts` are further names of the agent listener. `owners` maps `api`, `worker` and `proxy` to numeric user ids and is
    honoured only when we run as root. The listener's certificate is made again when its names changed or less than
    a third of its life is left. A CA key without its certificate (or the reverse) is refused, never replaced: that
    would strand every node.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    now = now or SystemClock().now()
    written = _init_authority(directory, now)
    written += _init_server(directory, [*LOOPBACK, *hosts], now, renew=bool(written))
    for name, make in (
        ("task_signing.key", Ed25519PrivateKey),
        ("audit_signing.key", Ed25519PrivateKey),
        ("app_publisher.key", Ed25519PrivateKey),
        ("sealing.key", X25519PrivateKey),
    ):
        if not (directory / name).exists():
            _write(directory / name, _private_pem(make.generate()), 0o600)
            written.append(name)
    for name in ("key_pepper", "app_access.key"):
        if not (directory / name).exists():
            _write(directory / name, token_hex(32).encode(), 0o600)
            written.append(name)
    access = (directory / "app_access.key").read_bytes()
    if not (copy := directory / "app_access_proxy.key").exists() or copy.read_bytes() != access:
        _write(copy, access, 0o600)
        written.append(copy.name)
    for public in ("audit_signing.pub", "sealing.pub", "app_publisher.pub"):
        if not (directory / public).exists():
            private = (directory / public).with_suffix(".key").read_bytes()
            _write(directory / public, _public_pem(serialization.load_pem_private_key(private, None)), 0o644)
            written.append(public)
    _own(directory, owners or {})
    return written


def read_secret(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except FileNotFoundError as error:
        raise SecretMissing(directory / name) from error


def load_authority(directory: Path) -> Authority:
    return Authority.from_pem(read_secret(directory, "ca.key"), read_secret(directory, "ca.pem"))


def load_task_key(directory: Path) -> Ed25519PrivateKey:
    return load_signing_key(directory, "task_signing.key")


def load_signing_key(directory: Path, name: str) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(read_secret(directory, name), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{name} is not an Ed25519 key")
    return key


def load_sealing_key(directory: Path) -> X25519PrivateKey:
    key = serialization.load_pem_private_key(read_secret(directory, "sealing.key"), password=None)
    if not isinstance(key, X25519PrivateKey):
        raise ValueError("sealing.key is not an X25519 key")
    return key


def load_sealing_public_key(directory: Path) -> X25519PublicKey:
    key = serialization.load_pem_public_key(read_secret(directory, "sealing.pub"))
    if not isinstance(key, X25519PublicKey):
        raise ValueError("sealing.pub is not an X25519 key")
    return key


def load_publishers(directory: Path) -> tuple[Ed25519PublicKey, ...]:
    """Our own publisher's key, then those of others whose apps the operator trusts."""
    others = [path.read_bytes() for path in sorted((directory / "app_publishers").glob("*.pub"))]
    keys = [serialization.load_pem_public_key(pem) for pem in (read_secret(directory, "app_publisher.pub"), *others)]
    if not all(isinstance(key, Ed25519PublicKey) for key in keys):
        raise ValueError("every publisher's key must be an Ed25519 key")
    return tuple(key for key in keys if isinstance(key, Ed25519PublicKey))


def _init_authority(directory: Path, now: datetime) -> list[str]:
    present = [(directory / name).exists() for name in ("ca.key", "ca.pem")]
    if all(present):
        return []
    if any(present):
        raise SecretMissing(directory / ("ca.pem" if present[0] else "ca.key"))
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue_authority(key, now=now, life=AUTHORITY_LIFE)
    _write(directory / "ca.key", _private_pem(key), 0o600)
    _write(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return ["ca.key", "ca.pem"]


def _init_server(directory: Path, hosts: list[str], now: datetime, *, renew: bool) -> list[str]:
    names = [_general_name(host) for host in dict.fromkeys(hosts)]
    if not renew and _server_certificate_serves(directory, names, now):
        return []
    key = ec.generate_private_key(ec.SECP256R1())
    authority = load_authority(directory)
    certificate = issue_server_certificate(authority, key.public_key(), names, now=now, life=SERVER_LIFE)
    _write(directory / "agent_server.key", _private_pem(key), 0o600)
    _write(directory / "agent_server.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return ["agent_server.key", "agent_server.pem"]


def _server_certificate_serves(directory: Path, names: list[x509.GeneralName], now: datetime) -> bool:
    if not all((directory / name).exists() for name in ("agent_server.key", "agent_server.pem")):
        return False
    certificate = x509.load_pem_x509_certificate((directory / "agent_server.pem").read_bytes())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) <= set(held) and certificate.not_valid_after_utc - now > SERVER_LIFE / 3


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: object) -> bytes:
    if not isinstance(key, Ed25519PrivateKey | X25519PrivateKey):
        raise ValueError("neither an Ed25519 nor an X25519 key")
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others even for a moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _own(directory: Path, owners: Mapping[str, int]) -> None:
    if os.geteuid() != 0:
        return
    for name, service in OWNERS.items():
        if service in owners:
            os.chown(directory / name, owners[service], -1)
