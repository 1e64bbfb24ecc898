"""`aif admin …`: for operators of the platform."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import click

from aifactory_cli.click_types import AifGroup
from aifactory_cli.commands import inference_admin, tenancy
from aifactory_cli.commands.fleet import nodes
from aifactory_cli.commands.observe import node_telemetry
from aifactory_cli.commands.resources import limit_option
from aifactory_cli.commands.sim import sim
from aifactory_cli.failure import Exit, failure_of, usage
from aifactory_cli.inputs import expiry_of
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, local_time, print_table, show_done, show_list, show_one
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain, when

AMOUNT = re.compile(r"\d{1,12}(\.\d{1,9})?")
TENANTS: list[Column] = [
    ("id", plain("id")), ("name", plain("name")), ("state", plain("state")), ("because", plain("state_reason")),
    ("created", when("created_at")),
]  # fmt: skip
SLOTS: list[Column] = [
    ("id", plain("id")), ("node", plain("node_id")), ("index", lambda it: it.get("slot_index", it.get("index"))),
    ("sku", plain("sku")), ("state", plain("state")), ("allocation", plain("allocation_id")),
    ("conditions", lambda it: "\n".join(str(c.get("message")) for c in it.get("conditions") or [] if c.get("message"))),
]  # fmt: skip
PRICES: list[Column] = [
    ("sku", plain("sku")),
    ("region", plain("region_id")),
    ("price", plain("price")),
    ("in effect from", when("effective_at")),
    ("scheduled", plain("scheduled")),
    ("set by", plain("created_by")),
    ("reason", plain("reason")),
]
CERTIFICATES: list[Column] = [
    ("id", plain("id")),
    ("node", plain("node_id")),
    ("state", plain("state")),
    ("from", when("not_before")),
    ("until", when("not_after")),
    (
        "revoked",
        lambda it: f"{local_time(it['revoked_at'])} {it.get('revocation_reason')}" if it.get("revoked_at") else "",
    ),
]
INCIDENTS: list[Column] = [
    ("id", plain("id")),
    ("state", plain("state")),
    ("stuck", lambda it: f"{it.get('subject_id')} in {it.get('flow_state')}"),
    ("since", when("entered_at")),
    ("cause", plain("cause")),
    ("runbook", lambda it: str(it.get("runbook_url") or it.get("runbook") or "").removeprefix("/api/v3/runbooks/")),
    ("resolution", plain("resolution")),
]
RUNBOOKS: list[Column] = [
    ("runbook", lambda it: f"{it.get('domain')}/{it.get('name')}"),
    ("when", plain("title")),
]
DEAD_LETTERS: list[Column] = [
    ("id", plain("id")),
    ("consumer", plain("consumer")),
    ("event", plain("event_type")),
    ("state", plain("state")),
    ("tries", plain("attempts")),
    ("when", when("created_at")),
    ("error", plain("error")),
]


SLOS: list[Column] = [
    ("domain", plain("domain")),
    ("promise", plain("name")),
    ("state", plain("state")),
    ("target", lambda it: _percent(it.get("target"))),
    ("30 days", lambda it: _kept(it)),
    ("budget left", lambda it: _percent(it.get("budget_left"))),
    ("burn 1h / 6h / 3d", lambda it: " / ".join(_burn(window) for window in it.get("windows") or [])),
    ("counted", when("counted_at")),
]


@click.group(cls=AifGroup)
def admin() -> None:
    """For operators of the platform (needs a platform role)."""


def _listing(name: str, path: str, columns: list[Column], about: str, empty: str) -> click.Group:
    """A group that lists when called alone, so that `aif admin nodes` and `aif admin nodes list` are the same."""
    group = AifGroup(name, help=about, invoke_without_command=True)

    def print_list(session: Session, limit: int) -> None:
        show_list(session, session.api.listing(path, limit), columns, empty=empty)

    @pass_session
    def when_alone(session: Session) -> None:
        if click.get_current_context().invoked_subcommand is None:
            print_list(session, 1000)

    group.callback = when_alone

    @group.command("list")
    @limit_option
    @pass_session
    def list_(session: Session, limit: int) -> None:
        print_list(session, limit)

    list_.help = about
    admin.add_command(group)
    return group


def _with_show(group: click.Group, path: str, kind: str, columns: list[Column]) -> None:
    @group.command()
    @click.argument("which", metavar="ID|NAME")
    @pass_session
    def show(session: Session, which: str) -> None:
        show_one(session, find(session.api, path, kind, which), columns)

    show.help = f"Show one {kind}."


admin.add_command(nodes)
admin.add_command(sim)
slots = _listing("slots", "/admin/slots", SLOTS, "Slots of the nodes and what is in them.", "No slots.")
tenants = _listing("tenants", "/admin/tenants", TENANTS, "Tenants of the platform.", "No tenants.")
_with_show(tenants, "/admin/tenants", "tenant", TENANTS)
for command in tenancy.COMMANDS:
    tenants.add_command(command)
prices = _listing("prices", "/admin/prices", PRICES, "Prices, now and announced.", "No prices.")
incidents = _listing("incidents", "/admin/incidents", INCIDENTS, "What needs a person, and why.", "All is well.")
_with_show(incidents, "/admin/incidents", "incident", INCIDENTS)
certificates = _listing("certificates", "/admin/certificates", CERTIFICATES, "Certificates of agents.", "None issued.")


admin.add_command(node_telemetry)
for group in (inference_admin.models, inference_admin.upstreams, inference_admin.gateways):
    admin.add_command(group)
runbooks = _listing("runbooks", "/runbooks", RUNBOOKS, "What to do when something is wrong.", "No runbooks.")


@admin.command()
@click.argument("which", metavar="DOMAIN/NAME")
@pass_session
def runbook(session: Session, which: str) -> None:
    """What to do about one kind of trouble, as text."""
    domain, _, name = which.partition("/")
    status, text = session.api.probe(f"/api/v3/runbooks/{quote(domain, safe='')}/{quote(name, safe='')}")
    if status != 200:
        raise failure_of(status, text if isinstance(text, dict) else {}, f"runbook {which}")
    click.echo(text.rstrip())


@slots.command()
@click.argument("which", metavar="ID")
@click.option("--reason", required=True, help="Why another cleaning will do better; audited.")
@pass_session
def sanitize(session: Session, which: str, reason: str) -> None:
    """Have a quarantined slot cleaned again."""
    item = session.api.post(f"/admin/slots/{quote(which, safe='')}/sanitize", {"reason": reason})
    show_done(session, item, f"{which} is being cleaned again.")


@prices.command("set")
@click.argument("sku")
@click.argument("amount")
@click.option("--region", default="local", show_default=True, help="Where it is in effect.")
@click.option("--currency", metavar="CODE", help="Default: the region's.")
@click.option("--at", "effective_at", metavar="TIME", help="From when (default: now), like 2h or 2027-01-01T00:00:00Z.")
@click.option("--reason", default="", help="Kept with the price.")
@pass_session
def set_price(
    session: Session, sku: str, amount: str, region: str, currency: str | None, effective_at: str | None, reason: str
) -> None:
    """Set the price of SKU to AMOUNT for its unit (an hour, a GB, a million tokens). Past bills never change."""
    if not AMOUNT.fullmatch(amount):
        todo = "Write a decimal number with at most nine places, like 0.12."
        raise usage("amount", f"{amount!r} is not an amount", todo, "invalid_amount")
    if currency is None:
        regions = {item.get("id"): item for item in session.public_api.get("/regions")["items"]}
        currency = (regions.get(region) or {}).get("currency") or "EUR"
    body = {"sku": sku, "region_id": region, "amount": amount, "currency": currency, "reason": reason}
    item = session.api.post("/admin/prices", {**body, "effective_at": expiry_of(effective_at)})
    since = local_time(item.get("effective_at"))
    show_done(session, item, f"{sku} in {region} costs {amount} {currency} from {since}.")


@certificates.command("revoke")
@click.argument("certificate_id", metavar="ID")
@click.option("--reason", required=True, help="Why, in one sentence; kept in the audit log.")
@pass_session
def revoke_certificate(session: Session, certificate_id: str, reason: str) -> None:
    """Refuse a certificate from now on, also on open connections."""
    item = session.api.post(f"/admin/certificates/{quote(certificate_id, safe='')}/revoke", {"reason": reason})
    show_done(session, item, f"Revoked the certificate {certificate_id} of {item.get('node_id')}.")


@admin.group(cls=AifGroup)
def events() -> None:
    """Events that no consumer could take in."""


@events.command("dead-letters")
@click.option("--state", type=click.Choice(["open", "replayed"]), help="Only these.")
@click.option("--consumer", help="Only of this consumer.")
@click.option("--event", "event_type", metavar="TYPE", help="Only events of this type.")
@limit_option
@pass_session
def dead_letters(session: Session, state: str | None, consumer: str | None, event_type: str | None, limit: int) -> None:
    """Events that failed too often, each with its last error."""
    found = session.api.listing("/admin/dead-letters", limit, state=state, consumer=consumer, event_type=event_type)
    show_list(session, found, DEAD_LETTERS, empty="No dead letters.")


@events.command("dead-letter")
@click.argument("dead_letter_id", metavar="ID")
@pass_session
def dead_letter(session: Session, dead_letter_id: str) -> None:
    """One of them, with the event's payload."""
    item = session.api.get(f"/admin/dead-letters/{quote(dead_letter_id, safe='')}")
    event = item.get("event") or {}
    payload: list[Column] = [
        ("event id", plain("event_id")),
        ("tenant", plain("tenant_id")),
        ("about", lambda it: event.get("aggregate")),
        (
            "payload",
            lambda it: json.dumps(json.loads(event["payload_json"]), indent=2) if event else "older than the event log",
        ),
    ]
    show_one(session, item, [*DEAD_LETTERS, *payload])


