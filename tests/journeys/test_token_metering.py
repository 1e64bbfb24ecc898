"""Tens of thousands of requests through a real gateway, while it, its control plane and its callers are killed and cut off:
the tokens on the bill are those that the model server (SIMULATED) counted itself, none lost and none doubled."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
from house import House, until
from token_load import Load

PRICES = {"in": Decimal("30"), "out": Decimal("70.000000001")}  # for a million tokens
MODEL = {"id": "sim", "name": "Simulated", "capabilities": ["chat"], "context_tokens": 8192, "max_output_tokens": 64}
CREDIT = "5000.00"
SETTLE_SECONDS = 300


@dataclass
class Metered:
    house: House
    server: str  # address of the simulated model server
    asked: int = 0

    def post(self, who: str, path: str, body: Any) -> dict[str, Any]:
        self.asked += 1
        heads = {"Idempotency-Key": f"metering-{self.asked:04d}"}
        answer = self.house.api(who).post(path, json=body, headers=heads)
        assert answer.is_success, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def counted(self) -> dict[str, list[int]]:
        """key's name -> [requests, tokens in, tokens out], as the model server counted; once nothing runs there."""
        told = httpx.get(f"{self.server}/totals", trust_env=False, timeout=30).json()
        return {} if told["open"] else told["users"]

    def told(self) -> dict[str, list[int]]:
        """key -> [requests, tokens in, tokens out], as the tenant sees it; nothing while the API is not there."""
        try:
            rows = self.house.api("demo@example.com").get("/token-usage", params={"by": "key"}).json()["items"]
        except httpx.HTTPError:
            return {}
        return {row["key_id"]: [row["requests"], row["tokens_in"], row["tokens_out"]] for row in rows}

    def booked(self) -> dict[tuple[str, str], tuple[int, Decimal]]:
        """(key, sku) -> (tokens, exact amount) in the books."""
        with self.house.owner_db() as database:
            rows = database.execute(
                "select u.source_id, u.sku, sum(u.quantity)::bigint, sum(u.exact_amount) from billing.usage_periods p cross join "
                "lateral billing.usage_priced(array[p.subject_id], '-infinity', 'infinity') u where u.sku like 'sim.%' group by 1, 2"
            ).fetchall()
        return {(key, sku): (tokens, amount) for key, sku, tokens, amount in rows}

    def wallet(self) -> tuple[Decimal, Decimal]:
        with self.house.owner_db() as database:
            row = database.execute(
                "select available, held from billing.wallets where currency = 'EUR' order by version desc limit 1"
            ).fetchone()
        assert row is not None
        return row[0], row[1]


@contextmanager
def simulated_model_server() -> Iterator[str]:
    words = [sys.executable, "-m", "aifactory_sim.inference_upstream"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield re.search(r"http://\S+", server.stdout.readline())[0]  # type: ignore[index]
        finally:
            server.kill()


@contextmanager
def opened() -> Iterator[Metered]:
    with simulated_model_server() as address:
        house = House(slots=1)
        try:
            house.up()
            made = Metered(house, address)
            upstream = {"name": "simulated", "url": address, "usage_path": "/v1/usage/{request_id}"}
            routes = [
                {
                    "upstream_id": made.post("admin@example.com", "/admin/upstreams", upstream)["id"],
                    "upstream_model": "sim",
                }
            ]
            prices = {"currency": "EUR", "input_price": str(PRICES["in"]), "output_price": str(PRICES["out"])}
            made.post("admin@example.com", "/admin/models", MODEL | prices | {"routes": routes})
            tenant = house.cli("whoami", "-o", "json", profile=house.login("demo@example.com"), check=True).json
            credit = {
                "tenant_id": tenant["tenant"]["id"],
                "amount": CREDIT,
                "currency": "EUR",
                "reason": "for the load",
            }
            made.post("admin@example.com", "/admin/credits", credit)
            yield made
        finally:
            house.stop()


def disturb(house: House, load: Load, heard: list[str]) -> None:
    """At each fifth of the way something else goes wrong."""

    def cut_off() -> None:
        pids = [house.pids()[name] for name in ("api", "worker")]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(5)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    troubles = (
        ("gateway killed", lambda: house.kill("gateway")),
        ("control plane cut off", cut_off),
        ("api and worker killed", lambda: (house.kill("api"), house.kill("worker"))),
        ("gateway killed again", lambda: house.kill("gateway")),
    )
    for number, (name, trouble) in enumerate(troubles, 1):
        while load.sent < load.requests * number // 5 and not load.is_over:
            time.sleep(0.05)
        trouble()
        heard.append(f"{name} after {load.sent} requests")


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(50_000, marks=pytest.mark.heavy, id="50000"),
        pytest.param(1_000_000, marks=pytest.mark.soak, id="1000000"),
    ],
)
def test_what_the_model_server_counted_is_on_the_bill_whatever_goes_wrong(requests: int) -> None:
    with opened() as metered:
        before = sum(metered.wallet())
        made = {f"k{n}": metered.post("demo@example.com", "/keys", {"name": f"k{n}"}) for n in range(4)}
        load = Load(metered.house.ports[1], {name: key["secret"] for name, key in made.items()}, requests)
        heads = {"Authorization": f"Bearer {made['k3']['secret']}"}
        models = f"http://127.0.0.1:{load.port}/v1/models"
        until(
            lambda: httpx.get(models, headers=heads, trust_env=False).status_code == 200, 10, "the keys are not known"
        )
        heard: list[str] = []
        trouble = threading.Thread(target=disturb, args=(metered.house, load, heard))
        trouble.start()
        began = time.monotonic()
        asyncio.run(load.run())
        trouble.join()
        took = time.monotonic() - began
        counted = until(metered.counted, 60, "the model server is still at work")
        wanted = {made[name]["id"]: totals for name, totals in counted.items()}
        until(lambda: metered.told() == wanted, SETTLE_SECONDS, lambda: f"told {metered.told()}\ncounted {wanted}", 1)
        bill = {
            (key, f"sim.{'input' if which == 'in' else 'output'}"): (
                tokens,
                (tokens * price / 10**6).quantize(Decimal("1e-9")),
            )
            for key, (_, tokens_in, tokens_out) in wanted.items()
            for which, tokens, price in (("in", tokens_in, PRICES["in"]), ("out", tokens_out, PRICES["out"]))
        }
        until(lambda: metered.booked() == bill, SETTLE_SECONDS, lambda: f"booked {metered.booked()}\nowed {bill}", 1)
        owed = sum(amount for _, amount in bill.values())
        available, held = metered.wallet()
        print(
            f"\n{load.sent} sent in {took:.0f} s ({load.sent / took:.0f}/s), {load.answered} answered, {load.left} left in the "
            f"middle, refused {load.refused}, {load.broken} connections broken; {'; '.join(heard)}\n"
            f"{sum(totals[0] for totals in wanted.values())} reached the model server; {owed:.9f} EUR owed; "
            f"available {available}, held {held}"
        )
        assert len(heard) == 4 and load.left and owed > 0
        assert load.answered > requests * 0.8
        assert available + held == before  # nothing is billed before the month ends, all is set aside
        assert available >= 0
        assert held >= owed
        balance = metered.house.api("admin@example.com").get("/admin/ledger/trial-balance").json()
        assert balance["balanced"] and not balance["wallets_differing"], balance
