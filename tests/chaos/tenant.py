"""A tenant that never gives up: it repeats each request under its key until it is answered, and remembers the answers.

What it was answered is all that the oracle knows of the platform's promises.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from house import House

SKU = "local.cpu.1"
PATIENCE_SECONDS = 90
LIVING = ("requested", "placing", "preparing", "starting", "verifying", "active", "releasing", "stopping", "settling")


@dataclass
class Tenant:
    """`launch()` and `release()` through whatever happens; `promised` maps allocation ids to what was acknowledged."""

    house: House
    http: httpx.Client
    public_key: str
    promised: dict[str, str] = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    keys: int = 0

    @classmethod
    def of(cls, house: House, email: str) -> Tenant:
        return cls(house, house.api(email), house.ssh_key().read_text().strip())

    # -- what it asks for

    def launch(self, name: str, volume: str | None = None) -> str | None:
        """The acknowledged allocation's id, or None when the launch was refused."""
        body: dict[str, Any] = {"sku": SKU, "name": name, "ssh_public_key": self.public_key}
        if volume:
            body["volumes"] = [{"name": volume, "size_gb": 1}]
        answer = self.ask("POST", "/allocations", body)
        if answer.status_code != 202:
            assert answer.status_code == 409, f"{answer.status_code} {answer.text}"
            self.refusals.append(answer.json())
            return None
        allocation_id = str(answer.json()["id"])
        self.promised[allocation_id] = "launched"
        return allocation_id

    def release(self, allocation_id: str) -> None:
        answer = self.ask("POST", f"/allocations/{allocation_id}/release", {"reason": "chaos"})
        state = answer.json().get("state")
        assert answer.is_success or state in ("refused", "failed", None), f"{answer.status_code} {answer.text}"
        if answer.is_success:
            self.promised[allocation_id] = "released"

    def delete_volume(self, volume_id: str) -> None:
        answer = self.ask("DELETE", f"/volumes/{volume_id}", None)
        assert answer.is_success or answer.status_code in (404, 409), f"{answer.status_code} {answer.text}"

    def ask(self, method: str, path: str, body: Any) -> httpx.Response:
        """Repeats under one key until there is an answer that is not `not now`."""
        self.keys += 1
        heads = {"Idempotency-Key": f"chaos-{secrets.token_hex(12)}"}
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self.http.request(method, path, json=body, headers=heads)
                if answer.status_code < 500 and not self._in_progress(answer):
                    return answer
                trouble = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                trouble = repr(error)
            assert time.monotonic() < ends, f"{method} {path} was not answered for {PATIENCE_SECONDS} s: {trouble}"
            time.sleep(0.2)

    @staticmethod
    def _in_progress(answer: httpx.Response) -> bool:
        return answer.status_code in (409, 425) and "in_progress" in answer.text

    # -- what it can see

    def get(self, path: str, **params: Any) -> Any:
        return self.ask_for(path, params).json()

    def ask_for(self, path: str, params: dict[str, Any]) -> httpx.Response:
        ends = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self.http.get(path, params=params)
                if answer.is_success:
                    return answer
                trouble = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                trouble = repr(error)
            assert time.monotonic() < ends, f"GET {path} was not answered for {PATIENCE_SECONDS} s: {trouble}"
            time.sleep(0.2)

    def allocations(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        cursor = None
        while True:
            page = self.get("/allocations", limit=200, **({"cursor": cursor} if cursor else {}))
            found |= {item["id"]: item for item in page["items"]}
            cursor = page.get("next_cursor")
            if not cursor:
                return found

    def volumes(self) -> list[dict[str, Any]]:
        return [item for item in self.get("/volumes", limit=200)["items"] if not item.get("deleted_at")]

    def held(self) -> Decimal:
        return Decimal(self.get("/wallet")["held"]["amount"])

    def quota_used(self, resource: str) -> int:
        return sum(item["used"] for item in self.get("/quotas")["items"] if item["resource"] == resource)

    def available_slots(self) -> int:
        return sum(item["available"] for item in self.get("/offers", sku=SKU)["items"])
