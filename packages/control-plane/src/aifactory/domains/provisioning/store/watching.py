"""What is the matter with nodes: silence, tasks without an answer, and the conditions that say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from aifactory.kernel.db import Tx

UNWATCHED = """
    select n.id from provisioning.nodes n
    where n.deleted_at is null and not exists (
        select from kernel.flows f where f.kind = 'provisioning.node' and f.subject_id = n.id)
    order by n.id limit %(limit)s
"""
# Erasing takes as long as its volume is large, so that alone proves nothing.
_OVERDUE = """
    t.state = 'sent' and t.verb <> 'volume.delete' and t.created_at < kernel.now() - make_interval(secs => %(seconds)s)
"""
NOT_ANSWERING = f"""
    select distinct t.node_id from provisioning.tasks t
    join kernel.flows f on f.kind = 'provisioning.node' and f.subject_id = t.node_id and f.state = 'answering'
    where {_OVERDUE} order by t.node_id limit %(limit)s
"""
RETURNED = """
    select n.id from provisioning.nodes n
    join kernel.flows f on f.kind = 'provisioning.node' and f.subject_id = n.id and f.state in ('unreachable', 'switched_off')
    where n.state <> 'unreachable' and n.deleted_at is null order by n.id limit %(limit)s
"""
LOST = """
    select n.id from provisioning.nodes n
    join kernel.flows f on f.kind = 'provisioning.node' and f.subject_id = n.id and f.state = 'answering'
    where n.state = 'unreachable' and n.deleted_at is null order by n.id limit %(limit)s
"""
OLDEST_UNANSWERED = f"""
    select t.verb, t.subject_id, t.created_at from provisioning.tasks t
    where t.node_id = %(node_id)s and {_OVERDUE} order by t.created_at limit 1
"""
SET_CONDITION = """
    update provisioning.nodes set updated_at = kernel.now(), conditions = coalesce(
        (select jsonb_agg(c) from jsonb_array_elements(conditions) c where c ->> 'type' <> %(kind)s), '[]'::jsonb)
        || coalesce(%(condition)s::jsonb, '[]'::jsonb)
    where id = %(id)s
"""


@dataclass(frozen=True)
class Unanswered:
    verb: str
    subject_id: str
    created_at: datetime


async def unwatched(tx: Tx, limit: int = 200) -> list[str]:
    """Nodes that no flow watches yet: new ones, and those of earlier releases."""
    return [row[0] for row in await tx.all(UNWATCHED, {"limit": limit})]


async def to_look_at(tx: Tx, seconds: float, limit: int = 500) -> list[str]:
    """Nodes of which something else is said than what is: lost, back again, or with a task unanswered for `seconds`."""
    params = {"seconds": seconds, "limit": limit}
    found = [row[0] for statement in (LOST, RETURNED, NOT_ANSWERING) for row in await tx.all(statement, params)]
    return sorted(set(found))


async def oldest_unanswered(tx: Tx, node_id: str, seconds: float) -> Unanswered | None:
    return await tx.one(OLDEST_UNANSWERED, {"node_id": node_id, "seconds": seconds}, into=Unanswered)


async def set_condition(tx: Tx, node_id: str, kind: str, condition: Mapping[str, Any] | None) -> None:
    """One condition of each type at most; None takes it away."""
    await tx.run(SET_CONDITION, {"id": node_id, "kind": kind, "condition": Jsonb(condition) if condition else None})