@events.command()
@click.argument("dead_letter_id", metavar="[ID]", required=False)
@click.option("--consumer", help="All open ones of this consumer, in place of one by its ID.")
@click.option("--event", "event_type", metavar="TYPE", help="Only events of this type.")
@pass_session
def replay(session: Session, dead_letter_id: str | None, consumer: str | None, event_type: str | None) -> None:
    """Hand a dead letter, or all of a kind, to its consumer again, under the same event id."""
    if bool(dead_letter_id) == bool(consumer):
        raise click.UsageError("Say which: one by its ID, or all of a kind with --consumer.")
    if dead_letter_id:
        item = session.api.post(f"/admin/dead-letters/{quote(dead_letter_id, safe='')}/replay")
        show_done(session, item, f"Replayed {dead_letter_id}.")
        return
    item = session.api.post("/admin/dead-letters/replay", {"consumer": consumer, "event_type": event_type})
    show_done(session, item, f"Replayed {item.get('replayed')}; {item.get('still_open')} are still open.")


@admin.command()
@pass_session
def slos(session: Session) -> None:
    """What the platform promises, how it is kept, and how fast error budgets are spent."""
    found = session.api.get("/slos")
    show_list(session, found, SLOS, empty="Nothing is promised.")
    cache = found.get("read_cache")
    if cache and session.output == "table":
        asked = sum(cache[key] for key in ("hits", "misses", "skipped", "failures"))
        share, mean = _percent(cache["hit_rate"]) or "none", cache.get("mean_age_seconds")
        age = f"{mean} s old on average, " if mean is not None else ""
        oldest = f"at most {cache['oldest_seconds']} s"
        click.echo(f"Page cache {cache['state']}: {share} of {asked} from it, {age}{oldest}.", err=True)


