"""Becoming a gateway: the CA by its fingerprint, then the token for a certificate of our own key and the pepper."""

from __future__ import annotations

from aifactory_gateway.identity import USER_AGENT, Enrolment, GatewayIdentity
from aifactory_outpost import durable
from aifactory_outpost.bootstrap import proven_ca, same_ca
from aifactory_outpost.calls import Calls, decoded
from aifactory_outpost.identity import NotTrusted, server_trust
from aifactory_protocol.enrolment import parse_bootstrap_token
from aifactory_protocol.gateway import GatewayBootstrapRequest, GatewayBootstrapResponse


async def enrol(identity: GatewayIdentity, url: str, token_text: str, name: str) -> Enrolment:
    """Enrol; raises BadToken, NotTrusted, CallFailed, and then an earlier enrolment is as it was. Nothing is sent
    before the CA has proved itself."""
    if not url.startswith("https://"):
        raise NotTrusted(f"{url} is not https: a token is not sent where others can read it")
    token = parse_bootstrap_token(token_text)
    ca_pem = await proven_ca(url, token, USER_AGENT)
    request = GatewayBootstrapRequest(token.text(), name, identity.csr(name))
    answer = await _bootstrap(url, ca_pem, request)
    same_ca(answer.ca_pem, token)
    made = Enrolment(answer.gateway_id, name, url, answer.pepper)
    made.pepper_bytes()
    identity.check_certificate(answer.certificate_pem, ca_pem)
    identity.forget_enrolment()
    identity.keep_certificate(answer.certificate_pem, ca_pem)
    durable.write(identity.ca_file, ca_pem.encode())
    identity.keep_enrolment(made)
    return made


async def _bootstrap(url: str, ca_pem: str, request: GatewayBootstrapRequest) -> GatewayBootstrapResponse:
    calls = Calls(url, server_trust(ca_pem), USER_AGENT)
    try:
        answer = await calls.call("POST", "/internal/v3/gateway/bootstrap", request)
    finally:
        await calls.close()
    return decoded(answer, GatewayBootstrapResponse)
