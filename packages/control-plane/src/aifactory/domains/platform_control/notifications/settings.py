"""What the operator says about reaching out, read from the environment at use.

AIF_WEBHOOK_ALLOWED_NETWORKS  networks beside the public internet that webhooks may reach, like `127.0.0.0/8,10.9.0.0/16`;
                              plain http is allowed there too. Empty: https to public addresses only.
AIF_SMTP_URL                  `smtps://user@host:465`, `smtp://user@host:587` (STARTTLS is required) or, to loopback only,
                              `smtp://127.0.0.1:25` without. Worker.
AIF_SMTP_PASSWORD_FILE        the password, in a file that only the worker reads. Worker.
AIF_SMTP_SENDER               whose name mail carries. Worker and API: without it mail is off, and the API says so.
"""

import os
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

Network = IPv4Network | IPv6Network


def allowed_networks() -> tuple[Network, ...]:
    """Raises ValueError for a network that is none: refuse the start rather than guess."""
    text = os.environ.get("AIF_WEBHOOK_ALLOWED_NETWORKS", "")
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str
    sender: str


def mail_is_on() -> bool:
    return bool(os.environ.get("AIF_SMTP_SENDER"))


def mail_server() -> MailServer | None:
    """None when mail is off."""
    url, sender = os.environ.get("AIF_SMTP_URL", ""), os.environ.get("AIF_SMTP_SENDER", "")
    if not url or not sender:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("AIF_SMTP_URL is not like smtps://user@host:465")
    secure = parts.scheme == "smtps"
    file = os.environ.get("AIF_SMTP_PASSWORD_FILE", "")
    password = Path(file).read_text().strip() if file else unquote(parts.password or "")
    return MailServer(
        parts.hostname, parts.port or (465 if secure else 587), secure, unquote(parts.username or ""), password, sender
    )