@admin.command("bootstrap-token")
@click.argument("node_name")
@click.option("--region", default="local", show_default=True, help="Where it will stand.")
@pass_session
def bootstrap_token(session: Session, node_name: str, region: str) -> None:
    """Make the single-use token with which the machine NODE_NAME joins the fleet."""
    item = session.api.post("/admin/bootstrap-tokens", {"node_name": node_name, "region_id": region})
    if session.output == "table":
        click.echo(str(item.get("token")))
        click.echo(f"For {node_name} only, once, until {local_time(item.get('expires_at'))}.", err=True)
    else:
        show_one(session, item, [])


@admin.command()
@pass_session
def health(session: Session) -> int:
    """How the platform feels: database, event bus, workers, flows that are stuck (exit 1 unless all is well)."""
    found = session.api.get("/admin/health")
    if session.output != "table":
        show_one(session, found, [])
    else:
        click.echo(f"{found.get('state')} as of {local_time(found.get('as_of'))}")
        print_table(
            [(key, plain(key)) for key in ("name", "state", "message", "runbook")], found.get("components") or []
        )
    return Exit.OK if found.get("state") == "ok" else Exit.UNEXPECTED


def _kept(slo: dict[str, object]) -> str:
    """The share that was good, or why there is none yet."""
    if slo.get("total") and slo.get("current") is None:
        return f"too few yet ({slo.get('total')} of {slo.get('needed')})"
    return _percent(slo.get("current"))


def _percent(share: object) -> str:
    return f"{share * 100:.4g} %" if isinstance(share, (int, float)) else ""


def _burn(window: dict[str, object]) -> str:
    return "-" if window.get("burn") is None else f"{window['burn']}"
