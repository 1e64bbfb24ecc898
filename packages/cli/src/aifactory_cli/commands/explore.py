"""What anyone may see without signing in: catalogue, offers, quotes, regions."""

from __future__ import annotations

from typing import Any

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.output import local_time, show_list, show_one, text
from aifactory_cli.session import Session, pass_session

region_option = click.option("--region", metavar="REGION", help="Only this region.")


@click.command(cls=AifCommand)
@region_option
@pass_session
def catalog(session: Session, region: str | None) -> None:
    """What can be had, where, at which price, and whether it is free now."""
    show_list(
        session,
        session.public_api.get("/catalog", region=region),
        [
            ("sku", lambda it: it.get("sku")),
            ("name", lambda it: it.get("name")),
            ("resources", lambda it: _resources(it.get("resources"))),
            ("region", lambda it: it.get("region_id")),
            ("price", _price),
            ("free", lambda it: f"{it.get('available')} of {it.get('capacity')}"),
            ("note", lambda it: it.get("unavailable_reason")),
        ],
        empty="The catalogue is empty.",
    )


@click.command(cls=AifCommand)
@click.argument("sku_argument", metavar="[SKU]", required=False)
@click.option("--sku", metavar="SKU", help="Only this one.")
@region_option
@pass_session
def offers(session: Session, sku_argument: str | None, sku: str | None, region: str | None) -> None:
    """What is free right now, best first."""
    show_list(
        session,
        session.public_api.get("/offers", sku=sku or sku_argument, region=region),
        [
            ("rank", lambda it: it.get("rank")),
            ("sku", lambda it: it.get("sku")),
            ("region", lambda it: it.get("region_id")),
            ("free", lambda it: f"{it.get('available')} of {it.get('capacity')}"),
            ("price per hour", lambda it: it.get("price")),
            ("next free", lambda it: local_time(it.get("next_free_at"))),
            ("why", lambda it: it.get("reason")),
        ],
        empty="Nothing is offered for that; see `aif catalog`.",
    )


@click.command(cls=AifCommand)
@click.argument("sku_argument", metavar="[SKU]", required=False)
@click.option("--sku", metavar="SKU", help="What; see `aif catalog`.")
@click.option("--region", metavar="REGION", help="Where.")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many.")
@click.option("--hours", metavar="HOURS", default="1", show_default=True, help="How long, like 1 or 0.5.")
@pass_session
def quote(
    session: Session, sku_argument: str | None, sku: str | None, region: str | None, count: int, hours: str
) -> None:
    """What something will cost. The price holds while the quote is valid (--quote of `allocations create`)."""
    wanted = sku or sku_argument
    if not wanted:
        raise click.UsageError("Missing option '--sku'. `aif catalog` shows what there is.")
    found = session.public_api.post(
        "/quotes", {"sku": wanted, "region_id": region, "count": count, "hours": _hours(hours)}
    )
    show_one(
        session,
        found,
        [
            ("quote", lambda it: it.get("id")),
            ("sku", lambda it: it.get("sku")),
            ("region", lambda it: it.get("region_id")),
            ("price", lambda it: f"{text(it.get('unit_price'))} per hour each"),
            ("for", lambda it: f"{it.get('count')} × {it.get('hours')} h"),
            ("total", lambda it: it.get("total")),
            ("held", lambda it: f"{text(it.get('hold'))} is set aside at launch, the rest comes back"),
            ("valid until", lambda it: local_time(it.get("valid_until"))),
        ],
    )


@click.command(cls=AifCommand)
@pass_session
def regions(session: Session) -> None:
    """Where the platform runs."""
    show_list(
        session,
        session.public_api.get("/regions"),
        [
            ("id", lambda it: it.get("id")),
            ("name", lambda it: it.get("name")),
            ("country", lambda it: it.get("country")),
            ("currency", lambda it: it.get("currency")),
            ("simulated", lambda it: it.get("simulated")),
        ],
        empty="No region is open.",
    )


def _hours(given: str) -> int | float:
    try:
        hours = float(given)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 8784:
        raise click.BadParameter(f"{given!r} is not a number of hours between 0 and 8784.", param_hint="--hours")
    return int(hours) if hours == int(hours) else hours


def _price(item: dict[str, Any]) -> str:
    price = text(item.get("price"))
    return f"{price}/{item.get('price_unit') or 'hour'}" if price else "not priced"


def _plain(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _resources(resources: Any) -> str:
    if not isinstance(resources, dict):
        return ""
    words = {"vcpus": "vCPU", "memory_gb": "GB", "gpus": "GPU"}
    return " · ".join(f"{_plain(resources[key])} {word}" for key, word in words.items() if resources.get(key))
