"""Becoming a node: the CA by its fingerprint, then the token for a certificate of our own key."""

from __future__ import annotations

import msgspec

from aifactory_agent import durable
from aifactory_agent.control_plane import ControlPlane
from aifactory_agent.identity import (
    Enrolment,
    Identity,
    NotTrusted,
    blind_trust,
    fingerprint,
    server_trust,
    task_key_of,
)
from aifactory_protocol.enrolment import BootstrapRequest, BootstrapToken, parse_bootstrap_token
from aifactory_protocol.inventory import Inventory


async def enrol(identity: Identity, url: str, token_text: str, node_name: str, inventory: Inventory) -> Enrolment:
    """Enrol; raises BadToken, NotTrusted, CallFailed. Nothing is sent before the CA has proved itself."""
    token = parse_bootstrap_token(token_text)
    ca_pem = await _trusted_ca(url, token)
    request = BootstrapRequest(token.text(), node_name, identity.csr(node_name), inventory)
    control_plane = ControlPlane(url, server_trust(ca_pem))
    try:
        answer = await control_plane.bootstrap(request)
    finally:
        await control_plane.close()
    if fingerprint(answer.ca_pem) != token.ca_fingerprint:
        raise NotTrusted("the answer to the bootstrap names another CA than the token")
    task_key_of(answer.task_key)
    identity.keep_certificate(answer.certificate_pem, ca_pem)
    durable.write(identity.ca_file, ca_pem.encode())
    durable.write(identity.folder / "task_key", answer.task_key.encode())
    made = Enrolment(answer.node_id, node_name, url, answer.task_key)
    durable.write(identity.folder / "node.json", msgspec.json.encode(made))
    return made


async def _trusted_ca(url: str, token: BootstrapToken) -> str:
    stranger = ControlPlane(url, blind_trust())
    try:
        ca_pem = await stranger.ca()
    finally:
        await stranger.close()
    seen = fingerprint(ca_pem)
    if seen != token.ca_fingerprint:
        raise NotTrusted(f"the control plane's CA is {seen}, the token expects {token.ca_fingerprint}")
    return ca_pem
