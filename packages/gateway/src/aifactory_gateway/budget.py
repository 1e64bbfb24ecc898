"""Money that may be spent here: leases from the control plane, held for each request and settled by its tokens.

Amounts are exact integers in 10⁻¹⁵ of a currency's unit (a price in nanos for a million tokens, times tokens), so that
nothing is rounded here. Leases are never topped up by time: one that has run out takes no new request.
"""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_protocol.gateway import Lease, TokenPrice

FEMTOS_PER_NANO = 1_000_000


def cost(price: TokenPrice, tokens_in: int, tokens_out: int) -> int:
    """In femtos. The only price list is the snapshot's."""
    return tokens_in * price.input_per_million + tokens_out * price.output_per_million


@dataclass(slots=True, eq=False)
class OpenLease:
    """`free` femtos are neither spent nor held. `open_holds`: requests that still run on it."""

    id: str
    account_id: str
    currency: str
    expires_at: float
    amount: int
    free: int
    open_holds: int = 0


@dataclass(slots=True)
class Hold:
    lease: OpenLease
    femtos: int


class Budgets:
    """The leases of every account."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], list[OpenLease]] = {}
        self._known: set[str] = set()

    def add(self, lease: Lease, spent_femtos: int = 0) -> None:
        """Once; the same lease again changes nothing. `spent_femtos`: what was settled on it before this process began."""
        if lease.id in self._known:
            return
        self._known.add(lease.id)
        amount = lease.amount * FEMTOS_PER_NANO
        ends = lease.expires_at.timestamp()
        opened = OpenLease(lease.id, lease.account_id, lease.currency, ends, amount, amount - spent_femtos)
        self._of.setdefault((lease.account_id, lease.currency), []).append(opened)

    def hold(self, account_id: str, currency: str, femtos: int, now: float) -> Hold | None:
        """All of it on one lease, or None: then the control plane must be asked for more."""
        for lease in self._of.get((account_id, currency), ()):
            if lease.free >= femtos and lease.expires_at > now:
                lease.free -= femtos
                lease.open_holds += 1
                return Hold(lease, femtos)
        return None

    def hold_again(self, lease_id: str, femtos: int) -> Hold | None:
        """What a request of the process before us held; None when that lease is gone. May leave less than nothing free."""
        for lease in self.open_leases():
            if lease.id == lease_id:
                lease.free -= femtos
                lease.open_holds += 1
                return Hold(lease, femtos)
        return None

    def settle(self, hold: Hold, femtos: int) -> None:
        """What was not used is free again. More than was held makes the lease smaller, also below zero: nothing is hidden."""
        hold.lease.free += hold.femtos - femtos
        hold.lease.open_holds -= 1

    def free(self, account_id: str, currency: str, now: float) -> int:
        """Femtos on leases that are still good."""
        return sum(lease.free for lease in self._of.get((account_id, currency), ()) if lease.expires_at > now)

    def open_leases(self) -> list[OpenLease]:
        """All that are known here."""
        return [lease for leases in self._of.values() for lease in leases]

    def fits(self, account_id: str, currency: str, femtos: int, now: float) -> bool:
        """Whether `hold` would find so much."""
        leases = self._of.get((account_id, currency), ())
        return any(lease.free >= femtos and lease.expires_at > now for lease in leases)

    def is_used(self, account_id: str, currency: str) -> bool:
        """Whether something was spent or is held on its newest lease: an account that rests asks for no other."""
        leases = self._of.get((account_id, currency), [])
        return any(lease.free < lease.amount for lease in leases[-1:])

    def ended(self, now: float) -> list[OpenLease]:
        """Leases that have run out and on which nothing runs any more."""
        return [lease for lease in self.open_leases() if lease.expires_at <= now and not lease.open_holds]

    def forget(self, lease_ids: list[str]) -> None:
        """They were given back."""
        gone = set(lease_ids)
        self._known -= gone
        for account, leases in list(self._of.items()):
            left = [lease for lease in leases if lease.id not in gone]
            if left:
                self._of[account] = left
            else:
                del self._of[account]
