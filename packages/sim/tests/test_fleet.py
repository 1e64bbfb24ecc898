"""The simulated fleet is what it is said to be, and what the control plane sells of it."""

from collections import Counter

from aifactory.domains.billing.demo import PRICE_BOOK
from aifactory.domains.provisioning.demo import PROFILES
from aifactory.domains.provisioning.flows.sanitize_slot import REQUIRED_STEPS
from aifactory_sim.fleet import DESIGNS, machines
from aifactory_sim.verbs import CLEANING


def test_sixty_four_nodes_of_mixed_silicon():
    fleet = machines()
    assert len(fleet) == len({machine.name for machine in fleet}) == 64
    kinds = Counter((machine.design.vendor, machine.design.accelerators) for machine in fleet)
    assert set(kinds) == {
        ("NVIDIA", 8), ("AMD", 8), ("Intel", 8), ("Cerebras", 1), ("Qualcomm", 8), ("generic", 0),
    }  # fmt: skip


def test_a_smaller_fleet_has_one_of_each_kind_first():
    assert {machine.design for machine in machines(len(DESIGNS))} == set(DESIGNS)


def test_every_node_says_that_it_is_simulated_wherever_it_says_what_it_is():
    for machine in machines():
        inventory = machine.inventory()
        assert inventory.simulated and inventory.isolation.driver == "simulated" and not inventory.isolation.isolates
        assert all(gpu.uuid.startswith("SIMULATED-") for gpu in inventory.gpus)


def test_what_the_fleet_offers_has_a_hardware_profile_and_a_price_and_fits():
    profiles = {profile.sku: profile for profile in PROFILES}
    offered = {slot.sku for machine in machines() for slot in machine.inventory().slots}
    assert offered == set(profiles) == {item.sku for item in PRICE_BOOK}
    for machine in machines():
        design, profile = machine.design, profiles[machine.design.sku]
        assert profile.gpus * design.slots == design.accelerators
        assert (profile.vcpus, profile.memory_gb) == (design.cpus // design.slots, design.memory_gb // design.slots)
        assert (profile.accelerator_memory_gb or 0) == design.accelerator_memory_gb


def test_it_gives_evidence_for_each_step_that_the_control_plane_wants():
    assert tuple(CLEANING) == REQUIRED_STEPS
