"""Checks one tenant's audit chain. Pure: it is fed links, seals, unsealed records and exported heads, and says exactly
what does not fit.

What it can tell: a record altered or removed (its hash no longer fits its place), a chain rewritten afterwards (the
seals' signed heads no longer fit), a record inserted (beyond the seals, twice, or dated long before the seal that took
it in), seals removed (a gap, or an exported head that the database lacks).
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from aifactory.domains.iam.store.audit import Link, Seal
from aifactory.kernel.audit_chain import GENESIS, link_hash, row_hash, seal_message

LATE = timedelta(minutes=5)  # longer than any transaction may stay open: a record dated further back was inserted
MAX_PROBLEMS = 100


@dataclass
class Proof:
    """What was found so far. `problems` are sentences; the first hundred are kept, `more` counts the rest.

    `start`: the seal after which it begins; that it is signed is checked with the others.
    """

    tenant_id: str
    start: Seal | None = None
    entries: int = 0
    seals: int = 0
    head: str = GENESIS
    problems: list[str] = field(default_factory=list)
    more: int = 0
    _hashes: dict[int, str] = field(default_factory=dict)
    _position: int = 0
    _seal_at: dict[int, Seal] = field(default_factory=dict)
    _sealed_at: dict[int, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start is not None:
            self.head, self._position = self.start.head, self.start.last_position
            self._sealed_at[self.start.seal_no] = self.start.sealed_at

    @property
    def position(self) -> int:
        """Of the last link that was taken."""
        return self._position

    @property
    def ok(self) -> bool:
        return not self.problems

    def say(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more += 1

    def expect(self, seals: Iterable[Seal]) -> None:
        """The seals, before the links that they cover."""
        for seal in seals:
            self._seal_at[seal.last_position] = seal
            self._sealed_at[seal.seal_no] = seal.sealed_at

    def take(self, links: Iterable[Link]) -> None:
        """The next links in order of position. After a wrong one it goes on from what is stored, to name only the wrong."""
        for link in links:
            if link.position == self._position:
                self.say(f"record {link.audit_id} exists twice: a second one was inserted")
                continue
            if link.position != self._position + 1:
                self.say(f"positions {self._position + 1} to {link.position - 1} were removed from the chain")
            self._check_record(link)
            self._position, self.head, self.entries = link.position, link.hash, self.entries + 1
            if link.position in self._seal_at:
                self._hashes[link.position] = link.hash

    def _check_record(self, link: Link) -> None:
        if link.row is None:
            self.say(f"record {link.audit_id} at position {link.position} was removed")
            return
        contiguous = link.position == self._position + 1
        if contiguous and link_hash(self.head, row_hash(link.row)) != link.hash:
            what = f"{link.row.action} on {link.row.target_id}"
            self.say(f"record {link.audit_id} at position {link.position} ({what}) was altered, or its hash was")
        before = self._sealed_at.get(link.seal_no - 1)
        if before is not None and link.row.occurred_at < before - LATE:
            at = link.row.occurred_at.isoformat()
            self.say(
                f"record {link.audit_id} at position {link.position} is dated {at}, but was inserted after {before.isoformat()}"
            )

    def check_seals(self, key: Ed25519PublicKey) -> None:
        """After all links: each seal continues the one before, ends at its head, and is signed."""
        number, position, previous = 0, 0, GENESIS
        if self.start is not None:
            number, position, previous = self.start.seal_no, self.start.last_position, self.start.head
            self._check_signature(key, self.start)
        for seal in sorted(self._seal_at.values(), key=lambda seal: seal.seal_no):
            self.seals += 1
            if seal.seal_no != number + 1:
                self.say(f"seals {number + 1} to {seal.seal_no - 1} were removed")
            elif seal.first_position != position + 1 or seal.previous != previous:
                self.say(f"seal {seal.seal_no} does not continue seal {number}")
            found = self._hashes.get(seal.last_position)
            if found is None:
                self.say(
                    f"seal {seal.seal_no} covers up to position {seal.last_position}, which was removed from the chain"
                )
            elif found != seal.head:
                span = f"{seal.first_position} to {seal.last_position}"
                self.say(f"seal {seal.seal_no}: the chain was rewritten, records {span} no longer end at its head")
            self._check_signature(key, seal)
            number, position, previous = seal.seal_no, seal.last_position, seal.head
        if self._position > position:
            self.say(f"positions {position + 1} to {self._position} were inserted without a seal")

    def _check_signature(self, key: Ed25519PublicKey, seal: Seal) -> None:
        if not _signed(key, self.tenant_id, seal):
            self.say(f"seal {seal.seal_no}: its signature is not ours")

    def check_unsealed(self, waiting: Iterable[tuple[str, datetime]]) -> None:
        """Records not chained yet are new; one dated long before the last seal was put in behind its back."""
        last = max(self._sealed_at.values(), default=None)
        for audit_id, occurred_at in waiting:
            if last is not None and occurred_at < last - LATE:
                self.say(f"record {audit_id} was inserted: it is dated {occurred_at.isoformat()} and no seal covers it")

    def check_heads(self, heads: Iterable[Mapping[str, Any]]) -> None:
        """The exported heads against the database's seals. A seal that was never exported (the sealer died between
        commit and export) proves nothing: its signature does."""
        ours = {seal.seal_no: seal for seal in self._seal_at.values()}
        exported = {int(head["seal_no"]): head for head in heads}
        for number, head in sorted(exported.items()):
            seal = ours.get(number)
            if seal is None:
                self.say(f"seal {number} was exported and is missing from the database")
            elif (seal.head, seal.last_position) != (head["head"], head["last_position"]):
                self.say(f"seal {number} is not the one that was exported")


def _signed(key: Ed25519PublicKey, tenant_id: str, seal: Seal) -> bool:
    try:
        message = seal_message(tenant_id, seal.seal_no, seal.last_position, seal.head)
        key.verify(base64.b64decode(seal.signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
