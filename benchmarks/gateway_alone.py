"""One gateway process without a control plane: keys, limits, holds and metering on, money for years."""

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from aifactory_gateway.catalogue import hash_of
from aifactory_gateway.gateway import Gateway
from aifactory_gateway.journal import Journal
from aifactory_gateway.spool import Spool
from aifactory_protocol.gateway import GatewayKey, GatewayModel, KeyLimits, Lease, Route, Snapshot, TokenPrice, Upstream

PEPPER = b"of the benchmark"
SECRET = "sk-benchmark"


def snapshot(upstream_url: str) -> Snapshot:
    now = datetime.now(UTC)
    limits = KeyLimits(requests_per_minute=10**9, tokens_per_minute=10**12, tokens_per_day=10**12, streams=100_000)
    key = GatewayKey(
        "key_1", hash_of(PEPPER, SECRET), "tnt_1", "prj_1", "acct_1", now + timedelta(days=1), limits=limits
    )
    price = TokenPrice("price_1", "AED", 1_000_000_000, 2_000_000_000)
    model = GatewayModel("m", ["chat"], 8_192, 1_024, price, [Route("ups_1", "m")], now)
    return Snapshot(
        1, now, [key], [model], [Upstream("ups_1", upstream_url, max_requests=20_000, between_bytes_seconds=600)]
    )


async def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--upstream", required=True)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Journal(Path(folder) / "journal"), Spool(Path(folder) / "spool"), PEPPER)
        gateway.take_snapshot(snapshot(chosen.upstream))
        gateway.budgets.add(Lease("lease_1", "acct_1", "AED", 2**62, datetime.now(UTC) + timedelta(days=1)))
        await gateway.listen("127.0.0.1", chosen.port)
        print("ready", flush=True)
        await asyncio.Event().wait()


uvloop.run(main())
