"""What every domain can tell about the past in one shape, so that it can be read as one story, newest first.

A domain's store selects the columns of `EvidenceRow` under `EVIDENCE` conditions; nothing is joined across domains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class EvidenceQuery:
    """`subjects`: ids it is about, None for any. `actor`: who did it. `after`: the instant and key of the last row seen.

    `limit` rows at most, newest first.
    """

    subjects: Sequence[str] | None
    actor: str | None
    since: datetime | None
    until: datetime | None
    limit: int
    after_at: datetime | str | None = None
    after_key: str | None = None

    def params(self) -> dict[str, Any]:
        """For the store's statement."""
        return vars(self) | {"subjects": list(self.subjects) if self.subjects is not None else None}


@dataclass(frozen=True)
class EvidenceRow:
    """One thing that happened. `key` is the kind and the row's own id: unique, and the order of what happened at once."""

    key: str
    at: datetime
    subject_id: str
    actor: str
    what: str
    why: str
    tenant_id: str | None
