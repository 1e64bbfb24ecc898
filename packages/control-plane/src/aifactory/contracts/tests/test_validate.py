"""What was sent is held against the bundle: undeclared statuses, members, types and events are found."""

import json

import pytest

from aifactory.contracts import asyncapi, openapi
from aifactory.contracts.validate import ContractViolation, EventValidator, ResponseValidator
from aifactory.domains.platform_control.manifest import MANIFEST
from aifactory.events import platform_control as events

REGION = {"id": "local", "name": "This machine", "currency": "EUR", "country": "DE", "simulated": False}
PROBLEM = {"type": "https://aifactory.dev/problems/x", "title": "x", "status": 401, "code": "x", "detail": "x", "todo": "", "request_id": "r"}  # fmt: skip


@pytest.fixture
def validator():
    return ResponseValidator(openapi.build(MANIFEST.routers))


def check(validator, status, body, path="/api/v3/regions", kind="application/json", method="GET"):
    validator.check(method, path, status, kind, json.dumps(body).encode())


def test_true_answers_pass_and_are_remembered(validator):
    check(validator, 200, {"items": [REGION]})
    check(validator, 401, PROBLEM | {"limit": 4}, "/api/v3/admin/certificates", "application/problem+json")
    check(validator, 404, PROBLEM, "/api/v3/nothing/here", "application/problem+json")
    assert ("GET", "/api/v3/regions", 200) in validator.seen


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (200, {"items": [REGION | {"secret": 1}]}, "application/json", "secret"),
        (200, {"items": [{"id": "local"}]}, "application/json", "name"),
        (200, {"items": [REGION | {"simulated": "no"}]}, "application/json", "simulated"),
        (201, {"items": []}, "application/json", "not declared"),
        (200, {"items": []}, "text/html", "sent text/html"),
        (500, {"detail": "oops"}, "application/problem+json", "required"),
    ],
)
def test_an_answer_that_the_contract_does_not_know_is_found(validator, status, body, kind, says):
    with pytest.raises(ContractViolation, match=says):
        check(validator, status, body, kind=kind)


def test_a_route_outside_the_contract_is_found(validator):
    with pytest.raises(ContractViolation, match="not in the contract"):
        check(validator, 200, {}, "/api/v3/hidden")


def test_paths_with_parameters_are_recognised(validator):
    with pytest.raises(ContractViolation, match="required"):
        check(validator, 200, {}, "/api/v3/admin/certificates/cert_1/revoke", method="POST")


def an_event(**changes):
    return {
        "id": "evt_1", "type": "platform_control.certificate_revoked", "version": 1, "aggregate": "cert_1", "aggregate_version": 2,
        "tenant_id": None, "occurred_at": "2026-11-23T08:00:00+00:00", "traceparent": "",
        "payload": {"certificate_id": "cert_1", "serial": "ab", "node_id": "node_1", "reason": "lost"},
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "iam.nobody_knows"},
        {"id": 7},
        {"payload": {"serial": "ab"}},
        {"payload": an_event()["payload"] | {"x": 1}},
    ],
)
def test_an_event_that_the_contract_does_not_know_is_found(changes):
    validator = EventValidator(asyncapi.build({events.CertificateRevoked.TYPE: events.CertificateRevoked}))
    validator.check(an_event())
    with pytest.raises(ContractViolation):
        validator.check(an_event(**changes))
