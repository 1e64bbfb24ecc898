"""What token gateways say on the agents' listener, and who says it in these tests: a gateway that has enrolled like any."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from house import House

from aifactory.contracts.openapi import Json
from aifactory.domains.iam import facade as iam
from aifactory_gateway.enrol import enrol
from aifactory_gateway.identity import GatewayIdentity
from aifactory_protocol import RenewRequest, RenewResponse
from aifactory_protocol.gateway import (
    GatewayBootstrapRequest,
    GatewayBootstrapResponse,
    Lease,
    LeaseRequest,
    LeaseReturn,
    SnapshotAnswer,
    SnapshotRequest,
    UsageAnswer,
    UsageBatch,
)

# route -> (what it takes, status, what it answers)
SPOKEN: dict[str, tuple[Any, int, Any]] = {
    "POST /gateway/bootstrap": (GatewayBootstrapRequest, 200, GatewayBootstrapResponse),
    "POST /gateway/renew": (RenewRequest, 200, RenewResponse),
    "POST /gateway/snapshot": (SnapshotRequest, 200, SnapshotAnswer),
    "POST /gateway/leases": (LeaseRequest, 200, Lease),
    "POST /gateway/leases/return": (LeaseReturn, 204, None),
    "POST /gateway/usage": (UsageBatch, 200, UsageAnswer),
}


def enrolled(house: House, folder: Path) -> tuple[GatewayIdentity, dict[str, Json]]:
    """A gateway of its own, and what such a gateway says."""
    name, identity = "contract-gateway", GatewayIdentity(folder)
    asyncio.run(enrol(identity, f"https://127.0.0.1:{house.ports[2]}", _token(house, name), name))
    csr = identity.csr(name)
    return identity, {
        "POST /gateway/bootstrap": {
            "token": _token(house, "contract-other"),
            "gateway_name": "contract-other",
            "csr_pem": csr,
        },
        "POST /gateway/renew": {"csr_pem": csr},
        "POST /gateway/snapshot": {"known_version": 0, "wait_seconds": 0},
        "POST /gateway/leases": {
            "id": "lease_contract",
            "account_id": _account(house),
            "currency": "EUR",
            "least": 1_000,
        },
        "POST /gateway/leases/return": {"ids": ["lease_nowhere"]},
        "POST /gateway/usage": {"records": []},
    }


def _token(house: House, name: str) -> str:
    heads = {"Idempotency-Key": f"contract-gateway-token-{name}"}
    answer = house.api(iam.ADMIN.email).post("/admin/gateway-tokens", json={"gateway_name": name}, headers=heads)
    return str(answer.raise_for_status().json()["token"])


def _account(house: House) -> str:
    with house.owner_db() as database:
        row = database.execute(
            "select id from billing.billing_accounts where tenant_id = %s", (iam.DEMO.tenant_id,)
        ).fetchone()
    return str(row[0])
