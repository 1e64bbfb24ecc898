"""Audit records: who did what to what, written in the change's transaction, chained afterwards (see audit_chain)."""

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from aifactory.kernel.db import Tx

PLATFORM = "platform"  # the tenant of records that belong to none

_INSERT = """
insert into kernel.audit (id, tenant_id, project_id, actor_id, actor_kind, actor_name, action, target_id, decision, reason, request_id, occurred_at, details)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, kernel.now(), %s)
"""


async def append_audit(
    tx: "Tx",
    tenant_id: str | None,
    action: str,
    target_id: str,
    project_id: str | None,
    decision: str,
    reason: str,
    details: dict[str, Any],
) -> None:
    who = tx.principal
    await tx.run(
        _INSERT,
        (
            tx.ids.new("aud"),
            tenant_id or PLATFORM,
            project_id,
            who.id,
            who.kind,
            who.name,
            action,
            target_id.replace("\0", "\ufffd"),  # a refused path may hold what the database cannot
            decision,
            reason,
            tx.request_id,
            Jsonb(details),
        ),
    )
