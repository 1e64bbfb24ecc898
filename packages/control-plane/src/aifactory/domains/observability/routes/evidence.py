"""/api/v3/evidence: what happened, told by every record there is of it."""

from typing import Annotated

from fastapi import Query

from aifactory.domains.observability import facade
from aifactory.domains.observability.facade import EvidenceKind, EvidenceList, Question
from aifactory.kernel.instant import Instant
from aifactory.kernel.pagination import PageQuery
from aifactory.kernel.routes import Routes, TenantTx

router = Routes("observability", "/evidence")
Text = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
When = Annotated[Instant | None, Query(description="RFC 3339 with an offset.")]


@router.get("", permission="evidence.read", operator_permission="platform.evidence.read", cost=20)
async def search_evidence(
    tx: TenantTx,
    page: PageQuery,
    id: Text = None,
    actor: Text = None,
    since: When = None,
    until: When = None,
    kinds: Annotated[list[EvidenceKind], Query(max_length=8)] = [],  # noqa: B006  FastAPI copies it
) -> EvidenceList:
    """Audit records, transitions, tasks, events and ledger postings about an id or by somebody, newest first."""
    chosen = tuple(dict.fromkeys(kinds)) or Question.kinds
    return await facade.search_evidence(tx, Question(id or None, actor or None, since, until, chosen), page)
