"""The past as one story: what the domains tell about an id or a person, merged, newest first, page by page."""

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.observability.store import incidents as incident_store
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import facade as provisioning
from aifactory.domains.storage_network import facade as storage_network
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import invalid
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.pagination import Page, page_of

Kind = Literal["audit", "transition", "task", "event", "posting"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Source = Callable[[Tx, EvidenceQuery], Awaitable[list[EvidenceRow]]]
SOURCES: dict[Kind, tuple[str, Source]] = {
    "audit": ("iam", iam.audit_evidence),
    "transition": ("platform_control", platform_control.transition_evidence),
    "task": ("provisioning", provisioning.task_evidence),
    "event": ("platform_control", platform_control.event_evidence),
    "posting": ("billing", billing.posting_evidence),
}


@dataclass(frozen=True)
class EvidenceView:
    """One thing that happened: `kind` says which record tells it, `domain` whose record that is.

    `actor` is a principal's id, a worker, or the node that was told; empty where the record has none (events).
    """

    id: str
    kind: Kind
    domain: str
    at: datetime
    subject_id: str
    actor: str
    what: str
    why: str
    tenant_id: str | None


@dataclass(frozen=True)
class EvidenceList:
    """Newest first; what happened at the same instant is in the order of the records' ids."""

    items: list[EvidenceView]
    next_cursor: str | None


@dataclass(frozen=True)
class Question:
    """About what, by whom, when, told by which records. None asks for all."""

    id: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[Kind, ...] = KINDS


async def search(tx: Tx, question: Question, page: Page) -> EvidenceList:
    """What the caller may see of it: its own tenant, or all tenants for an operator. A foreign id has no records."""
    if question.since and question.until and question.since >= question.until:
        raise invalid("until", "It is not after `since`.", "Send a later instant.")
    after_at, after_key = _after(page)
    query = EvidenceQuery(None, question.actor, question.since, question.until, page.limit + 1, after_at, after_key)
    found: list[list[EvidenceView]] = []
    for kind in question.kinds:
        domain, source = SOURCES[kind]
        known_as = await _known_as(tx, kind, question.id) if question.id else None
        rows = await source(tx, replace(query, subjects=known_as))
        found.append([_view(row, kind, domain) for row in rows])
    merged = list(heapq.merge(*found, key=_order, reverse=True))[: page.limit + 1]
    return EvidenceList(**page_of(merged, page, key=_order))


def _after(page: Page) -> tuple[datetime | None, str | None]:
    """Raises 422 for a cursor of another list."""
    try:
        at, key = page.after or (None, None)
        return (datetime.fromisoformat(at) if at else None, key)
    except ValueError:
        raise invalid("cursor", "It was not made by this list.", "Start again without a cursor.") from None


def _order(view: EvidenceView) -> tuple[datetime, str]:
    return (view.at, view.id)


async def _known_as(tx: Tx, kind: Kind, subject_id: str) -> list[str]:
    """A subject's network has ids of its own, and so have the events of its money and incidents; all else carries its own."""
    known = [subject_id, *await storage_network.related_ids(tx, subject_id)]
    if kind != "event":
        return known
    known += await billing.related_ids(tx, subject_id)
    if tx.role == "operator":
        known += await incident_store.ids_about(tx, subject_id)
    return known


def _view(row: EvidenceRow, kind: Kind, domain: str) -> EvidenceView:
    return EvidenceView(row.key, kind, domain, row.at, row.subject_id, row.actor, row.what, row.why, row.tenant_id)
