"""`aif admin models|upstreams|gateways`: what operators offer by the token, what serves it, and who stands in front."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from aifactory_cli.click_types import AifGroup
from aifactory_cli.failure import usage
from aifactory_cli.lookup import find
from aifactory_cli.output import Column, local_time, show_done, show_list, show_one, text
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain, when

CAPABILITIES = ("chat", "completions", "responses", "embeddings", "rerank", "images", "transcriptions")


def _routes(item: dict[str, Any]) -> str:
    return "\n".join(f"{route['upstream_id']} as {route['upstream_model']}" for route in item.get("routes") or [])


MODELS: list[Column] = [
    ("model", plain("id")),
    ("name", plain("name")),
    ("state", plain("state")),
    ("region", plain("region_id")),
    ("million tokens in", lambda item: text((item.get("prices") or {}).get("input"))),
    ("million tokens out", lambda item: text((item.get("prices") or {}).get("output"))),
    ("served by", _routes),
]
UPSTREAMS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("region", plain("region_id")),
    ("address", plain("url")),
    ("at once", plain("max_requests")),
    ("serves", plain("models")),
    ("created", when("created_at")),
]
GATEWAYS: list[Column] = [
    ("id", plain("id")),
    ("name", plain("name")),
    ("region", plain("region_id")),
    ("state", plain("state")),
    ("last heard of", when("seen_at")),
    ("knows", lambda item: f"{item.get('known_version')} of {item.get('newest_version')}"),
]


@click.group("models", cls=AifGroup)
def models() -> None:
    """Models in the catalogue, with their routes."""


@models.command("list")
@pass_session
def list_models(session: Session) -> None:
    """Withdrawn ones too."""
    show_list(session, session.api.get("/admin/models"), MODELS, empty="No models. Offer one: aif admin models offer")


@models.command()
@click.argument("model", metavar="ID")
@click.option("--name", required=True, help="What people read.")
@click.option(
    "--upstream", "upstreams", multiple=True, required=True, metavar="ID|NAME[=MODEL]", help="Repeat to fall back."
)
@click.option("--input-price", required=True, metavar="AMOUNT", help="For a million tokens of a prompt.")
@click.option("--output-price", required=True, metavar="AMOUNT", help="For a million tokens of an answer.")
@click.option("--currency", default="EUR", show_default=True, metavar="CODE", help="The region's.")
@click.option("--context", "context_tokens", required=True, type=click.IntRange(1), help="Prompt and answer together.")
@click.option("--max-output", "max_output_tokens", required=True, type=click.IntRange(1), help="The longest answer.")
@click.option(
    "--for", "capabilities", multiple=True, type=click.Choice(CAPABILITIES), default=("chat",), show_default=True
)
@click.option("--about", "description", default="", help="A sentence or two.")
@click.option("--region", "region_id", default="local", show_default=True, help="Where it is served.")
@pass_session
def offer(session: Session, model: str, upstreams: tuple[str, ...], **facts: Any) -> None:
    """Put a model into the catalogue.

    \b
    aif admin models offer llama-8b --name 'Llama 8B' --upstream box=meta-llama/Llama-3.1-8B-Instruct \\
      --input-price 0.10 --output-price 0.30 --context 131072 --max-output 4096
    """
    routes = [_route(session, model, given) for given in upstreams]
    body = {"id": model, "routes": routes, **facts, "capabilities": list(facts["capabilities"])}
    item = session.api.post("/admin/models", body)
    show_done(session, item, f"{model} is offered; its prices count from the next second on.")


@models.command()
@click.argument("model", metavar="ID")
@pass_session
def withdraw(session: Session, model: str) -> None:
    """Take a model out of the catalogue. What it did stays on the bills."""
    path = f"/admin/models/{quote(model, safe='')}"
    known = session.api.get(path)
    facts = ("name", "description", "capabilities", "context_tokens", "max_output_tokens", "routes")
    body = {name: known[name] for name in facts} | {"state": "withdrawn"}
    item = session.api.put(path, body, if_match=f'W/"{known["generation"]}"')
    show_done(session, item, f"{model} is withdrawn.")


@click.group("upstreams", cls=AifGroup)
def upstreams() -> None:
    """Model servers behind the gateways."""


@upstreams.command("list")
@pass_session
def list_upstreams(session: Session) -> None:
    """List them."""
    show_list(session, session.api.listing("/admin/upstreams"), UPSTREAMS, empty="No upstreams.")


@upstreams.command("create")
@click.argument("name", metavar="NAME")
@click.option("--url", required=True, help="Up to /v1, like http://10.0.0.7:8000/v1.")
@click.option("--usage-path", metavar="PATH", help="Where it tells what it counted, like /usage/{request_id}.")
@click.option("--max-requests", type=click.IntRange(1, 100_000), help="At once, from one gateway.")
@click.option("--region", "region_id", default="local", show_default=True, help="Whose models it serves.")
@pass_session
def create_upstream(session: Session, name: str, **facts: Any) -> None:
    """Name a server that speaks OpenAI's protocol."""
    item = session.api.post("/admin/upstreams", {"name": name, **facts})
    show_done(session, item, f"{name} ({item.get('id')}) can serve models.")


@upstreams.command("delete")
@click.argument("which", metavar="ID|NAME")
@pass_session
def delete_upstream(session: Session, which: str) -> None:
    """Forget a server that serves no offered model."""
    item = find(session.api, "/admin/upstreams", "upstream", which)
    session.api.delete(f"/admin/upstreams/{item['id']}")
    show_done(session, item, f"{item.get('name')} is forgotten.")


@click.group("gateways", cls=AifGroup)
def gateways() -> None:
    """Token gateways, and how they join and leave."""


@gateways.command("list")
@pass_session
def list_gateways(session: Session) -> None:
    """When each was heard of, and whether it knows the newest."""
    show_list(session, session.api.listing("/admin/gateways"), GATEWAYS, empty="No gateways.")


@gateways.command()
@click.argument("name", metavar="NAME")
@click.option("--region", "region_id", default="local", show_default=True, help="Whose models it carries.")
@pass_session
def token(session: Session, name: str, region_id: str) -> None:
    """Make the single-use token with which the gateway NAME joins."""
    item = session.api.post("/admin/gateway-tokens", {"gateway_name": name, "region_id": region_id})
    if session.output != "table":
        show_one(session, item, [])
        return
    click.echo(str(item.get("token")))
    click.echo(f"For {name} only, once, until {local_time(item.get('expires_at'))}. There:", err=True)
    click.echo(f"  python -m aifactory_gateway enrol --url https://HOST:8044 --name {name} --state-dir DIR", err=True)


@gateways.command()
@click.argument("which", metavar="ID|NAME")
@click.option("--reason", required=True, help="Why; kept in the audit log.")
@pass_session
def retire(session: Session, which: str, reason: str) -> None:
    """Refuse its certificates from now on."""
    item = find(session.api, "/admin/gateways", "gateway", which)
    done = session.api.post(f"/admin/gateways/{item['id']}/retire", {"reason": reason})
    show_done(session, done, f"{item.get('name')} is retired.")


def _route(session: Session, model: str, given: str) -> dict[str, str]:
    which, _, served_as = given.partition("=")
    if not which:
        raise usage("upstream", f"{given!r} names no upstream", "Write NAME, or NAME=MODEL.", "invalid_upstream")
    found = find(session.api, "/admin/upstreams", "upstream", which)
    return {"upstream_id": str(found["id"]), "upstream_model": served_as or model}
