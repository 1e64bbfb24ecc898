"""`aif usage|statement|wallet|quota|ledger`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from aifactory_cli.click_types import AifCommand, AifGroup
from aifactory_cli.commands.tenancy import show_quotas
from aifactory_cli.output import local_time, print_table, show_list, show_one, text
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import counted, plain, price, when

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@click.command(cls=AifCommand)
@click.option("--since", metavar="TIME", help="Only what ran after this instant, like 2026-11-01T00:00:00Z.")
@click.option("--until", metavar="TIME", help="Only what ran before this instant.")
@click.option("--project", metavar="ID|NAME", help="Only of this project.")
@pass_session
def usage(session: Session, since: str | None, until: str | None, project: str | None) -> None:
    """What ran, for how long, at what cost (including what still runs)."""
    from aifactory_cli.commands.resources import project_id

    project = project_id(session, project) if project else None
    show_list(
        session,
        session.api.listing("/usage", since=since, until=until, project_id=project),
        [
            ("resource", plain("allocation_id")),
            ("name", plain("name")),
            ("sku", plain("sku")),
            ("from", when("started_at")),
            ("to", lambda it: local_time(it.get("ended_at")) or "still running"),
            ("used", counted),
            ("price", price),
            ("cost", plain("amount")),
        ],
        empty="Nothing ran.",
    )


@click.command(cls=AifCommand)
@click.option("--month", metavar="YYYY-MM", help="Which month (default: this one).")
@pass_session
def statement(session: Session, month: str | None) -> None:
    """The bill of a month: every line, exact before rounding, and what is left."""
    if month is not None and not MONTH.fullmatch(month):
        raise click.BadParameter(f"{month!r} is not a month; write it like 2026-11.", param_hint="--month")
    found = session.api.joined("/statement", "lines", month=month)
    if session.output != "table":
        show_one(session, found, [])
        return
    unbilled = found.get("unbilled") or {}
    for title, lines in (
        ("Billed", found.get("lines")),
        ("Running, billed at its end or the month's", unbilled.get("lines")),
    ):
        if lines:
            click.echo(title)
            print_table(_LINE, lines)
            click.echo()
    show_one(session, found, _SUMMARY)


_LINE: list[Any] = [
    ("resource", lambda it: it.get("name") or it.get("allocation_id")),
    ("sku", plain("sku")),
    ("from", when("from")),
    ("to", when("to")),
    ("seconds", plain("seconds")),
    ("used", counted),
    ("price", price),
    ("exact", plain("exact_amount")),
    ("amount", plain("amount")),
]
_SUMMARY: list[Any] = [
    ("month", plain("month")),
    ("opening", lambda it: _money(it, "opening")),
    ("credits", lambda it: _money(it, "credits")),
    ("total", lambda it: _money(it, "total")),
    ("running", lambda it: text((it.get("unbilled") or {}).get("total"))),
    ("closing", lambda it: _money(it, "closing")),
    ("held", lambda it: _money(it, "held")),
    ("available", lambda it: _money(it, "available")),
]


@click.command(cls=AifCommand)
@pass_session
def wallet(session: Session) -> None:
    """Credit, what of it is held for running allocations, and what is left."""
    found = session.api.get("/wallet")
    show_one(
        session,
        found,
        [
            ("available", plain("available")),
            ("held", lambda it: f"{text(it.get('held'))} for what runs, an hour ahead; the rest comes back"),
            ("balance", plain("balance")),
            ("payment method", plain("payment_method")),
            ("identity check", plain("kyc_status")),
            ("promotional", plain("promotional_credit")),
            ("wallets", lambda it: "\n".join(_wallet(wallet) for wallet in it.get("wallets") or [])),
        ],
    )


@click.command(cls=AifCommand)
@pass_session
def quota(session: Session) -> None:
    """Limits of your tenant and its projects, and what of them is used."""
    show_quotas(session, session.api.get("/quotas"))


@click.group(cls=AifGroup)
def ledger() -> None:
    """The books."""


@ledger.command("entries")
@click.option("--allocation", metavar="ID", help="Only what was posted for this allocation.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@pass_session
def entries(session: Session, allocation: str | None, limit: int) -> None:
    """Every posting, newest first."""
    show_list(
        session,
        session.api.listing("/ledger/entries", limit, subject_id=allocation),
        [
            ("when", when("occurred_at")),
            ("kind", plain("kind")),
            ("for", plain("subject_id")),
            (
                "lines",
                lambda it: "  ".join(f"{li.get('account')} {text(li.get('amount'))}" for li in it.get("lines") or []),
            ),
            ("reason", plain("reason")),
        ],
        empty="Nothing was posted.",
    )


@ledger.command("trial-balance")
@click.option("--platform", is_flag=True, help="Of all tenants (operators).")
@pass_session
def trial_balance(session: Session, platform: bool) -> int:
    """Prove that the books balance: debits minus credits is zero in every currency (exit 1 if not)."""
    found = session.api.get("/admin/ledger/trial-balance" if platform else "/ledger/trial-balance")
    if session.output != "table":
        show_one(session, found, [])
    else:
        columns = ("account", "currency", "balance")
        print_table([(key, _fact(key)) for key in columns], found.get("accounts") or [])
        click.echo()
        sums = ("currency", "debits", "credits", "difference")
        print_table([(key, _fact(key)) for key in sums], found.get("currencies") or [])
        click.echo("The books balance." if found.get("balanced") else "THE BOOKS DO NOT BALANCE.")
    return 0 if found.get("balanced") else 1


def _wallet(wallet: dict[str, Any]) -> str:
    return f"{wallet.get('currency')}: {text(wallet.get('available'))} available, {text(wallet.get('held'))} held"


def _money(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    if isinstance(value, str) and item.get("currency"):
        return f"{value} {item['currency']}"
    return _shown(value)


def _fact(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda item: _shown(item.get(key))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_shown(entry) for entry in value)
    if isinstance(value, dict) and "amount" not in value:
        return "  ".join(f"{key}: {text(inner)}" for key, inner in value.items())
    return text(value)
