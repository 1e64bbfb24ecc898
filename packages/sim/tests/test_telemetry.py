"""Figures of simulated nodes follow what the nodes do, are the same each time, and fit the real protocol."""

import asyncio
from datetime import UTC, datetime, timedelta
from statistics import mean

import msgspec
import pytest

from aifactory_protocol.telemetry import METRICS, TelemetryAnswer, TelemetryBatch
from aifactory_sim.faults import Active, Fault
from aifactory_sim.figures import SAVING_EVERY_SECONDS, THE_NODE, ResourceAttributes, measured
from aifactory_sim.fleet import DESIGNS, Machine, machines
from aifactory_sim.memory import Memory, Sandbox
from aifactory_sim.meter import Meter
from aifactory_sim.node import Node

BEGAN = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
WORKING = BEGAN + timedelta(minutes=3)
SHARED = machines()[0]  # eight slots of one accelerator


def a_sandbox(slot_index: int = 0, allocation_id: str = "alloc_1", running: bool = True) -> Sandbox:
    return Sandbox(allocation_id, slot_index, 1, [], [], "", running=running, started_at=BEGAN.isoformat())


def test_an_idle_node_is_idle():
    for machine in machines(len(DESIGNS)):
        ((resource, figures),) = measured(machine, [a_sandbox(running=False)], WORKING).items()
        assert resource == THE_NODE
        assert figures["cpu.usage", ""] < machine.design.cpus * 0.01
        for index in range(machine.design.accelerators):
            assert figures["gpu.utilization", str(index)] == 0
            assert figures["gpu.power", str(index)] < machine.design.accelerator_watts * 0.15


def test_a_busy_allocation_uses_its_accelerators_and_leaves_the_others_alone():
    found = measured(SHARED, [a_sandbox(slot_index=3)], WORKING)
    inside, node = found[ResourceAttributes(3, "alloc_1")], found[THE_NODE]
    assert inside["gpu.utilization", "0"] > 0.7 and inside["gpu.memory.usage", "0"] > 0.5 * 80e9
    assert [device for name, device in inside if name == "gpu.power"] == ["0"], "it has one accelerator"
    shown = [node["gpu.utilization", str(index)] for index in range(8)]
    assert shown == [0, 0, 0, inside["gpu.utilization", "0"], 0, 0, 0, 0]
    assert node["memory.usage", ""] > inside["memory.usage", ""]
    assert node["memory.limit", ""] == 8 * inside["memory.limit", ""]


def test_a_job_warms_up_works_and_saves_its_state():
    def used(age: float) -> float:
        found = measured(SHARED, [a_sandbox()], BEGAN + timedelta(seconds=age))
        return found[ResourceAttributes(0, "alloc_1")]["gpu.utilization", "0"]

    assert used(0) == 0 < used(20) < used(40) < min(used(age) for age in range(60, 290, 10))
    assert used(SAVING_EVERY_SECONDS + 5) < 0.2


def test_every_figure_is_one_that_the_protocol_knows_and_no_machine_exceeds_itself():
    for machine in machines(len(DESIGNS)):
        design = machine.design
        boxes = [a_sandbox(slot, f"alloc_{slot}") for slot in range(design.slots)]
        for minutes in range(30):
            node = measured(machine, boxes, BEGAN + timedelta(minutes=minutes))[THE_NODE]
            assert {name for name, _ in node} <= set(METRICS) and min(node.values()) >= 0
            assert node["cpu.usage", ""] < design.cpus and node["memory.usage", ""] < node["memory.limit", ""]
            for index in range(design.accelerators):
                assert node["gpu.utilization", str(index)] <= 1
                assert node["gpu.power", str(index)] <= design.accelerator_watts
                assert node["gpu.memory.usage", str(index)] <= design.accelerator_memory_gb * 10**9


def test_the_same_state_gives_the_same_figures_and_another_allocation_others():
    def course(allocation_id: str) -> list[float]:
        resource = ResourceAttributes(0, allocation_id)
        return [
            measured(SHARED, [a_sandbox(0, allocation_id)], WORKING + timedelta(seconds=5 * n))[resource]["cpu.usage", ""]
            for n in range(10)
        ]  # fmt: skip

    assert course("alloc_1") == course("alloc_1") != course("alloc_2")
    assert mean(course("alloc_1")) == pytest.approx(mean(course("alloc_2")), rel=0.3)


def test_what_was_seen_is_taken_once_and_a_dead_disk_moves_nothing():
    memory = Memory(sandboxes={"alloc_1": a_sandbox()}, faults={"dead-disk": Active(Fault.DEAD_DISK)})
    meter = Meter(Machine("demo-cpu-01", DESIGNS[-1]), memory)
    for number in range(3):
        meter.look(WORKING + timedelta(seconds=5 * number))
    taken = meter.take()
    assert {(r.attributes.slot_index, r.attributes.allocation_id) for r in taken} == {(None, None), (0, "alloc_1")}
    assert all(len(metric.points) == 3 for resource in taken for metric in resource.metrics)
    disk = [m for r in taken for m in r.metrics if m.name.startswith("disk.")]
    assert len(disk) == 4 and {point.value for metric in disk for point in metric.points} == {0.0}
    assert meter.take() == []


class Listener:
    """Takes batches as the control plane does: a batch that the protocol refuses fails the test."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue[TelemetryBatch] = asyncio.Queue()

    async def telemetry(self, batch: TelemetryBatch) -> TelemetryAnswer:
        self.batches.put_nowait(msgspec.json.decode(msgspec.json.encode(batch), type=TelemetryBatch))
        return TelemetryAnswer(1, 0)


async def test_a_node_tells_what_it_measured_until_nothing_is_measured(tmp_path):
    node = Node(SHARED, tmp_path, "https://127.0.0.1:1", telemetry_seconds=0)
    node._control_plane = listener = Listener()
    await node._measure()
    batch = listener.batches.get_nowait()
    assert batch.sequence == 1 and len(batch.resources[0].metrics) == 8 + 4 * 8
    await node.set_fault(Fault.NO_TELEMETRY, None)
    await node._measure()
    assert listener.batches.empty()
    node.clear_fault(Fault.NO_TELEMETRY)
    await node._measure()
    assert listener.batches.get_nowait().sequence == 2
