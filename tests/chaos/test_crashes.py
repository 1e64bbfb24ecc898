"""Processes die without a word, at random and at every named crash point; nothing acknowledged is lost, nothing leaks."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import judgement
import pytest
from house import House, until
from tenant import Tenant

from aifactory.kernel.flow import crash_points
from aifactory.manifests import MANIFESTS

VICTIMS = ("api", "worker", "agent", "nats", "postgres")
SLOTS = 4
DEATHS_ALLOWED = 4
DEATHS_WINDOW_SECONDS = 62.0
POINTS = crash_points([flow for manifest in MANIFESTS for flow in manifest.flows])
# Nodes in trouble or in maintenance, and slots that cannot be cleaned, are arranged in provisioning's own tests; a healthy one never comes here.
NOT_ON_A_HEALTHY_NODE = {
    point
    for point in POINTS
    if ":quarantined:" in point or point.startswith(("provisioning.node:", "provisioning.maintenance:"))
}
# Kinds of flows that an allocation's life does not touch have a test of their own: test_bucket_crashes.py, or their room's.
LIVES_OF_THEIR_OWN = (
    "storage_network.attachment",
    "storage_network.bucket",
    "storage_network.bucket_key",
    "app_platform.instance",
)
ELSEWHERE = {point for point in POINTS if point.split(":")[0] in LIVES_OF_THEIR_OWN}
SAMPLE = ("provisioning.allocation:placing:after_commit", "provisioning.allocation:verifying:after_effect",
          "provisioning.allocation:settling:before_commit")  # fmt: skip


class Crashes:
    """The file through which a test names the point where the next process dies; and how often each may die.

    A supervisor that sees more than five crashes of one process in a minute takes it for a crash loop and gives up,
    as it should. So no process dies more than four times a minute here.
    """

    def __init__(self, house: House) -> None:
        self.deaths: dict[str, list[float]] = {}
        folder = house.data_dir / "crash"
        folder.mkdir()
        folder.chmod(0o777)
        self.file = folder / "point"
        self.hits = folder / "point.hits"
        for path in (self.file, self.hits):
            path.touch()
            path.chmod(0o666)

    def arm(self, point: str) -> None:
        """Only workers run flows, so a worker it will be."""
        until(lambda: self.may_die("worker"), DEATHS_WINDOW_SECONDS + 5, "the worker may not die yet")
        self.note("worker")
        self.file.write_text(point)

    def may_die(self, name: str) -> bool:
        recent = [at for at in self.deaths.get(name, []) if time.monotonic() - at < DEATHS_WINDOW_SECONDS]
        self.deaths[name] = recent
        return len(recent) < DEATHS_ALLOWED

    def note(self, name: str) -> None:
        self.deaths.setdefault(name, []).append(time.monotonic())

    def disarm(self) -> None:
        self.file.write_text("")

    def count(self, point: str) -> int:
        return self.hits.read_text().split("\n").count(point)


@pytest.fixture(scope="module")
def crash_house() -> Iterator[tuple[House, Crashes]]:
    house = House(slots=SLOTS)
    crashes = Crashes(house)
    house.environment = {"AIF_CRASH_FILE": str(crashes.file)}
    try:
        yield house.up(), crashes
    finally:
        house.stop()


@pytest.fixture
def tenant(crash_house: tuple[House, Crashes]) -> Iterator[Tenant]:
    """demo@example.com with what earlier tests left known to it, so that its whole history can be judged."""
    house, crashes = crash_house
    made = Tenant.of(house, "demo@example.com")
    for allocation_id in made.allocations():
        made.promised[allocation_id] = "released"
    yield made
    crashes.disarm()


def some_life(tenant: Tenant, chance: random.Random, round_name: str) -> list[str]:
    """Launches one (every other with a new volume), and lets go of a random one; answers with what still runs."""
    volume = f"v-{round_name}" if chance.random() < 0.5 else None
    tenant.launch(round_name, volume)
    running = [i for i, promise in tenant.promised.items() if promise == "launched"]
    if running and chance.random() < 0.6:
        tenant.release(chance.choice(running))
    return running


def random_deaths(
    house: House, crashes: Crashes, tenant: Tenant, seed: int, count: int, pause_seconds: float = 1.5
) -> None:
    chance = random.Random(seed)
    known = len(tenant.promised)
    for number in range(count):
        some_life(tenant, chance, f"s{seed}-{number}")
        time.sleep(chance.random() * pause_seconds)
        ready = until(lambda: [name for name in VICTIMS if crashes.may_die(name)], 90, "nobody may die")
        victim = chance.choice(ready)
        if house.pids().get(victim):
            house.kill(victim, signal.SIGKILL)
            crashes.note(victim)
    assert len(tenant.promised) > known, "nothing was launched, so nothing was tested"
    judgement.judge_running(house, tenant)
    judgement.judge_quiet(house, tenant)
    for volume in tenant.volumes():
        tenant.delete_volume(volume["id"])


def die_at(house: House, crashes: Crashes, tenant: Tenant, point: str) -> None:
    """One life of an allocation with a new volume, in which the process that reaches `point` dies."""
    before = crashes.count(point)
    crashes.arm(point)
    name = "p-" + str(POINTS.index(point)) + "-" + str(len(tenant.promised))
    allocation_id = tenant.launch(name, f"v-{name}")
    assert allocation_id, tenant.refusals[-1:]
    until(lambda: tenant.allocations()[allocation_id]["state"] in ("active", "failed"), 90, f"{point}: not active")
    tenant.release(allocation_id)
    judgement.await_rest(tenant)
    for volume in tenant.volumes():
        if not volume["attached_to"]:
            tenant.delete_volume(volume["id"])
    judgement.judge_quiet(house, tenant)
    until(lambda: not tenant.volumes(), 90, f"{point}: the volume is not deleted")
    assert crashes.count(point) > before, f"{point} was never reached"


@pytest.mark.timeout(240)
def test_a_sample_of_deaths(crash_house: tuple[House, Crashes], tenant: Tenant) -> None:
    """Three crash points and six random deaths, all in flight together; the others are marked heavy."""
    house, crashes = crash_house
    for point in SAMPLE:
        assert point in POINTS, f"{point} is no crash point any more: choose another for the sample"
        crashes.arm(point)
        running = tenant.launch(f"sample-{SAMPLE.index(point)}")
        assert running, tenant.refusals
        if "settling" in point:
            tenant.release(running)
        until(lambda p=point: crashes.count(p) > 0, 60, f"{point} was not reached")
    random_deaths(house, crashes, tenant, seed=20_261_123, count=6, pause_seconds=1.0)


@pytest.mark.heavy
@pytest.mark.timeout(400)
@pytest.mark.parametrize("point", sorted(set(POINTS) - NOT_ON_A_HEALTHY_NODE - ELSEWHERE))
def test_every_crash_point(crash_house: tuple[House, Crashes], tenant: Tenant, point: str) -> None:
    house, crashes = crash_house
    die_at(house, crashes, tenant, point)


@pytest.mark.heavy
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10))
def test_ten_random_deaths(crash_house: tuple[House, Crashes], tenant: Tenant, seed: int) -> None:
    house, crashes = crash_house
    random_deaths(house, crashes, tenant, seed, count=10)


@pytest.mark.heavy
@pytest.mark.timeout(400)
def test_the_machine_loses_power(crash_house: tuple[House, Crashes], tenant: Tenant) -> None:
    """Everything at once, supervisor and sandboxes included; then it is switched on again."""
    house, _ = crash_house
    for number in range(SLOTS):
        tenant.launch(f"power-{number}")
    time.sleep(1.0)
    everyone = {
        *house.pids().values(),
        *(pid for pids in judgement.facts_of(house).processes().values() for pid in pids),
    }
    supervisor = supervisor_pid(house)
    for pid in (supervisor, *everyone):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    time.sleep(0.5)
    house.up()
    for allocation_id, promise in list(tenant.promised.items()):
        if promise == "launched":
            tenant.release(allocation_id)
    judgement.judge_quiet(house, tenant)


def supervisor_pid(house: House) -> int:
    return int(json.loads((Path(house.data_dir) / "instance.json").read_text())["pid"])
