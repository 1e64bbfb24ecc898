"""Becoming a node: the CA by its fingerprint, then the token for a certificate of our own key."""

from __future__ import annotations

import msgspec

from aifactory_agent.control_plane import USER_AGENT, ControlPlane
from aifactory_agent.identity import Enrolment, NodeIdentity, task_key_of
from aifactory_outpost import durable
from aifactory_outpost.bootstrap import proven_ca, same_ca
from aifactory_outpost.identity import server_trust
from aifactory_protocol.enrolment import BootstrapRequest, parse_bootstrap_token
from aifactory_protocol.inventory import Inventory


async def enrol(identity: NodeIdentity, url: str, token_text: str, node_name: str, inventory: Inventory) -> Enrolment:
    """Enrol; raises BadToken, NotTrusted, CallFailed. Nothing is sent before the CA has proved itself."""
    token = parse_bootstrap_token(token_text)
    ca_pem = await proven_ca(url, token, USER_AGENT)
    request = BootstrapRequest(token.text(), node_name, identity.csr(node_name), inventory)
    control_plane = ControlPlane(url, server_trust(ca_pem))
    try:
        answer = await control_plane.bootstrap(request)
    finally:
        await control_plane.close()
    same_ca(answer.ca_pem, token)
    task_key_of(answer.task_key)
    identity.keep_certificate(answer.certificate_pem, ca_pem)
    durable.write(identity.ca_file, ca_pem.encode())
    durable.write(identity.folder / "task_key", answer.task_key.encode())
    made = Enrolment(answer.node_id, node_name, url, answer.task_key)
    durable.write(identity.folder / "node.json", msgspec.json.encode(made))
    return made
