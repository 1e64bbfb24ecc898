"""What the agent says a sandbox uses is what the host itself says, and what cannot be delivered is let go."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from aifactory_agent.host import cgroups, processes
from aifactory_agent.telemetry import gpus, host, sandboxes
from aifactory_agent.telemetry.collector import MOST_POINTS, THE_NODE, Collector
from aifactory_agent.telemetry.courier import MOST_TRIES, Courier
from aifactory_agent.telemetry.readings import Reading, values
from aifactory_outpost.calls import CallFailed
from aifactory_protocol import METRICS, ResourceAttributes, ResourceMetrics, TelemetryBatch
from aifactory_protocol.telemetry import MAX_TELEMETRY_POINTS

MEGABYTE = 1024**2
BURN = "timeout 20 sh -c 'while :; do :; done'"
HOLD = "python3 -c 'x = bytearray(96 * 1024 * 1024); print(len(x), flush=True); import time; time.sleep(20)'"


def points_of(collector, resource) -> dict[str, list[float]]:
    for taken in collector.take():
        if taken.attributes == resource:
            return {metric.name: [point.value for point in metric.points] for metric in taken.metrics}
    return {}


def sandboxes_resource(record) -> ResourceAttributes:
    return ResourceAttributes(record.slot_index, record.allocation_id)


def cpu_seconds_by_proc(record) -> float:
    """The host's own count, by another way than the agent's: the processes' ticks, those that ended included."""
    ticks = 0
    for pid in cgroups.members(record.cgroups):
        text = (processes.PROC / str(pid) / "stat").read_text()
        ticks += sum(int(field) for field in text[text.rindex(")") + 2 :].split()[11:15])
    return ticks / host.TICKS_PER_SECOND


@pytest.fixture
def measured(landlord):
    record = landlord.start("alloc_measured", slot_index=2)
    yield record
    landlord.stop("alloc_measured")


async def test_a_burning_cpu_is_what_the_host_counts(landlord, tenant, measured):
    collector = Collector(landlord.node)
    async with tenant.connect(measured) as connection:
        burning = await connection.create_process(BURN)
        await asyncio.sleep(0.5)
        began, before = time.monotonic(), cpu_seconds_by_proc(measured)
        collector.look()
        await asyncio.sleep(3)
        collector.look()
        counted = (cpu_seconds_by_proc(measured) - before) / (time.monotonic() - began)
        burning.kill()
    (cores,) = points_of(collector, sandboxes_resource(measured))["cpu.usage"]
    assert cores == pytest.approx(counted, abs=0.1)
    assert 0.1 < cores < 0.6, "the slot has half a CPU, and less when the machine is busy"


async def test_memory_that_is_held_is_memory_that_is_shown(landlord, tenant, measured):
    idle = sandboxes.reading(landlord.node, measured).gauges["memory.usage", ""]
    async with tenant.connect(measured) as connection:
        holding = await connection.create_process(HOLD)
        assert await holding.stdout.readline()
        held = sandboxes.reading(landlord.node, measured).gauges["memory.usage", ""]
        group = next(folder for folder in map(Path, measured.cgroups) if (folder / "memory.stat").exists())
        resident = sandboxes._numbers((group / "memory.stat").read_text())
        holding.kill()
    assert 96 * MEGABYTE <= held - idle < 112 * MEGABYTE
    assert held >= resident.get("total_rss", resident.get("anon", 0))


async def test_what_is_written_to_its_own_disk_is_counted_also_after_the_writer_ended(landlord, tenant, measured):
    collector = Collector(landlord.node)
    collector.look()
    done = await tenant.run(measured, "dd if=/dev/urandom of=~/file bs=1M count=24 conv=fsync 2>&1; ls -l ~/file")
    assert "25165824" in done.stdout
    began = time.monotonic()
    collector.look()
    shown = points_of(collector, sandboxes_resource(measured))
    assert shown["disk.write"][0] > 0 and shown["filesystem.usage"][-1] >= 24 * MEGABYTE
    assert time.monotonic() - began < 5


