"""What the contract promises, tried by Schemathesis on a house that runs, as everybody who may knock.

Every request is made from the contract, with the house's own things in some of them. Nothing may answer with a 5xx, a
status, type or member that is not declared, refuse what the contract allows, or take what it forbids. At least four
fifths of the operations must do what they are for, for somebody.

It failed? The finding names the operation, the check and a curl line. A refusal of what fits the schema that is right all
the same has its code added to `decided.py`; everything else is mended in the product or said in the contract.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from authz.expectations import expectations
from contract import agents_contract, gateways_contract
from contract.belongings import Belongings
from contract.cast import ROLES, acting_as
from contract.decided import NOT_REACHED
from contract.fuzz import HEAD, Effort, Outcome, run, run_as
from house import House, until

from aifactory.contracts.openapi import Json, operations
from aifactory.contracts.sources import openapi_bundle
from aifactory_outpost.identity import Identity

pytestmark = [pytest.mark.xdist_group("schemathesis"), pytest.mark.timeout(3600)]
HOUSE = {"AIF_RATE_PER_SECOND": "0", "AIF_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
SHARE = 0.8
SAMPLE = Effort(("examples", "fuzzing"), 1)
FULL = Effort(("examples", "coverage", "fuzzing", "stateful"), 8)
GUESTS = Effort(("examples", "fuzzing"), 4)  # what a role may is tried in tests/authz; the rest is the same for all


@dataclass
class Furnished:
    """A house of its own: what is asked here changes everything."""

    house: House
    belongings: Belongings
    document: Json = field(default_factory=lambda: json.loads(json.dumps(openapi_bundle())))

    def ask_as(self, role: str, effort: Effort) -> Outcome:
        with acting_as(self.house, role) as credential:
            return run_as(credential, self.house.url, self.document, self.belongings, effort)


@pytest.fixture(scope="module")
def furnished() -> Iterator[Furnished]:
    house = House(slots=4, environment=HOUSE)
    try:
        house.up()
        until(house.has_a_clean_slot, 60, "no slot is clean")
        belongings = Belongings(house)
        belongings.furnish()
        yield Furnished(house, belongings)
    finally:
        house.stop()


def judge(found: list[Outcome], operations_of_all: set[str]) -> None:
    """Prints the table role by role, and fails with every finding."""
    reached = set().union(*(outcome.reached for outcome in found)) & operations_of_all
    print("\n" + "\n".join((HEAD, *(outcome.row() for outcome in found))))
    print(
        f"reached by somebody: {len(reached)} of {len(operations_of_all)}; not: {sorted(operations_of_all - reached)}"
    )
    told = [
        f"{outcome.role}: {' '.join(where)}\n{text}" for outcome in found for where, text in outcome.findings.items()
    ]
    told += [f"{outcome.role}: {label} let them in" for outcome in found for label in let_in_wrongly(outcome)]
    assert not told, "\n\n".join(told)
    assert operations_of_all == set().union(*(outcome.statuses for outcome in found)), "some were never asked"
    assert len(reached) >= SHARE * len(operations_of_all)
    assert operations_of_all - reached <= NOT_REACHED.keys(), "an operation that was reached before is not any more"


def let_in_wrongly(outcome: Outcome) -> set[str]:
    """What that role reached though tests/authz says that it may not. The operator is also a user of a tenant of its own."""
    if outcome.role in ("platform_admin", "agent", "gateway"):
        return set()
    role = "tenant_admin" if outcome.role == "stranger" else outcome.role
    return outcome.reached & {entry.route for entry in expectations() if role not in entry.who}


def labels(document: Json) -> set[str]:
    return {f"{method.upper()} {path}" for method, path, _ in operations(document)}


def test_the_contract_holds_for_those_who_may_most_and_for_a_visitor(furnished):
    found = [furnished.ask_as(role, SAMPLE) for role in ("anonymous", "tenant_admin", "platform_admin")]
    judge(found, labels(furnished.document))


@pytest.mark.parametrize("effort", [SAMPLE, pytest.param(FULL, marks=pytest.mark.heavy)], ids=["sample", "full"])
def test_the_agents_door_holds_too(furnished, tmp_path: Path, effort: Effort):
    assert agents_contract.routes() == {*agents_contract.SPOKEN, *gateways_contract.SPOKEN}
    identity, examples = agents_contract.enrolled(furnished.house, tmp_path)
    _at_the_agents_door(
        furnished, "agent", identity, agents_contract.document(agents_contract.SPOKEN, examples), effort
    )


@pytest.mark.parametrize("effort", [SAMPLE, pytest.param(FULL, marks=pytest.mark.heavy)], ids=["sample", "full"])
def test_it_holds_for_gateways(furnished, tmp_path: Path, effort: Effort):
    identity, examples = gateways_contract.enrolled(furnished.house, tmp_path)
    document = agents_contract.document(gateways_contract.SPOKEN, examples)
    _at_the_agents_door(furnished, "gateway", identity, document, effort)


def _at_the_agents_door(furnished: Furnished, who: str, identity: Identity, document: Json, effort: Effort) -> None:
    settings = {
        "base-url": f"https://127.0.0.1:{furnished.house.ports[2]}",
        "tls-verify": str(identity.ca_file),
        "request-cert": str(identity.certificate_file),
        "request-cert-key": str(identity.key_file),
    }
    judge([run(who, document, settings, effort, agents_contract.impatient)], labels(document))


@pytest.mark.heavy
def test_the_contract_holds_for_everybody(furnished):
    thorough = ("anonymous", "stranger", "tenant_admin", "platform_admin")
    found = [furnished.ask_as(role, FULL if role in thorough else GUESTS) for role in ROLES]
    judge(found, labels(furnished.document))
