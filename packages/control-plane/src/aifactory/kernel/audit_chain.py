"""Chains audit records per tenant in batches, signs each head, and exports it outside the database.

Writers never queue: records are inserted freely, and this later gives each committed record a position, a hash over
its predecessor's hash and its own content, and signs the last hash of the batch.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aifactory.kernel.db import Database
from aifactory.kernel.principal import Principal

BATCH = 500
GENESIS = "0" * 64
_FIELDS = (
    "id",
    "tenant_id",
    "project_id",
    "actor_id",
    "actor_kind",
    "actor_name",
    "action",
    "target_id",
    "decision",
    "reason",
    "request_id",
)


@dataclass(frozen=True)
class AuditRow:
    """One audit record, with every column that the hash covers."""

    id: str
    tenant_id: str
    project_id: str | None
    actor_id: str
    actor_kind: str
    actor_name: str
    action: str
    target_id: str
    decision: str
    reason: str
    request_id: str
    occurred_at: datetime
    details: dict[str, Any]


ROW_COLUMNS = ", ".join(f"a.{name}" for name in (*_FIELDS, "occurred_at", "details"))


def row_hash(row: AuditRow) -> str:
    """sha256 (hex) over the canonical JSON of the record."""
    content = {name: getattr(row, name) for name in _FIELDS} | {
        "occurred_at": row.occurred_at.isoformat(),
        "details": row.details,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def link_hash(previous: str, content: str) -> str:
    """The chain: sha256 over the predecessor's hash and this record's."""
    return hashlib.sha256(f"{previous}:{content}".encode()).hexdigest()


def seal_message(tenant_id: str, seal_no: int, last_position: int, head: str) -> bytes:
    """What the signature of a seal covers."""
    return f"aif-audit-seal:v1:{tenant_id}:{seal_no}:{last_position}:{head}".encode()


class Sealer:
    """Seals what is new. Heads go to `<export_dir>/<tenant>.heads`, one JSON line per seal: outside the database on purpose."""

    def __init__(self, database: Database, key: Ed25519PrivateKey, export_dir: Path) -> None:
        self._database = database
        self._key = key
        self._export_dir = export_dir

    async def seal_all(self) -> int:
        """Seals every tenant's new records; returns how many records were chained."""
        async with self._database.tx("worker", Principal.service("audit-sealer")) as tx:
            tenants = await tx.all(
                "select distinct a.tenant_id from kernel.audit a where not exists (select from kernel.audit_links l where l.audit_id = a.id) limit 1000"
            )
        return sum([await self._seal(tenant_id) for (tenant_id,) in tenants])

    async def _seal(self, tenant_id: str) -> int:
        async with self._database.tx("worker", Principal.service("audit-sealer")) as tx:
            await tx.run("select pg_advisory_xact_lock(hashtextextended(%s, 42))", (f"audit:{tenant_id}",))
            rows = await tx.all(
                f"select {ROW_COLUMNS} from kernel.audit a where a.tenant_id = %s and not exists "
                "(select from kernel.audit_links l where l.audit_id = a.id) order by a.occurred_at, a.id limit %s",
                (tenant_id, BATCH),
                into=AuditRow,
            )
            if not rows:
                return 0
            last = await tx.one(
                "select position, hash from kernel.audit_links where tenant_id = %s order by position desc limit 1",
                (tenant_id,),
            )
            seal_no = 1 + (
                await tx.value(
                    "select coalesce(max(seal_no), 0) from kernel.audit_seals where tenant_id = %s", (tenant_id,)
                )
            )
            first, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
            head = previous
            links = []
            for position, row in enumerate(rows, start=first):
                head = link_hash(head, row_hash(row))
                links.append((row.id, tenant_id, seal_no, position, row.occurred_at, head))
            await tx.run_many(
                "insert into kernel.audit_links (audit_id, tenant_id, seal_no, position, occurred_at, hash) values (%s, %s, %s, %s, %s, %s)",
                links,
            )
            last_position = first + len(rows) - 1
            signature = base64.b64encode(self._key.sign(seal_message(tenant_id, seal_no, last_position, head))).decode()
            await tx.run(
                "insert into kernel.audit_seals values (%s, %s, %s, %s, %s, %s, %s, kernel.now())",
                (tenant_id, seal_no, first, last_position, head, previous, signature),
            )
        self._export(
            tenant_id, {"seal_no": seal_no, "last_position": last_position, "head": head, "signature": signature}
        )
        return len(rows)

    def _export(self, tenant_id: str, head: dict[str, Any]) -> None:
        self._export_dir.mkdir(parents=True, exist_ok=True)
        with open(self._export_dir / f"{tenant_id}.heads", "a") as file:
            file.write(json.dumps(head, separators=(",", ":")) + "\n")
