"""`python -m aifactory.admin <command>`: what is done to a house before it runs.

init-secrets --dir DIR [--host NAME]... [--owner api=UID] [--owner worker=UID] [--owner proxy=UID]
migrate [--seed]    AIF_OWNER_URL; AIF_API_DB_PASSWORD and AIF_WORKER_DB_PASSWORD set the logins' passwords; then `seed`
seed                AIF_DATABASE_URL (API login), AIF_SECRETS_DIR; development users, prices, credit
demo open|close     the same; the simulated region with its hardware and price book, or its end
bootstrap-token --node-name NAME... [--region ID]    the same; prints {"token": …, "tokens": {name: …}}
gateway-token --name NAME [--region ID]              the same; prints {"token": …}
local-model --url URL                                the same; the model server of this machine is at URL
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from aifactory.domains import migration_places
from aifactory.kernel import migrate
from aifactory.kernel.db import Database
from aifactory.kernel.principal import Grant, Principal

EXIT_MIGRATION = 3
DEMO_REGION = "demo"
_WHO = Principal(
    "service:admin", "service", "administration on the machine itself", None, (Grant("platform_admin", "platform"),)
)


def main() -> None:
    options = _parser().parse_args()
    commands = {
        "init-secrets": _init_secrets,
        "migrate": _migrate,
        "seed": _seed,
        "demo": _demo,
        "bootstrap-token": _bootstrap_token,
        "gateway-token": _gateway_token,
        "local-model": _local_model,
    }
    commands[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aifactory.admin")
    commands = parser.add_subparsers(dest="command", required=True)
    secrets = commands.add_parser("init-secrets")
    secrets.add_argument("--dir", type=Path, required=True)
    secrets.add_argument("--host", action="append", default=[])
    secrets.add_argument("--owner", action="append", default=[], metavar="SERVICE=UID")
    commands.add_parser("migrate").add_argument("--seed", action="store_true")
    commands.add_parser("seed")
    commands.add_parser("demo").add_argument("wish", choices=("open", "close"))
    token = commands.add_parser("bootstrap-token")
    token.add_argument("--node-name", action="append", required=True)
    token.add_argument("--region", default="local")
    gateway = commands.add_parser("gateway-token")
    gateway.add_argument("--name", required=True)
    gateway.add_argument("--region", default="local")
    commands.add_parser("local-model").add_argument("--url", required=True)
    return parser


def _init_secrets(options: argparse.Namespace) -> None:
    from aifactory.domains.platform_control import secrets

    owners = {service: int(uid) for service, _, uid in (pair.partition("=") for pair in options.owner)}
    secrets.init_secrets(options.dir, options.host, owners)


def _migrate(options: argparse.Namespace) -> None:
    passwords = {
        login: os.environ[name]
        for login, name in (("aif_api_login", "AIF_API_DB_PASSWORD"), ("aif_worker_login", "AIF_WORKER_DB_PASSWORD"))
        if os.environ.get(name)
    }
    try:
        applied = migrate.apply(os.environ["AIF_OWNER_URL"], migrate.collect(migration_places()), passwords)
    except migrate.MigrationError as error:
        print(error, file=sys.stderr)
        raise SystemExit(EXIT_MIGRATION) from error
    print(json.dumps({"applied": applied}))
    if options.seed:
        _seed(options)


def _seed(options: argparse.Namespace) -> None:
    from aifactory.manifests import MANIFESTS

    async def seed() -> None:
        database = await Database.open(os.environ["AIF_DATABASE_URL"], "admin")
        for manifest in reversed(MANIFESTS):
            if manifest.seed:
                async with database.tx("worker", _WHO) as tx:
                    await manifest.seed(tx)
        await database.close()

    asyncio.run(seed())


def _demo(options: argparse.Namespace) -> None:
    async def run() -> None:
        database = await Database.open(os.environ["AIF_DATABASE_URL"], "admin")
        await (_open_demo if options.wish == "open" else _close_demo)(database)
        await database.close()

    asyncio.run(run())


async def _open_demo(database: Database) -> None:
    from aifactory.manifests import MANIFESTS

    async with database.tx("operator", _WHO) as tx:
        for manifest in reversed(MANIFESTS):
            if manifest.demo:
                await manifest.demo(tx)


async def _close_demo(database: Database) -> None:
    """The machines are gone, so whoever still rents one is let go in the ordinary way: its bill ends now."""
    from aifactory.domains.platform_control import facade as platform_control
    from aifactory.domains.provisioning import facade as provisioning

    async with database.tx("operator", _WHO) as tx:
        if not await platform_control.close_demo(tx):
            return
        live = await provisioning.live_in_region(tx, DEMO_REGION)
    for allocation_id, tenant_id in live:
        async with database.tx("worker", _WHO) as tx:
            await tx.set_tenant(tenant_id)
            await provisioning.release_for(tx, allocation_id, "the simulated region was switched off")


def _bootstrap_token(options: argparse.Namespace) -> None:
    from aifactory.domains.provisioning import facade

    async def make() -> dict[str, str]:
        database = await Database.open(os.environ["AIF_DATABASE_URL"], "admin")
        made = {}
        async with database.tx("operator", _WHO) as tx:
            for name in options.node_name:
                made[name] = (await facade.create_bootstrap_token(tx, name, options.region)).token
        await database.close()
        return made

    tokens = asyncio.run(make())
    print(json.dumps({"token": tokens[options.node_name[0]], "tokens": tokens}))


def _gateway_token(options: argparse.Namespace) -> None:
    from aifactory.domains.app_platform import facade

    async def make() -> str:
        database = await Database.open(os.environ["AIF_DATABASE_URL"], "admin")
        async with database.tx("operator", _WHO) as tx:
            made = await facade.create_gateway_token(tx, options.name, options.region)
        await database.close()
        return str(made.token)

    print(json.dumps({"token": asyncio.run(make())}))


def _local_model(options: argparse.Namespace) -> None:
    from aifactory.domains.app_platform import facade

    async def offer() -> None:
        database = await Database.open(os.environ["AIF_DATABASE_URL"], "admin")
        async with database.tx("operator", _WHO) as tx:
            await facade.offer_local_model(tx, options.url)
        await database.close()

    asyncio.run(offer())


if __name__ == "__main__":
    main()
