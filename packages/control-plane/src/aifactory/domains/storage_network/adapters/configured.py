"""The object store that this process was told of: its own settings, because only the worker may have the credential.

AIF_S3_URL             where the control plane reaches it; without it there is no object store here
AIF_S3_PUBLIC_URL      where tenants reach it, if elsewhere
AIF_S3_ADMIN_KEY_ID    the administrator's access key; its secret in AIF_S3_ADMIN_SECRET or the file AIF_S3_ADMIN_SECRET_FILE
AIF_S3_METRICS_URL     the S3 gateway's /metrics
AIF_S3_VOLUME_URLS     the volume servers, separated by commas
"""

import os
from collections.abc import Mapping
from pathlib import Path

from aifactory.domains.storage_network.adapters.s3_http import SignedHttp
from aifactory.domains.storage_network.adapters.seaweedfs import SeaweedFS
from aifactory.kernel.clock import SystemClock


def configured_store(env: Mapping[str, str] = os.environ) -> SeaweedFS | None:
    """None where none is configured. A missing part of the configuration stops the start and is named."""
    url = env.get("AIF_S3_URL", "").rstrip("/")
    if not url:
        return None
    needed = ("AIF_S3_ADMIN_KEY_ID", "AIF_S3_METRICS_URL", "AIF_S3_VOLUME_URLS")
    missing = [name for name in needed if not env.get(name)]
    secret_file = env.get("AIF_S3_ADMIN_SECRET_FILE", "")
    secret = Path(secret_file).read_text().strip() if secret_file else env.get("AIF_S3_ADMIN_SECRET", "")
    if missing or not secret:
        names = ", ".join(missing or ["AIF_S3_ADMIN_SECRET_FILE"])
        raise SystemExit(f"{names} is not set: an object store that cannot be administered or metered is not used.")
    http = SignedHttp(url, env["AIF_S3_ADMIN_KEY_ID"], secret, SystemClock())
    volumes = tuple(part.strip().rstrip("/") for part in env["AIF_S3_VOLUME_URLS"].split(",") if part.strip())
    public = env.get("AIF_S3_PUBLIC_URL", "").rstrip("/") or url
    return SeaweedFS(http, public, env["AIF_S3_METRICS_URL"], volumes)
