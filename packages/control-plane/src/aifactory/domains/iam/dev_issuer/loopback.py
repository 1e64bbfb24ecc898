"""The one condition for a provider without passwords: nobody but this machine can reach it."""

from urllib.parse import urlsplit

from aifactory.domains.iam.adapters.issuer import is_loopback
from aifactory.kernel.settings import Settings


def refuse_unless_loopback(settings: Settings) -> None:
    """Ends the process with what is wrong, if any listener, allowed Host or our own address is not loopback."""
    places = {
        "AIF_HTTP_HOST": [settings.http_host],
        "AIF_AGENT_HOST": [settings.agent_host],
        "AIF_PUBLIC_URL": [urlsplit(settings.public_url).hostname or ""],
        "AIF_ALLOWED_HOSTS": list(settings.allowed_hosts),
    }
    for name, hosts in places.items():
        for host in hosts:
            if not is_loopback(host):
                raise SystemExit(
                    f"The development identity provider needs no password, so it runs on loopback only, and {name} is "
                    f"{host!r}. Use AIF_OIDC_ISSUER with a real identity provider, or listen on 127.0.0.1."
                )
    if settings.oidc_issuer:
        raise SystemExit("AIF_DEV_ISSUER=1 and AIF_OIDC_ISSUER exclude each other: choose one identity provider.")
