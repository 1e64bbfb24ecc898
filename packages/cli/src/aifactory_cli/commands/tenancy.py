"""`aif admin tenants …`: what an operator decides about a tenant; and how quotas are shown to everybody."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from aifactory_cli.click_types import AifCommand
from aifactory_cli.output import Column, show_done, show_list
from aifactory_cli.session import Session, pass_session
from aifactory_cli.views import plain

QUOTAS: list[Column] = [
    ("project", lambda item: item.get("project_id") or "all together"),
    ("resource", plain("resource")),
    ("used", plain("used")),
    ("limit", plain("limit")),
]


def show_quotas(session: Session, found: dict[str, Any]) -> None:
    """As a table the tenant's own limits stand below its projects'; other formats get the answer as it is."""
    if session.output == "table":
        found = found | {"items": [*found["items"], *found.get("tenant", ())]}
    show_list(session, found, QUOTAS, empty="No limits are set.")


@click.command("quotas", cls=AifCommand)
@click.argument("tenant_id", metavar="TENANT")
@pass_session
def quotas(session: Session, tenant_id: str) -> None:
    """Limits of a tenant and of its projects, and what of them is used."""
    show_quotas(session, session.api.get(f"/admin/tenants/{quote(tenant_id, safe='')}/quotas"))


@click.command("set-quota", cls=AifCommand)
@click.argument("tenant_id", metavar="TENANT")
@click.argument("resource")
@click.argument("limit", type=click.IntRange(0, 1_000_000_000))
@click.option("--project", "project_id", metavar="ID", help="Of this project only; default: of all together.")
@pass_session
def set_quota(session: Session, tenant_id: str, resource: str, limit: int, project_id: str | None) -> None:
    """Let a tenant hold at most LIMIT of RESOURCE. What it holds already stays."""
    parts = [tenant_id, "quotas", *([project_id] if project_id else []), resource]
    path = "/".join(quote(part, safe="") for part in parts)
    item = session.api.put(f"/admin/tenants/{path}", {"limit": limit})
    whose = f"Project {project_id}" if project_id else f"Tenant {tenant_id}"
    show_done(session, item, f"{whose} may hold {limit} {resource}.")


@click.command(cls=AifCommand)
@click.argument("tenant_id", metavar="TENANT")
@click.option("--reason", required=True, help="Why, in one sentence; kept in the tenant's audit log.")
@pass_session
def suspend(session: Session, tenant_id: str, reason: str) -> None:
    """Let a tenant read, pay and release, and begin nothing new. What runs goes on."""
    item = session.api.post(f"/admin/tenants/{quote(tenant_id, safe='')}/suspend", {"reason": reason})
    show_done(session, item, f"Tenant {tenant_id} is suspended.")


@click.command(cls=AifCommand)
@click.argument("tenant_id", metavar="TENANT")
@click.option("--reason", required=True, help="Why, in one sentence; kept in the tenant's audit log.")
@pass_session
def resume(session: Session, tenant_id: str, reason: str) -> None:
    """Lift a tenant's suspension."""
    item = session.api.post(f"/admin/tenants/{quote(tenant_id, safe='')}/resume", {"reason": reason})
    show_done(session, item, f"Tenant {tenant_id} is active again.")


COMMANDS = (quotas, set_quota, suspend, resume)
