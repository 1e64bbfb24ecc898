"""Proving the audit log, part by part: every record is hashed again, every seal's signature checked, and the heads in
the database compared with those that were exported outside it.

A part begins after a seal, whose head is signed, and ends with one; so each request does bounded work. Hashing runs on one
thread of this process: however many ask, everybody else is served meanwhile.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aifactory.domains.iam import exported_heads, installation
from aifactory.domains.iam.audit_proof import Proof
from aifactory.domains.iam.exported_heads import ExportedHeads
from aifactory.domains.iam.store import audit as store
from aifactory.domains.iam.store.audit import Seal
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import invalid, not_found

BATCH = 500
MOST_RECORDS = 20_000  # of one part; below a second of hashing
MOST_SEALS = 2_000
_ID = re.compile(r"[A-Za-z0-9_-]+")
_hashing = ThreadPoolExecutor(1, thread_name_prefix="audit-proof")
T = TypeVar("T")


@dataclass(frozen=True)
class AuditVerification:
    """`waiting`: records too new to be sealed. `heads_compared`: exported heads were there to compare with.

    A long chain is proved in parts: this one follows the seal `after_seal` and ends at `head`. Go on after
    `next_after_seal`, unless that is null; the whole chain is in order when all of its parts are.
    """

    ok: bool
    tenant_id: str
    entries: int
    seals: int
    head: str
    waiting: int
    heads_compared: bool
    problems: list[str]
    after_seal: int = 0
    next_after_seal: int | None = None


@dataclass(frozen=True)
class _Part:
    """The chain after `start` (None: from its beginning) up to position `bound`, with the seals of it."""

    start: Seal | None
    seals: list[Seal]
    bound: int
    goes_on: bool

    @property
    def last_seal(self) -> int | None:
        """None for the last part: whatever seal there is more belongs to it."""
        return self.seals[-1].seal_no if self.goes_on else None


async def verify(tx: Tx, tenant_id: str, after_seal: int = 0) -> AuditVerification:
    """Walks the tenant's chain after that seal, for about `MOST_RECORDS`. `platform` is the chain of no tenant.

    404 for what cannot be a tenant's id (it also names a file), 422 for a seal that is not there.
    """
    if not _ID.fullmatch(tenant_id):
        raise not_found("tenant", tenant_id)
    file = installation.current().audit_heads_dir / f"{tenant_id}.heads"
    exported_bytes = await _off_the_loop(_size, file)  # first: exports only follow commits
    part = await _part(tx, tenant_id, after_seal)
    proof = Proof(tenant_id, part.start)
    proof.expect(part.seals)
    await _walk(tx, proof, part.bound)
    await _off_the_loop(proof.check_seals, installation.current().audit_key)
    waiting = [] if part.goes_on else await store.unsealed(tx, tenant_id)
    proof.check_unsealed(waiting)
    heads = await _off_the_loop(exported_heads.between, file, after_seal, part.last_seal, exported_bytes)
    _compare(proof, file, heads)
    return AuditVerification(
        ok=proof.ok,
        tenant_id=tenant_id,
        entries=proof.entries,
        seals=proof.seals,
        head=proof.head,
        waiting=len(waiting),
        heads_compared=heads is not None,
        problems=[*proof.problems, *([f"and {proof.more} more"] if proof.more else [])],
        after_seal=after_seal,
        next_after_seal=part.last_seal,
    )


async def _part(tx: Tx, tenant_id: str, after_seal: int) -> _Part:
    """As many seals as bounded work allows, and at least one."""
    end, found = await store.chain(tx, tenant_id, after_seal, MOST_SEALS + 2)
    start = found.pop(0) if after_seal and found and found[0].seal_no == after_seal else None
    if after_seal and start is None:
        raise invalid("after_seal", f"There is no seal {after_seal}.", "Begin without it, and go on as answers say.")
    first = start.last_position if start else 0
    taken = [seal for seal in found[:MOST_SEALS] if seal.last_position - first <= MOST_RECORDS] or found[:1]
    if len(taken) < len(found):
        return _Part(start, taken, taken[-1].last_position, goes_on=True)
    return _Part(start, taken, end, goes_on=False)


async def _walk(tx: Tx, proof: Proof, bound: int) -> None:
    """What lies beyond the last seal is walked too, as far as one part goes."""
    after, begin = proof.position, proof.position
    while links := await store.links(tx, proof.tenant_id, after, bound, BATCH):
        await _off_the_loop(proof.take, links)
        after = links[-1].position
        if after - begin > 2 * MOST_RECORDS:
            proof.say(f"more than {2 * MOST_RECORDS} records follow one seal: they were inserted")
            return


def _compare(proof: Proof, file: Path, exported: ExportedHeads | None) -> None:
    if exported is not None:
        for where in exported.unreadable:
            proof.say(f"{where} of {file.name} is not an exported head")
        proof.check_heads(exported.heads)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


async def _off_the_loop(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hashing, work, *arguments)
