"""What the house of these tests holds: one living object for each identifier that a path or a body can name.

`known` is what everybody is shown. `own` is a new one of whoever asks, for what destroys the thing that it names.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from datetime import datetime, timedelta
from typing import Any

import httpx
from contract.cast import A
from house import House, until

from aifactory.domains.iam import facade as iam

DRAFT = {"form": {"name": "contract"}}
# As the workers would have written them: a store that answered, a consumer that gave up, a flow that hangs.
_PLANTED = (
    "insert into storage_network.object_stores (region_id, driver, endpoint, reachable, seen_at, changed_at) values "
    "('local', 'seaweedfs', 'http://127.0.0.1:9', true, kernel.now() + interval '1 day', kernel.now()) on conflict do nothing",
    "insert into observability.incidents (id, flow_id, flow_kind, flow_state, subject_id, cause, runbook, "
    "deadline_seconds, entered_at) values ('inc_00000000000000000000000001', 'flow_00000000000000000000000001', 'slot', "
    "'dirty', 'slot_00000000000000000000000001', 'planted', 'domains/provisioning/runbooks/slot-stuck.md', 60, kernel.now())",
)
_DEAD_LETTER = (
    "insert into kernel.dead_letters (id, consumer, event_id, event_type, error, attempts, created_at) "
    "select %s, 'platform_control.notify', id, type, 'planted', 5, kernel.now() from kernel.outbox order by id limit 1"
)
# Nobody listens there, and it is this machine's own: no delivery leaves it.
HOOK = "http://127.0.0.1:65535/contract"
MODEL_SERVER = "http://127.0.0.1:65535/v1"
_MODEL = {
    "id": "@unique",
    "name": "Contract",
    "capabilities": ["chat"],
    "context_tokens": 4096,
    "max_output_tokens": 512,
}
_MODEL |= {"routes": [], "currency": "EUR", "input_price": "0.5", "output_price": "1.5"}
# What makes a new one of what that operation is about.
_MADE_BY: dict[str, tuple[str, Any]] = {
    "DELETE /api/v3/volumes/{volume_id}": ("/volumes", {"name": "@unique", "size_gb": 1}),
    "DELETE /api/v3/buckets/{bucket_id}": ("/buckets", {"name": "@unique"}),
    "DELETE /api/v3/buckets/{bucket_id}/keys/{key_id}": ("/buckets/@bucket_id/keys", {"name": "@unique"}),
    "DELETE /api/v3/ssh-keys/{key_id}": ("/ssh-keys", {"name": "@unique", "public_key": "@ssh_key"}),
    "DELETE /api/v3/keys/{key_id}": ("/keys", {"name": "@unique"}),
    "DELETE /api/v3/launch-drafts/{draft_id}": ("/launch-drafts", DRAFT),
    "GET /api/v3/launch-drafts/{draft_id}": ("/launch-drafts", DRAFT),
    "PUT /api/v3/launch-drafts/{draft_id}": ("/launch-drafts", DRAFT),
    "DELETE /api/v3/members/{member_id}": ("/members", {"email": iam.ADMIN.email, "role": "viewer"}),
    "DELETE /api/v3/projects/{project_id}": ("/projects", {"name": "@unique"}),
    "DELETE /api/v3/webhooks/{webhook_id}": ("/webhooks", {"name": "@unique", "url": HOOK}),
    "POST /api/v3/allocations/{allocation_id}/release": (
        "/allocations",
        {"sku": "local.cpu.1", "ssh_public_key": "@ssh_key", "ssh_key_name": "contract"},
    ),
    "POST /api/v3/instances/{instance_id}/stop": (
        "/instances",
        {"app": "command", "allocation_id": "@allocation_id", "parameters": {"command": "sleep 60"}},
    ),
    "POST /api/v3/admin/ledger/entries/{entry_id}/reverse": (
        "/admin/credits",
        {"tenant_id": A, "amount": "1.00", "currency": "EUR", "reason": "to be reversed"},
    ),
    "DELETE /api/v3/admin/upstreams/{upstream_id}": ("/admin/upstreams", {"name": "@unique", "url": MODEL_SERVER}),
    "DELETE /api/v3/networks/{network_id}": ("/networks", {"name": "@unique"}),
    "DELETE /api/v3/security-groups/{security_group_id}": ("/security-groups", {"name": "@unique"}),
    "DELETE /api/v3/published-ports/{published_port_id}": (
        "/published-ports",
        {"allocation_id": "@allocation_id", "port": "@port"},
    ),
}


def _ssh_key(seed: str) -> str:
    """A public key that nobody has the private half of."""
    parts = (b"ssh-ed25519", hashlib.sha256(seed.encode()).digest())
    return "ssh-ed25519 " + base64.b64encode(b"".join(len(part).to_bytes(4) + part for part in parts)).decode()


class Belongings:
    """Furnishes a house that runs: tenant A has one of everything, and operators have something to look at."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._numbers = itertools.count(1)
        self._ids: dict[str, str] = {}

    def furnish(self) -> None:
        with self._house.owner_db() as database:
            for statement in _PLANTED:
                database.execute(statement)
        tenant, operator = self._house.api(iam.DEMO.email), self._house.api(iam.ADMIN.email)
        self._ids |= {"tenant_id": A, "sku": "local.cpu.1", "region_id": "local", "resource": "volumes", "url": HOOK}
        self._ids |= {"incident_id": "inc_00000000000000000000000001", "dead_letter_id": self._dead_letter()}
        self._ids["project_id"] = self._newest(tenant, "/projects")
        self._ids["network_id"] = self._post(tenant, *_MADE_BY["DELETE /api/v3/networks/{network_id}"])
        path, launch = _MADE_BY["POST /api/v3/allocations/{allocation_id}/release"]
        self._ids["allocation_id"] = self._post(tenant, path, launch | {"network_id": "@network_id"})
        for name, label in (
            ("volume_id", "DELETE /api/v3/volumes/{volume_id}"),
            ("bucket_id", "DELETE /api/v3/buckets/{bucket_id}"),
            ("buckets/key_id", "DELETE /api/v3/buckets/{bucket_id}/keys/{key_id}"),
            ("ssh-keys/key_id", "DELETE /api/v3/ssh-keys/{key_id}"),
            ("keys/key_id", "DELETE /api/v3/keys/{key_id}"),
            ("draft_id", "DELETE /api/v3/launch-drafts/{draft_id}"),
            ("webhook_id", "DELETE /api/v3/webhooks/{webhook_id}"),
            ("security_group_id", "DELETE /api/v3/security-groups/{security_group_id}"),
        ):
            self._ids[name] = self._post(tenant, *_MADE_BY[label])
        self._ids["member_id"] = self._newest(tenant, "/members")
        self._ids["slot_id"] = self._newest(operator, "/admin/slots")
        self._ids["node_id"] = self._newest(operator, "/admin/nodes")
        self._ids["certificate_id"] = self._newest(operator, "/admin/certificates")
        self._ids["entry_id"] = self._newest(operator, "/admin/ledger/entries")
        self._ids["gateway_id"] = self._newest(operator, "/admin/gateways")
        self._ids["upstream_id"] = self._post(operator, *_MADE_BY["DELETE /api/v3/admin/upstreams/{upstream_id}"])
        self._ids["model_id"] = self._post(operator, "/admin/models", _MODEL)
        model = f"/models/{self._ids['model_id']}"
        until(lambda: tenant.get(model).is_success, 10, "the model's prices do not count")
        self._ids["kind"] = tenant.get("/notification-preferences").json()["items"][0]["kind"]
        runbook = operator.get("/runbooks").json()["items"][0]
        self._ids |= {"domain": runbook["domain"], "runbooks/name": runbook["name"], "apps/name": "command"}
        allocation = f"/allocations/{self._ids['allocation_id']}"
        until(lambda: tenant.get(allocation).json()["state"] == "active", 60, "no allocation is active")
        since = datetime.fromisoformat(tenant.get(allocation).json()["updated_at"])
        self._ids |= {"since": since.isoformat(), "until": (since + timedelta(milliseconds=100)).isoformat()}
        self._ids["tomorrow"] = (since + timedelta(days=1)).isoformat()
        self._ids["attachment_id"] = self._newest(tenant, "/network-attachments")
        port = _MADE_BY["DELETE /api/v3/published-ports/{published_port_id}"]
        self._ids["published_port_id"] = self._post(tenant, *port)
        self._ids["instance_id"] = self._post(tenant, *_MADE_BY["POST /api/v3/instances/{instance_id}/stop"])

    def known(self, name: str, path: str = "") -> str | None:
        """The identifier for a parameter called so in that path."""
        if path.endswith("/suspend"):
            return iam.ADMIN.tenant_id  # the others go on
        place = path.removeprefix("/api/v3/").partition("/")[0]
        return self._ids.get(f"{place}/{name}", self._ids.get(name))

    def own(self, label: str, client: httpx.Client) -> str | None:
        """A new thing for that operation, made as `client`; None where there is nothing to make or it may not."""
        if label == "POST /api/v3/admin/dead-letters/{dead_letter_id}/replay":
            return self._dead_letter()
        if label not in _MADE_BY:
            return None
        path, body = _MADE_BY[label]
        answer = self._send(client, path, body)
        return str(answer.json()["id"]) if answer.is_success else None

    def filled(self, value: Any) -> Any:
        """`@name` in a body or path is the known identifier; `@unique`, `@port` and `@ssh_key` are new each time."""
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.filled(part) for part in value]
        if value == "@port":
            return 8_000 + next(self._numbers)
        if isinstance(value, str) and "@" in value:
            words = value.split("/")
            return "/".join(self._word(word[1:]) if word.startswith("@") else word for word in words)
        return value

    def unique(self) -> str:
        return f"contract-{next(self._numbers)}"

    def _word(self, name: str) -> str:
        if name == "ssh_key":
            return _ssh_key(self.unique())
        return self.unique() if name == "unique" else self._ids[name]

    def _send(self, client: httpx.Client, path: str, body: Any) -> httpx.Response:
        return client.post(self.filled(path), json=self.filled(body), headers={"Idempotency-Key": self.unique()})

    def _post(self, client: httpx.Client, path: str, body: Any) -> str:
        answer = self._send(client, path, body)
        assert answer.is_success, f"POST {path}: {answer.text}"
        return str(answer.json()["id"])

    def _newest(self, client: httpx.Client, path: str) -> str:
        return str(client.get(path).raise_for_status().json()["items"][0]["id"])

    def _dead_letter(self) -> str:
        made = f"dlq_{next(self._numbers):026d}"
        with self._house.owner_db() as database:
            database.execute(_DEAD_LETTER, (made,))
        return made
