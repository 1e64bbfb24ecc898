"""Random lives of a small factory: launches, releases, broken nodes, lost leases, time. The promises hold throughout.

Hypothesis chooses; real database, real flows, real routes, SIMULATED nodes that speak the real protocol.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from aifactory.domains.billing.manifest import MANIFEST as BILLING
from aifactory.domains.iam.manifest import MANIFEST as IAM
from aifactory.domains.provisioning.tests.conftest import SSH_KEY, Factory, MovableDatabase
from aifactory.kernel.principal import Principal
from aifactory.kernel.wakeups import LocalWakeups

SERVICE = Principal.service("test")
VERBS = st.sampled_from(["sandbox.start", "sandbox.stop", "volume.create", "volume.delete", "slot.sanitize"])
HOWS = st.sampled_from(["fail", "silent", "dirty", "forgetful"])
BROKEN_PROMISES = {
    "a slot with two open placements": """
        select slot_id from provisioning.placements where ended_at is null group by slot_id having count(*) > 1""",
    "an occupied slot that is clean": "select id from provisioning.slots where clean and allocation_id is not null",
    "an active allocation without an open meter": """
        select a.id from provisioning.allocations a where a.state = 'active' and a.release_requested_at is null
        and not exists (select from billing.meter_transitions m where m.subject_id = a.id and m.kind = 'opened')""",
    "a meter that runs after the release request": """
        select a.id from provisioning.allocations a join billing.meter_transitions o on o.subject_id = a.id and o.kind = 'opened'
        where a.release_requested_at is not null and not exists (select from billing.meter_transitions c
        where c.subject_id = a.id and c.kind = 'closed' and c.at = a.release_requested_at)""",
    "an access without an active allocation": """
        select id from provisioning.allocations where access is not null and (state <> 'active' or desired_state = 'released')""",
    "a bill for what was never active": """
        select c.subject_id from billing.charges c join provisioning.allocations a on a.id = c.subject_id
        where a.activated_at is null""",
    "quota or a hold that an ended allocation keeps": """
        select a.id from provisioning.allocations a where a.state in ('released', 'refused', 'failed') and (
        exists (select from iam.quota_reservations q where q.subject_id = a.id and q.released_at is null)
        or exists (select from billing.holds h where h.subject_id = a.id and h.state = 'held'))""",
    "a slot on offer without complete good evidence": """
        select s.id from provisioning.slots s where s.clean and (select count(distinct e.step) from
        provisioning.sanitization_evidence e where e.slot_id = s.id and e.ok and e.task_id = (select t.id from
        provisioning.tasks t where t.subject_id = s.id order by t.generation desc limit 1)) < 6""",
    "an allocation whose state is not its flow's": """
        select a.id from provisioning.allocations a join kernel.flows f on f.subject_id = a.id
        and f.kind = 'provisioning.allocation' where f.ended and f.state <> a.state""",
    "a held volume of an ended launch that was never started": """
        select v.id from storage_network.volumes v join provisioning.allocations a on a.id = v.attached_to
        where a.state in ('refused') """,
}


class Lives(RuleBasedStateMachine):
    server = None
    secrets = None

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.name = self.server.fresh()
        self.loop.run(self.begin())

    async def begin(self) -> None:
        url = self.server.url(self.name, "aif_api_login")
        database = await MovableDatabase.open(url, "test", max_size=10, wakeups=LocalWakeups())
        for manifest in (IAM, BILLING):
            async with database.tx("worker", Principal.service("admin")) as tx:
                await manifest.seed(tx)
        self.factory = Factory(database)
        self.launched: list[str] = []
        self.volumes: list[str] = []
        for name in ("one", "two"):
            await self.factory.a_node(slots=1, name=name)

    def teardown(self) -> None:
        try:
            self.loop.run(self.end())
        finally:
            self.loop.run(self.factory.database.close())
            self.loop.close()
            self.server.drop(self.name)

    @rule(new_volume=st.booleans())
    def launch(self, new_volume):
        volumes = [{"name": f"v{len(self.launched)}", "size_gb": 1}] if new_volume else []
        self.loop.run(self._launch(volumes))

    @precondition(lambda self: self.volumes)
    @rule(data=st.data())
    def launch_with_an_old_volume(self, data):
        self.loop.run(self._launch([{"id": data.draw(st.sampled_from(self.volumes))}]))

    async def _launch(self, volumes) -> None:
        body = {"sku": "local.cpu.1", "ssh_public_key": SSH_KEY, "volumes": volumes}
        answer = await self.factory.post("/allocations", body)
        assert answer.status_code in (202, 404, 409), answer.text
        if answer.status_code == 202:
            self.launched.append(answer.json()["id"])
            self.volumes += [volume["id"] for volume in answer.json()["volumes"]]

    @precondition(lambda self: self.launched)
    @rule(data=st.data())
    def release(self, data):
        self.loop.run(self.factory.releases(data.draw(st.sampled_from(self.launched))))

    @rule()
    def flows_work(self):
        self.loop.run(self.factory.runner().run_until_idle())

    @rule(number=st.integers(0, 1))
    def node_works(self, number):
        self.loop.run(self.factory.nodes[number].poll())

    @rule()
    def everybody_works(self):
        self.loop.run(self.factory.work())

    @rule(seconds=st.sampled_from([1, 5, 21, 65, 130]))
    def time_passes(self, seconds):
        self.factory.pass_seconds(seconds)
        self.loop.run(self.factory.notice_silence())

    @rule(number=st.integers(0, 1), verb=VERBS, how=HOWS)
    def node_breaks(self, number, verb, how):
        self.factory.nodes[number].broken[verb] = how

    @rule(number=st.integers(0, 1))
    def node_restarts_healthy(self, number):
        node = self.factory.nodes[number]
        node.broken.clear()
        node.boot_id += "+"

    @rule(closed=st.booleans())
    def doors_open_or_close(self, closed):
        self.factory.probe.closed = closed

    @rule()
    def a_worker_takes_work_and_dies(self):
        self.loop.run(self.factory.runner("doomed").claim(3))

    @invariant()
    def promises_hold(self):
        self.loop.run(self.check())

    async def check(self) -> None:
        async with self.factory.database.tx("operator", SERVICE) as tx:
            for promise, statement in BROKEN_PROMISES.items():
                assert await tx.all(statement) == [], promise

    async def end(self) -> None:
        """Everything is mended and released: then nothing may be left over."""
        factory = self.factory
        factory.probe.closed = False
        for node in factory.nodes:
            node.broken.clear()
            node.boot_id += "+"
        for allocation_id in self.launched:
            await factory.releases(allocation_id)
        for _ in range(3):
            await factory.settle_down(60)
            for slot in await factory.slots():
                if slot["state"] == "quarantined":
                    await factory.post(f"/admin/slots/{slot['id']}/sanitize", {"reason": "mended"}, "operator")
        await self.check()
        states = {(await factory.allocation(i))["state"] for i in self.launched}
        assert states <= {"released", "refused", "failed"}, states
        assert {slot["state"] for slot in await factory.slots()} == {"available"}
        for volume in (await factory.get("/volumes")).json()["items"]:
            assert volume["attached_to"] is None and volume["state"] in ("available", "failed"), volume
            assert (await factory.delete(f"/volumes/{volume['id']}")).status_code == 202
        await factory.settle_down(30)
        held = await factory.holdings()
        assert [held[name] for name in ("held", "allocations", "vcpus", "volumes", "volume_gb")] == [0] * 5
        assert all(node.volumes == {} and node.sandboxes == {} for node in factory.nodes)


def live(examples: int, steps: int, server, secrets_dir, monkeypatch) -> None:
    monkeypatch.setenv("AIF_SECRETS_DIR", str(secrets_dir))
    Lives.server = server
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, print_blob=True
    )
    run_state_machine_as_test(Lives, settings=profile)


@pytest.mark.timeout(300)
def test_random_lives_keep_every_promise(postgres_server, platform_secrets, monkeypatch):
    live(int(os.environ.get("AIF_LIVES", "5")), 15, postgres_server, platform_secrets, monkeypatch)


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_many_random_lives_keep_every_promise(postgres_server, platform_secrets, monkeypatch):
    live(60, 25, postgres_server, platform_secrets, monkeypatch)
