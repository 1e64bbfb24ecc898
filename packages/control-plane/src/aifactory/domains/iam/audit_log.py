"""Reading the audit log; proving it is `audit_verification`."""

from aifactory.domains.iam.store import audit as store
from aifactory.domains.iam.views import AuditEntryView
from aifactory.kernel.db import Tx
from aifactory.kernel.evidence import EvidenceQuery, EvidenceRow
from aifactory.kernel.pagination import Page


async def entries(
    tx: Tx, page: Page, target: str | None, actor: str | None, action: str | None
) -> list[AuditEntryView]:
    """One more than the page holds, newest first."""
    return await store.entries(tx, page, target, actor, action)


async def evidence(tx: Tx, query: EvidenceQuery) -> list[EvidenceRow]:
    """What was done or refused, as part of a story."""
    return await store.evidence(tx, query)
