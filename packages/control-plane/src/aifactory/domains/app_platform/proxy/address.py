"""Which origin an instance has, and which instance a Host header means. Pure, but for the one setting."""

import os
import re
from urllib.parse import urlsplit

DEFAULT = "http://{instance}.apps.localhost:8045"
_LABEL = re.compile(r"inst-[0-9a-hjkmnp-tv-z]{26}")


def template() -> str:
    """AIF_APPS_URL: an origin with `{instance}` as its first label. A site of its own, apart from the portal's."""
    return os.environ.get("AIF_APPS_URL") or DEFAULT


def origin_of(instance_id: str) -> str:
    return template().format(instance=instance_id.replace("_", "-"))


def instance_of(host: str) -> str | None:
    """The instance whose origin has exactly this host (and port); None for any other."""
    label, _, rest = host.lower().partition(".")
    if not _LABEL.fullmatch(label):
        return None
    instance_id = label.replace("-", "_")
    return instance_id if urlsplit(origin_of(instance_id)).netloc == f"{label}.{rest}" else None
