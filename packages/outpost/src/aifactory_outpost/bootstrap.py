"""How a trust begins: with a token that a person hands over, and the CA that the token's fingerprint proves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aifactory_outpost.calls import Calls
from aifactory_outpost.identity import NotTrusted, blind_trust, fingerprint
from aifactory_protocol.enrolment import BootstrapToken


def given_token(file: Path | None) -> str:
    """From the file (`-`: stdin), else from $AIF_BOOTSTRAP_TOKEN; empty when there is none. Raises OSError."""
    if file is None:
        return os.environ.get("AIF_BOOTSTRAP_TOKEN", "")
    return (sys.stdin.read() if str(file) == "-" else file.read_text()).strip()


async def proven_ca(url: str, token: BootstrapToken, user_agent: str) -> str:
    """The control plane's CA in PEM, fetched without trust and proved by the token. Raises NotTrusted, CallFailed."""
    stranger = Calls(url, blind_trust(), user_agent)
    try:
        ca_pem = (await stranger.call("GET", "/internal/v3/ca")).decode(errors="replace")
    finally:
        await stranger.close()
    seen = fingerprint(ca_pem)
    if seen != token.ca_fingerprint:
        raise NotTrusted(f"the control plane's CA is {seen}, the token expects {token.ca_fingerprint}")
    return ca_pem


def same_ca(ca_pem: str, token: BootstrapToken) -> None:
    """Raises NotTrusted when the answer to the bootstrap names another CA than the token."""
    if fingerprint(ca_pem) != token.ca_fingerprint:
        raise NotTrusted("the answer to the bootstrap names another CA than the token")
