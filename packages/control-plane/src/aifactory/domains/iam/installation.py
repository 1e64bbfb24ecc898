"""What this domain must know about the house it runs in: its address, its identity provider, its secrets.

Set once when a process starts (`use`), or read from the environment on first use. A missing pepper is an error at the
moment of use, never a reason to store tokens without it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from aifactory.kernel.settings import Settings

DEVELOPMENT_ISSUER_PATH = "/dev-issuer"
DEVELOPMENT_ISSUER_NAME = "urn:aifactory:development-issuer"  # in iam.identities, whatever port it runs on
MIN_PEPPER_BYTES = 32


@dataclass(frozen=True)
class Installation:
    public_url: str
    secrets_dir: Path
    audit_heads_dir: Path
    oidc_issuer: str = ""
    client_id: str = "aifactory"
    client_secret: str = ""
    dev_issuer: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Installation":
        return cls(
            public_url=settings.public_url,
            secrets_dir=settings.secrets_dir,
            audit_heads_dir=settings.audit_heads_dir,
            oidc_issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            dev_issuer=settings.dev_issuer,
        )

    @property
    def origin(self) -> str:
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def issuer(self) -> str:
        """The issuer's URL as it must appear in `iss`."""
        return self.public_url + DEVELOPMENT_ISSUER_PATH if self.dev_issuer else self.oidc_issuer

    @property
    def issuer_name(self) -> str:
        """The issuer as identities are stored under it."""
        return DEVELOPMENT_ISSUER_NAME if self.dev_issuer else self.oidc_issuer

    @property
    def callback_url(self) -> str:
        return self.public_url + "/api/v3/auth/callback"

    @cached_property
    def pepper(self) -> bytes:
        pepper = (self.secrets_dir / "key_pepper").read_bytes().strip()
        if len(pepper) < MIN_PEPPER_BYTES:
            raise RuntimeError(f"{self.secrets_dir / 'key_pepper'} is too short to protect keys")
        return pepper

    @cached_property
    def audit_key(self) -> Ed25519PublicKey:
        key = load_pem_public_key((self.secrets_dir / "audit_signing.pub").read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise RuntimeError("audit_signing.pub is not an Ed25519 key")
        return key


_used: list[Installation] = []


def use(installation: Installation) -> None:
    _used[:] = [installation]


def current() -> Installation:
    if not _used:
        use(Installation.of(Settings.from_environment()))
    return _used[0]


def public_url() -> str:
    """The address that people and cookies know this house by."""
    return current().public_url
