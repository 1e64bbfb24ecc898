"""Money on leases: none appears, none disappears, and none is spent on a lease that has run out."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from aifactory_gateway.budget import FEMTOS_PER_NANO, Budgets, Hold, cost
from aifactory_protocol.gateway import Lease, TokenPrice

ACCOUNTS = [("acct_1", "AED"), ("acct_1", "USD"), ("acct_2", "AED")]
NEVER = 4_000_000_000
PRICE = TokenPrice("price_1", "AED", 3_000_000_001, 7)


def lease(id: str = "lease_1", nanos: int = 1, ends: int = NEVER, account: tuple[str, str] = ACCOUNTS[0]) -> Lease:
    return Lease(id, *account, nanos, datetime.fromtimestamp(ends, UTC))


@dataclass
class Purse:
    """What a lease must hold, kept by the plainest sums."""

    lease: Lease
    spent: int = 0
    holds: list[Hold] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.lease.amount * FEMTOS_PER_NANO - self.spent - sum(hold.femtos for hold in self.holds)


accounts = st.sampled_from(ACCOUNTS)
amounts = st.integers(0, 50 * FEMTOS_PER_NANO) | st.just(FEMTOS_PER_NANO)


class Bank(RuleBasedStateMachine):
    """Every order of leases, holds and settlements."""

    def __init__(self) -> None:
        super().__init__()
        self.budgets = Budgets()
        self.purses: dict[str, Purse] = {}
        self.now = 0

    def purse_of(self, hold: Hold) -> Purse:
        return self.purses[hold.lease.id]

    def good(self, account: tuple[str, str]) -> list[Purse]:
        return [
            purse
            for purse in self.purses.values()
            if (purse.lease.account_id, purse.lease.currency) == account
            and purse.lease.expires_at.timestamp() > self.now
        ]

    @rule(account=accounts, nanos=st.integers(0, 40), life=st.integers(0, 5), spent=st.just(0) | amounts)
    def a_lease_comes(self, account, nanos, life, spent):
        purse = Purse(lease(f"lease_{len(self.purses)}", nanos, self.now + life, account), spent)
        self.purses[purse.lease.id] = purse
        self.budgets.add(purse.lease, spent)

    @precondition(lambda self: self.budgets.open_leases())
    @rule(data=st.data())
    def a_lease_comes_again(self, data):
        again = data.draw(st.sampled_from([one.id for one in self.budgets.open_leases()]))
        self.budgets.add(self.purses[again].lease, data.draw(amounts))

    @rule(account=accounts, femtos=amounts)
    def a_request_holds(self, account, femtos):
        could = any(purse.free >= femtos for purse in self.good(account))
        assert self.budgets.fits(*account, femtos, self.now) == could
        hold = self.budgets.hold(*account, femtos, self.now)
        assert (hold is not None) == could
        if hold is not None:
            purse = self.purse_of(hold)
            assert hold.femtos == femtos and purse.free >= femtos and purse in self.good(account)
            purse.holds.append(hold)

    @precondition(lambda self: self.purses)
    @rule(data=st.data(), femtos=amounts)
    def a_request_of_before_holds_again(self, data, femtos):
        id = data.draw(st.sampled_from([*self.purses, "lease_of_nobody"]))
        hold = self.budgets.hold_again(id, femtos)
        assert (hold is not None) == (id in {one.id for one in self.budgets.open_leases()})
        if hold is not None:
            assert hold.lease.id == id
            self.purse_of(hold).holds.append(hold)

    @precondition(lambda self: any(purse.holds for purse in self.purses.values()))
    @rule(data=st.data(), share=st.sampled_from([0, 1, 50, 100, 130]))
    def a_request_ends(self, data, share):
        running = [hold for purse in self.purses.values() for hold in purse.holds]
        hold = running[data.draw(st.integers(0, len(running) - 1))]
        purse, used = self.purse_of(hold), hold.femtos * share // 100
        self.budgets.settle(hold, used)
        purse.holds = [one for one in purse.holds if one is not hold]
        purse.spent += used

    @rule(seconds=st.integers(1, 3))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def what_has_ended_is_given_back(self):
        ended = [one.id for one in self.budgets.ended(self.now)]
        known = {one.id for one in self.budgets.open_leases()}
        over = [id for id in known if self.purses[id].lease.expires_at.timestamp() <= self.now]
        assert sorted(ended) == sorted(id for id in over if not self.purses[id].holds)
        self.budgets.forget(ended)
        assert self.budgets.ended(self.now) == []
        assert known - set(ended) == {one.id for one in self.budgets.open_leases()}

    @invariant()
    def free_held_and_spent_are_what_was_leased(self):
        for one in self.budgets.open_leases():
            purse = self.purses[one.id]
            held = sum(hold.femtos for hold in purse.holds)
            assert one.free + held + purse.spent == one.amount == purse.lease.amount * FEMTOS_PER_NANO
            assert one.open_holds == len(purse.holds)

    @invariant()
    def what_is_told_to_be_free_is_on_good_leases(self):
        for account in ACCOUNTS:
            free = sum(purse.free for purse in self.good(account))
            assert self.budgets.free(*account, self.now) == free


def test_money_is_neither_made_nor_lost():
    run_state_machine_as_test(Bank, settings=settings(max_examples=40, stateful_step_count=40, deadline=None))


def test_a_lease_that_has_run_out_takes_nothing_not_even_nothing():
    budgets = Budgets()
    budgets.add(lease(ends=100))
    assert budgets.hold(*ACCOUNTS[0], 1, 99.999) is not None
    for now in (100, 100.001, 10**9):
        assert budgets.hold(*ACCOUNTS[0], 0, now) is None
        assert not budgets.fits(*ACCOUNTS[0], 0, now) and budgets.free(*ACCOUNTS[0], now) == 0


def test_what_began_on_a_lease_is_settled_on_it_also_after_it_has_run_out():
    budgets = Budgets()
    budgets.add(lease(ends=100))
    hold = budgets.hold(*ACCOUNTS[0], 600_000, 99)
    assert budgets.ended(100) == []
    budgets.settle(hold, 250_000)
    (ended,) = budgets.ended(100)
    assert (ended.id, ended.free, ended.amount) == ("lease_1", 750_000, 1_000_000)


def test_a_hold_is_never_spread_over_two_leases():
    budgets = Budgets()
    budgets.add(lease("lease_1", 3))
    budgets.add(lease("lease_2", 4))
    assert budgets.hold(*ACCOUNTS[0], 5 * FEMTOS_PER_NANO, 0) is None
    assert budgets.hold(*ACCOUNTS[0], 4 * FEMTOS_PER_NANO, 0).lease.id == "lease_2"
    assert budgets.free(*ACCOUNTS[0], 0) == 3 * FEMTOS_PER_NANO


def test_more_than_was_held_is_taken_also_when_nothing_is_left():
    budgets = Budgets()
    budgets.add(lease())
    budgets.settle(budgets.hold(*ACCOUNTS[0], 1_000_000, 0), 1_400_000)
    assert budgets.free(*ACCOUNTS[0], 0) == -400_000
    assert budgets.hold(*ACCOUNTS[0], 0, 0) is None


def test_an_account_that_rests_is_seen_to_rest():
    budgets = Budgets()
    assert not budgets.is_used(*ACCOUNTS[0])
    budgets.add(lease("lease_1", 3))
    hold = budgets.hold(*ACCOUNTS[0], 5, 0)
    assert budgets.is_used(*ACCOUNTS[0]) and not budgets.is_used(*ACCOUNTS[1])
    budgets.settle(hold, 0)
    assert not budgets.is_used(*ACCOUNTS[0])


def test_a_price_is_exact_for_any_number_of_tokens():
    assert cost(PRICE, 0, 0) == 0
    assert cost(PRICE, 1, 0) == 3_000_000_001
    assert cost(PRICE, 2**40, 2**40) == 2**40 * 3_000_000_008