def test_the_node_is_measured_whole(landlord):
    collector = Collector(landlord.node)
    collector.look()
    collector.look()
    shown = points_of(collector, THE_NODE)
    assert set(shown) <= set(METRICS)
    assert {"cpu.usage", "memory.usage", "memory.limit", "disk.read", "network.receive"} <= set(shown)
    assert 0 < shown["memory.usage"][0] < shown["memory.limit"][0]


def test_a_part_that_ends_does_not_pull_a_rate_down_and_a_new_part_counts_from_zero():
    before = Reading(counters={("cpu.usage", ""): {"ends": 100.0, "stays": 5.0}})
    now = Reading(counters={("cpu.usage", ""): {"stays": 7.0, "new": 2.0}})
    assert values(before, now, 2.0) == {("cpu.usage", ""): 2.0}
    assert values(None, now, 2.0) == {}


def test_points_that_nobody_takes_are_bounded_and_the_newest_stay(landlord):
    collector = Collector(landlord.node)
    for number in range(MAX_TELEMETRY_POINTS + 5):
        collector._keep(THE_NODE, datetime.now(UTC), float(number), Reading(gauges={("gpu.power", "0"): float(number)}))
    shown = points_of(collector, THE_NODE)["gpu.power"]
    assert len(shown) == MAX_TELEMETRY_POINTS and shown[-1] == MAX_TELEMETRY_POINTS + 4
    assert MOST_POINTS * 80 < 1_048_576


class Waiting:
    """A collector that has one thing to tell for each time it is asked."""

    def __init__(self, times: int) -> None:
        self.times = times

    def take(self):
        self.times -= 1
        return [] if self.times < 0 else [ResourceMetrics(THE_NODE, [])]


async def test_a_batch_is_sent_again_under_its_number_and_let_go_after_a_few_tries():
    sent: list[TelemetryBatch] = []

    async def lost(batch):
        sent.append(batch)
        raise CallFailed("no answer")

    async def taken(batch):
        sent.append(batch)

    courier = Courier(Waiting(2), lambda: datetime.now(UTC))
    for _ in range(MOST_TRIES):
        with pytest.raises(CallFailed):
            await courier.deliver(lost)
    await courier.deliver(taken)
    assert [batch.sequence for batch in sent] == [1] * MOST_TRIES + [2]
    assert len({batch.stream for batch in sent}) == 1
    assert sent[0].sent_at < sent[1].sent_at, "each try tells the clock of its own moment"


def test_a_machine_without_gpus_says_nothing_of_gpus():
    found = Reading()
    gpus.add(found, gpus.open_library())
    assert found.gauges == {}


def test_every_gpu_is_measured_and_what_one_does_not_tell_is_left_out():
    """SIMULATED: this machine has no GPU, so the library's answers are written down here."""

    class Nvml:
        NVMLError = KeyError
        NVML_TEMPERATURE_GPU = 0
        nvmlDeviceGetCount = staticmethod(lambda: 2)
        nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)
        nvmlDeviceGetUtilizationRates = staticmethod(lambda device: SimpleNamespace(gpu=37))
        nvmlDeviceGetMemoryInfo = staticmethod(lambda device: SimpleNamespace(used=80 * 1024**3))
        nvmlDeviceGetPowerUsage = staticmethod(lambda device: {0: 412_000}[device])
        nvmlDeviceGetTemperature = staticmethod(lambda device, sensor: 61)

    found = Reading()
    gpus.add(found, Nvml)
    assert found.gauges["gpu.utilization", "1"] == 0.37
    assert found.gauges["gpu.power", "0"] == 412.0
    assert ("gpu.power", "1") not in found.gauges and found.gauges["gpu.temperature", "1"] == 61.0


def test_the_agent_sends_what_it_measures(agent, plane):
    agent.start()
    plane.wait_for(lambda: plane.batches, timeout=40)
    (node,) = plane.batches[0].resources
    assert node.attributes == THE_NODE and plane.batches[0].sequence == 1
    assert {metric.name: metric.unit for metric in node.metrics}["cpu.usage"] == "{cpu}"
    assert agent.stop() == 0
