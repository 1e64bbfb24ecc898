"""What each process is told: a clean environment, so that nothing of the caller's leaks into a service."""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from aifactory_deploy.layout import Layout
from aifactory_deploy.options import UpOptions

_PASSED_ON = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def base() -> dict[str, str]:
    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", **found}


def configured() -> dict[str, str]:
    """The operator's own settings (identity provider, region, log level …), except those that we decide."""
    return {name: value for name, value in os.environ.items() if name.startswith("AIF_") and name not in _OURS}


_OURS = {
    "AIF_API_DB_PASSWORD",
    "AIF_BOOTSTRAP_TOKEN",
    "AIF_DATABASE_URL",
    "AIF_OWNER_URL",
    "AIF_STARTED_AT",
    "AIF_TOKEN",  # the caller's own sign-in
    "AIF_WORKER_DATABASE_URL",
    "AIF_WORKER_DB_PASSWORD",
}
_WORKER_ONLY = ("AIF_S3_",)  # the object store's administrator: no request may reach that credential
_AGENT_SETTINGS = {
    "AIF_APPS_DIR",
    "AIF_SANDBOX_DRIVER",
    "AIF_SANDBOX_ROOT",
    "AIF_SCRATCH_MB",
    "AIF_SLOTS",
    "AIF_SLOT_UID_BASE",
    "AIF_SSH_HOST",
    "AIF_TELEMETRY_SECONDS",
}


@dataclass(frozen=True)
class Databases:
    """`owner` changes the schema; `api` and `worker` are the logins of the two services."""

    owner: str
    api: str
    worker: str


def external_databases() -> Databases | None:
    """A PostgreSQL of the operator's own: AIF_OWNER_URL and AIF_DATABASE_URL, and AIF_WORKER_DATABASE_URL where it differs."""
    owner, api = os.environ.get("AIF_OWNER_URL"), os.environ.get("AIF_DATABASE_URL")
    if not owner or not api:
        return None
    return Databases(owner, api, os.environ.get("AIF_WORKER_DATABASE_URL") or api)


def wants_object_store() -> bool:
    """False with an S3 of the operator's own (AIF_S3_URL), and where buckets are not wanted (AIF_OBJECT_STORE=none)."""
    return not os.environ.get("AIF_S3_URL") and os.environ.get("AIF_OBJECT_STORE") != "none"


def wants_model_server() -> bool:
    """False where AIF_MODEL_SERVER=none says so."""
    return os.environ.get("AIF_MODEL_SERVER") != "none"


def control_plane(options: UpOptions, layout: Layout, service: str, database_url: str, nats_url: str) -> dict[str, str]:
    """For `api`, `worker`, `proxy` (of apps) and the administration commands."""
    settings = {
        "AIF_DATABASE_URL": database_url,
        "AIF_NATS_URL": nats_url,
        "AIF_DATA_DIR": str(layout.service(service)),
        "AIF_SECRETS_DIR": str(layout.secrets),
        "AIF_AUDIT_HEADS_DIR": str(layout.audit_heads),
        "AIF_HTTP_HOST": "127.0.0.1",
        "AIF_HTTP_PORT": str(options.port),
        "AIF_AGENT_HOST": "127.0.0.1",
        "AIF_AGENT_PORT": str(options.agent_port),
        "AIF_APPS_HOST": "127.0.0.1",
        "AIF_APPS_PORT": str(options.apps_port),
        "AIF_APPS_URL": options.apps_url,
        "AIF_PUBLIC_URL": options.portal_url,
        "AIF_GATEWAY_URL": options.gateway_url,
        "AIF_REGION": "local",
    }
    chosen = {
        name: value for name, value in configured().items() if service == "worker" or not name.startswith(_WORKER_ONLY)
    }
    if service == "proxy":
        settings["AIF_APP_ACCESS_KEY"] = "app_access_proxy.key"
    if not chosen.get("AIF_OIDC_ISSUER"):
        settings["AIF_DEV_ISSUER"] = "1"
    if ssh_host := chosen.get("AIF_SSH_HOST"):  # this machine's agent speaks over loopback, whatever its address is
        others = chosen.get("AIF_NODE_SSH_HOSTS")
        settings["AIF_NODE_SSH_HOSTS"] = ",".join(filter(None, (others, f"{node_name()}={ssh_host}")))
    return {**base(), **chosen, **settings}


def simulator(folder: Path) -> dict[str, str]:
    """`AIF_DEMO_NODES` takes fewer simulated nodes than there are; they measure as often as this machine's agent."""
    chosen = {
        name: value for name, value in configured().items() if name in ("AIF_DEMO_NODES", "AIF_TELEMETRY_SECONDS")
    }
    return {**base(), **chosen, "HOME": str(folder)}


def agent(options: UpOptions, state_dir: Path) -> dict[str, str]:
    chosen = {name: value for name, value in configured().items() if name in _AGENT_SETTINGS}
    slots = {} if options.slots is None else {"AIF_SLOTS": str(options.slots)}
    return {**base(), **chosen, "AIF_AGENT_STATE_DIR": str(state_dir), "HOME": str(state_dir), **slots}


def node_name() -> str:
    """What this machine is called as a node."""
    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[:50] or "local"
