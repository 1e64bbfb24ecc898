"""Settings come from the environment (`AIF_…`), are read once at start, and a missing secret stops the start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything a control-plane process is told from outside."""

    database_url: str
    nats_url: str
    secrets_dir: Path
    data_dir: Path
    http_host: str = "127.0.0.1"
    http_port: int = 8042
    agent_host: str = "127.0.0.1"
    agent_port: int = 8044
    public_url: str = "http://127.0.0.1:8042"
    allowed_hosts: tuple[str, ...] = ()
    region: str = "local"
    oidc_issuer: str = ""
    oidc_client_id: str = "aifactory"
    oidc_client_secret: str = ""
    dev_issuer: bool = False
    log_level: str = "info"
    pool_size: int = 12
    audit_heads: Path | None = None
    redis_url: str = ""
    rate_per_second: float = 400  # units of one caller; a read takes one, a change five. 0: no limit
    rate_burst: float = 12_000
    trusted_proxies: str = ""  # addresses and networks, comma between; only their X-Forwarded-… is believed

    @property
    def audit_heads_dir(self) -> Path:
        """Where the worker exports the signed heads of the audit chains, and whoever verifies them reads."""
        return self.audit_heads or self.data_dir / "audit-heads"

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        public_url = env.get("AIF_PUBLIC_URL") or f"http://127.0.0.1:{env.get('AIF_HTTP_PORT', '8042')}"
        secret_file = env.get("AIF_OIDC_CLIENT_SECRET_FILE", "")
        return cls(
            database_url=_required(env, "AIF_DATABASE_URL"),
            nats_url=env.get("AIF_NATS_URL", ""),
            secrets_dir=Path(_required(env, "AIF_SECRETS_DIR")),
            data_dir=Path(env.get("AIF_DATA_DIR", ".")),
            http_host=env.get("AIF_HTTP_HOST", "127.0.0.1"),
            http_port=int(env.get("AIF_HTTP_PORT", "8042")),
            agent_host=env.get("AIF_AGENT_HOST", "127.0.0.1"),
            agent_port=int(env.get("AIF_AGENT_PORT", "8044")),
            public_url=public_url.rstrip("/"),
            allowed_hosts=tuple(h.strip() for h in env.get("AIF_ALLOWED_HOSTS", "").split(",") if h.strip()),
            region=env.get("AIF_REGION", "local"),
            oidc_issuer=env.get("AIF_OIDC_ISSUER", "").rstrip("/"),
            oidc_client_id=env.get("AIF_OIDC_CLIENT_ID", "aifactory"),
            oidc_client_secret=Path(secret_file).read_text().strip() if secret_file else "",
            dev_issuer=env.get("AIF_DEV_ISSUER", "") == "1",
            log_level=env.get("AIF_LOG_LEVEL", "info"),
            pool_size=int(env.get("AIF_POOL_SIZE", "12")),
            redis_url=env.get("AIF_REDIS_URL", ""),
            trusted_proxies=env.get("AIF_TRUSTED_PROXIES", ""),
            rate_per_second=_amount(env, "AIF_RATE_PER_SECOND", cls.rate_per_second),
            rate_burst=_amount(env, "AIF_RATE_BURST", cls.rate_burst),
            audit_heads=Path(env["AIF_AUDIT_HEADS_DIR"]) if env.get("AIF_AUDIT_HEADS_DIR") else None,
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SystemExit(f"{name} is not set. `aif up` sets it; when you run a process by hand, set it yourself.")
    return value


def _amount(env: Mapping[str, str], name: str, otherwise: float) -> float:
    try:
        amount = float(env.get(name) or otherwise)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e9:
        raise SystemExit(f"{name}={env[name]} is not a number from 0 to a billion.")
    return amount
