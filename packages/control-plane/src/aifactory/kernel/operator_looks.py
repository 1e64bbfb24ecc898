"""Operators may read what is a tenant's, and each time the tenant's own audit log says so: who, what, by which route.

Routes of operators are recorded unless they are declared to show the platform's own data only. Whose data an answer
shows is read from the answer itself, so that no route can forget it; a route whose answer names no tenant says whom it
shows with `tx.looks_at`. The record is committed before the answer leaves, and an answer that cannot be recorded stays.
"""

import re
from collections.abc import Iterable

from fastapi import Request, Response

from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

ACTION = "operator.read"
REASON = "an operator of the platform looked at it"
_TENANT = re.compile(rb'"tenant_id": ?"(tnt_[a-z0-9]{1,60})"')
# One record a minute for the same look: pages ask again by themselves.
_RECORD = """
insert into kernel.audit (id, tenant_id, actor_id, actor_kind, actor_name, action, target_id, decision, reason, request_id, occurred_at, details)
select id, tenant_id, %(actor_id)s, %(actor_kind)s, %(actor_name)s, %(action)s, target_id, 'allowed', %(reason)s,
       %(request_id)s, kernel.now(), jsonb_build_object('route', %(route)s::text)
from unnest(%(ids)s::text[], %(tenants)s::text[], %(targets)s::text[]) as look (id, tenant_id, target_id)
where not exists (
    select from kernel.audit a
    where a.target_id = look.target_id and a.tenant_id = look.tenant_id and a.actor_id = %(actor_id)s and a.action = %(action)s
      and a.occurred_at > kernel.now() - interval '1 minute' and a.details ->> 'route' = %(route)s)
"""


async def record(tx: Tx, database: Database, request: Request, response: Response) -> None:
    """For an operator's read that is answered with `response`; nothing for what shows no other tenant's data."""
    seen = {name.decode() for name in _TENANT.findall(bytes(response.body))} | tx.looked_at
    seen.discard(tx.principal.tenant_id or "")
    if not seen:
        return
    asked = _asked_for(request)
    route = f"{request.method} {request.scope['route'].path}"
    # What was asked for is told only where one tenant is concerned: it may be another's.
    targets = {tenant: asked if asked and len(seen) == 1 else tenant for tenant in sorted(seen)}
    await _write(database, tx.principal, tx.request_id, route, targets)


async def _write(database: Database, who: Principal, request_id: str, route: str, targets: dict[str, str]) -> None:
    values = {
        "actor_id": who.id,
        "actor_kind": who.kind,
        "actor_name": who.name,
        "action": ACTION,
        "reason": REASON,
        "request_id": request_id,
        "route": route,
        "ids": _ids(database, targets),
        "tenants": list(targets),
        "targets": list(targets.values()),
    }
    async with database.tx("operator", who, who.tenant_id, request_id) as tx:
        await tx.run(_RECORD, values)


def _ids(database: Database, targets: Iterable[str]) -> list[str]:
    return [database.ids.new("aud") for _ in targets]


def _asked_for(request: Request) -> str:
    """The id in the path, or in the query where the route takes it there."""
    shown = [*request.path_params.values()]
    shown += [request.query_params.get(name, "") for name in ("id", "allocation_id", "tenant_id", "target")]
    return next((str(value)[:200] for value in shown if value), "").replace("\0", "")
