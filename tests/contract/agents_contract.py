"""The agents' API as an OpenAPI document, made of the protocol's own types: what Schemathesis needs to speak to it.

Nobody but our agents speaks it, so that no such document is published.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from contract.fuzz import whole, wrong_places
from house import House
from schemathesis.core.parameters import ParameterLocation

from aifactory.contracts.openapi import MEANING, PROBLEM, PROBLEM_FIELD, Json
from aifactory.domains.iam import facade as iam
from aifactory.manifests import MANIFESTS
from aifactory_agent.enrol import enrol
from aifactory_agent.identity import NodeIdentity
from aifactory_protocol import BootstrapRequest, Inventory, PollRequest, RenewRequest, TaskResult
from aifactory_protocol.enrolment import BootstrapResponse, RenewResponse
from aifactory_protocol.tasks import PollResponse
from aifactory_protocol.telemetry import TelemetryAnswer, TelemetryBatch
from aifactory_sim.fleet import DESIGNS, Machine

PREFIX = "/internal/v3"
# route -> (what it takes, status, what it answers)
SPOKEN: dict[str, tuple[Any, int, Any]] = {
    "GET /ca": (None, 200, None),
    "POST /bootstrap": (BootstrapRequest, 200, BootstrapResponse),
    "POST /renew": (RenewRequest, 200, RenewResponse),
    "POST /inventory": (Inventory, 204, None),
    "POST /poll": (PollRequest, 200, PollResponse),
    "POST /tasks/{task_id}/result": (TaskResult, 204, None),
    "POST /telemetry": (TelemetryBatch, 200, TelemetryAnswer),
}
_REFUSALS = (400, 401, 403, 404, 408, 409, 413, 422, 429, 503)


def routes() -> set[str]:
    """What the listener of the agents really has."""
    mounted = [route for manifest in MANIFESTS for router in manifest.agent_routers for route in router.routes]
    return {f"{method} {route.path.removeprefix(PREFIX)}" for route in mounted for method in route.methods}


def document(spoken: dict[str, tuple[Any, int, Any]], examples: dict[str, Json]) -> Json:
    """`examples`: route -> a body that is taken."""
    types = [kind for taken, _, answered in spoken.values() for kind in (taken, answered) if kind is not None]
    refs, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    known = dict(zip([id(kind) for kind in types], refs, strict=True))
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    paths: Json = {}
    for route, (taken, status, answered) in spoken.items():
        method, path = route.split()
        content = {"application/json": {"schema": known[id(answered)]}} if answered else {}
        if route == "GET /ca":
            content = {"application/x-pem-file": {"schema": {"type": "string"}}}
        operation: Json = {"responses": {str(status): {"description": "done", "content": content}}}
        operation["responses"] |= {
            str(refusal): {"description": MEANING[refusal], "content": problem} for refusal in _REFUSALS
        }
        if taken:
            body = {"schema": known[id(taken)], "example": examples[route]}
            operation["requestBody"] = {"required": True, "content": {"application/json": body}}
        if "{task_id}" in path:
            schema = {"type": "string", "minLength": 1, "maxLength": 81}
            operation["parameters"] = [{"name": "task_id", "in": "path", "required": True, "schema": schema}]
        paths.setdefault(PREFIX + path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "agents", "version": "3"},
        "paths": paths,
        "components": {"schemas": schemas | {"Problem": PROBLEM, "ProblemField": PROBLEM_FIELD}},
    }


def enrolled(house: House, folder: Path) -> tuple[NodeIdentity, dict[str, Json]]:
    """A node of its own, which has enrolled as any other, and what such a node says."""
    name, url, identity = "contract-node", f"https://127.0.0.1:{house.ports[2]}", NodeIdentity(folder)
    machine = msgspec.structs.replace(Machine(name, DESIGNS[-1]).inventory(), simulated=False)
    asyncio.run(enrol(identity, url, _token(house, name), name, machine))
    inventory, csr = msgspec.to_builtins(machine), identity.csr(name)
    other = {
        "token": _token(house, "contract-other"),
        "node_name": "contract-other",
        "csr_pem": csr,
        "inventory": inventory,
    }
    return identity, {
        "POST /bootstrap": other,
        "POST /renew": {"csr_pem": csr},
        "POST /inventory": inventory,
        "POST /poll": {"boot_id": "contract", "agent_version": "0.1.0", "sandboxes": [], "wait_seconds": 0},
        "POST /tasks/{task_id}/result": {"task_id": "task_nowhere", "generation": 1, "status": "done"},
        "POST /telemetry": {
            "stream": "contract-stream",
            "sequence": 1,
            "sent_at": "2026-01-01T00:00:00Z",
            "resources": [],
        },
    }


def _token(house: House, name: str) -> str:
    heads = {"Idempotency-Key": f"contract-token-{name}"}
    answer = house.api(iam.ADMIN.email).post("/admin/bootstrap-tokens", json={"node_name": name}, headers=heads)
    return str(answer.raise_for_status().json()["token"])


def impatient(case: Any) -> None:
    """A poll that waits for work would keep the test waiting."""
    if isinstance(case.body, dict) and ParameterLocation.BODY not in wrong_places(case):
        case.body = whole(case.body)
        if "wait_seconds" in case.body:
            case.body["wait_seconds"] = 0
