"""An instance from its launch to its end: what it printed, how it ended, and who may see it."""

from dataclasses import replace

import pytest

from aifactory.domains.app_platform import access_key
from aifactory.domains.app_platform.flow_run_instance import RunInstance
from aifactory.domains.app_platform.instance import MAX_LIVE_PER_ALLOCATION, MAX_LOG_BYTES
from aifactory.domains.app_platform.output import Output
from aifactory.domains.app_platform.ports import Look
from aifactory.domains.app_platform.store import instances
from aifactory.domains.provisioning.tests.test_crash_points import Cut, persist
from aifactory.kernel import crash
from aifactory.kernel.flow import check_table, crash_points
from aifactory.kernel.principal import Principal


def test_the_flow_table_is_sound():
    assert check_table(RunInstance) == []


async def test_a_command_runs_and_its_output_and_exit_code_are_kept(factory):
    node = await factory.a_node()
    allocation = await factory.an_active_allocation()
    made = await factory.runs(allocation, parameters={"command": "echo hello; exit 3"}, name="hello")
    assert (made["state"], made["name"], made["app_version"]) == ("starting", "hello", "1.0.0")
    await factory.work()
    assert node.app_orders[0]["command"] == ["/bin/sh", "-c", "echo hello; exit 3"]
    assert node.app_orders[0]["access_key"] == access_key.public(made["id"])
    assert (await factory.instance(made["id"]))["state"] == "running"
    factory.doors.printed[made["id"]] = b"hello\n"
    factory.doors.apps[made["id"]] = Look("exited", exit_code=3)
    factory.pass_seconds(2)
    await factory.work()
    shown = await factory.instance(made["id"])
    assert (shown["state"], shown["exit_code"], shown["failure"]) == ("exited", 3, None)
    logs = (await factory.get(f"/instances/{made['id']}/logs")).json()
    assert logs == {"instance_id": made["id"], "text": "hello\n", "start_offset": 0, "end_offset": 6}
    assert (await factory.get(f"/instances/{made['id']}/logs?since=4")).json()["text"] == "o\n"
    assert await factory.states(made["id"]) == ["starting", "running", "stopping", "exited"]
    assert node.acted[-1] == ("app.stop", made["id"])  # its key was forgotten


async def test_the_door_that_is_asked_shows_the_host_key_that_was_verified(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    await factory.runs(allocation)
    await factory.work()
    ssh = (await factory.allocation(allocation))["access"]["ssh"]
    address = factory.doors.asked[0]
    assert (address.host, address.port, address.host_key) == (ssh["host"], ssh["port"], ssh["host_key"])


async def test_a_stop_ends_it_and_asking_twice_is_asking_once(factory):
    await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation())
    await factory.work()
    factory.doors.printed[made["id"]] = b"last words"
    for _ in range(2):
        assert (await factory.post(f"/instances/{made['id']}/stop", {"reason": "enough"})).status_code == 202
    await factory.work()
    shown = await factory.instance(made["id"])
    assert (shown["state"], shown["stop_reason"], shown["exit_code"]) == ("stopped", "enough", 143)
    assert (await factory.get(f"/instances/{made['id']}/logs")).json()["text"] == "last words"
    assert (await factory.post(f"/instances/{made['id']}/stop", {})).json()["state"] == "stopped"


async def test_a_node_that_cannot_start_it_makes_it_failed_with_the_nodes_reason(factory):
    node = await factory.a_node()
    allocation = await factory.an_active_allocation()
    node.broken["app.start"] = "fail"
    made = await factory.runs(allocation)
    await factory.work()
    shown = await factory.instance(made["id"])
    assert shown["state"] == "failed"
    assert shown["failure"] == {"code": "broken_on_purpose", "detail": "it was told to fail"}


async def test_a_node_that_says_nothing_costs_a_minute_and_the_late_start_is_fenced_out(factory):
    node = await factory.a_node()
    allocation = await factory.an_active_allocation()
    node.broken["app.start"] = "silent"
    made = await factory.runs(allocation)
    await factory.settle_down(64)
    shown = await factory.instance(made["id"])
    assert (shown["state"], shown["failure"]["code"]) == ("failed", "start_timeout")
    assert node.generations[made["id"]] == 2


async def test_stopping_is_not_called_stopped_before_the_node_says_so(factory):
    node = await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation())
    await factory.work()
    node.broken["app.stop"] = "silent"
    await factory.post(f"/instances/{made['id']}/stop", {})
    await factory.settle_down(70)
    assert (await factory.instance(made["id"]))["state"] == "stopping"
    node.broken.clear()
    await factory.settle_down(20)
    assert (await factory.instance(made["id"]))["state"] == "stopped"


async def test_the_end_of_the_allocation_is_the_end_of_its_instances(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    made = await factory.runs(allocation)
    await factory.work()
    await factory.releases(allocation)
    await factory.settle_down(14)
    shown = await factory.instance(made["id"])
    assert shown["state"] == "stopped"
    answer = await factory.post(
        "/instances", {"app": "command", "allocation_id": allocation, "parameters": {"command": "id"}}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "allocation_not_active")


async def test_a_sandbox_that_forgot_the_app_lost_it(factory):
    await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation())
    await factory.work()
    factory.doors.apps[made["id"]] = Look("absent")
    factory.pass_seconds(2)
    await factory.work()
    assert (await factory.instance(made["id"]))["failure"]["code"] == "app_lost"


async def test_a_door_that_does_not_answer_ends_nothing(factory):
    await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation())
    await factory.work()
    factory.doors.apps[made["id"]] = Look(None, "nobody there")
    await factory.settle_down(40)
    assert (await factory.instance(made["id"]))["state"] == "running"


async def test_an_allocation_holds_a_bounded_number_of_instances(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    for _ in range(MAX_LIVE_PER_ALLOCATION):
        await factory.runs(allocation)
    body = {"app": "command", "allocation_id": allocation, "parameters": {"command": "id"}}
    answer = await factory.post("/instances", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_instances")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"parameters": {}}, "invalid_parameter"),
        ({"parameters": {"command": "x" * 8001}}, "invalid_parameter"),
        ({"parameters": {"command": ["x"]}}, "invalid_request"),
        ({"version": "9.9.9"}, "not_found"),
        ({"name": "Not Good"}, "invalid_field"),
        ({"autostop_minutes": 0}, "invalid_request"),
        ({"surprise": 1}, "invalid_request"),
    ],
)
async def test_what_cannot_be_launched_is_refused_now(factory, body, code):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    asked = {"app": "command", "allocation_id": allocation, "parameters": {"command": "id"}} | body
    answer = await factory.post("/instances", asked)
    assert answer.status_code in (404, 422), answer.text
    assert code in (answer.json()["code"], "invalid_request")
    assert (await factory.get("/instances")).json()["items"] == []


async def test_another_tenant_sees_and_does_nothing(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    made = await factory.runs(allocation)
    body = {"app": "command", "allocation_id": allocation, "parameters": {"command": "id"}}
    answers = [await factory.post("/instances", body, factory.other)]
    answers += [await factory.get(f"/instances/{made['id']}{part}", factory.other) for part in ("", "/logs", "/events")]
    answers += [await factory.post(f"/instances/{made['id']}/stop", {}, factory.other)]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await factory.get("/instances", factory.other)).json()["items"] == []


async def a_running_terminal(factory, **wanted):
    await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation(), "terminal", **wanted)
    await factory.work()
    return made["id"]


async def minutes(factory, count, computing=0):
    """Time passes while the app uses so many milliseconds of a CPU each half minute."""
    for _ in range(count * 2):
        factory.pass_seconds(30)
        for name, look in factory.doors.apps.items():
            factory.doors.apps[name] = replace(look, cpu_milliseconds=look.cpu_milliseconds + computing)
        await factory.work()


async def test_a_web_app_runs_once_it_listens(factory):
    node = await factory.a_node()
    allocation = await factory.an_active_allocation()
    made = await factory.runs(allocation, "terminal")
    factory.doors.apps[made["id"]] = Look("running", listens=False)
    await factory.work()
    assert (await factory.instance(made["id"]))["state"] == "verifying"
    factory.doors.apps[made["id"]] = Look("running", listens=True)
    await factory.settle_down(4)
    assert (await factory.instance(made["id"]))["state"] == "running"
    assert node.app_orders[0]["web"] is True
    assert await factory.states(made["id"]) == ["starting", "verifying", "running"]


async def test_a_web_app_that_never_listens_fails_and_says_so(factory):
    await factory.a_node()
    made = await factory.runs(await factory.an_active_allocation(), "terminal")
    factory.doors.apps[made["id"]] = Look("running", listens=False)
    await factory.settle_down(130)
    shown = await factory.instance(made["id"])
    assert (shown["state"], shown["failure"]["code"]) == ("failed", "does_not_listen")


async def test_an_idle_web_app_is_stopped_by_the_control_planes_clock(factory):
    instance_id = await a_running_terminal(factory, autostop_minutes=5)
    await minutes(factory, 4)
    assert (await factory.instance(instance_id))["state"] == "running"
    await minutes(factory, 2)
    shown = await factory.instance(instance_id)
    assert (shown["state"], shown["stop_reason"]) == ("stopped", "idle")
    assert "nobody used it for 5 minutes" in (await factory.get(f"/instances/{instance_id}/events")).text


async def test_an_app_that_computes_or_is_visited_is_not_idle(factory):
    instance_id = await a_running_terminal(factory, autostop_minutes=5)
    await minutes(factory, 12, computing=3_000)
    assert (await factory.instance(instance_id))["state"] == "running"
    for _ in range(4):
        await minutes(factory, 3)
        async with factory.database.tx("worker", Principal.service("test"), factory.demo) as tx:
            await instances.touch(tx, instance_id)
    assert (await factory.instance(instance_id))["state"] == "running"
    await minutes(factory, 6)
    assert (await factory.instance(instance_id))["state"] == "stopped"


async def test_a_batch_app_is_never_idle_and_an_apps_own_idle_time_holds_when_none_is_chosen(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    assert (await factory.runs(allocation, autostop_minutes=5))["autostop_minutes"] is None
    assert (await factory.runs(allocation, "terminal"))["autostop_minutes"] == 60


async def test_only_a_running_web_app_opens_and_only_for_a_sign_in(factory):
    await factory.a_node()
    allocation = await factory.an_active_allocation()
    batch, web = await factory.runs(allocation), await factory.runs(allocation, "terminal")
    early = await factory.post(f"/instances/{web['id']}/open", {})
    assert early.json()["code"] == "instance_not_running"
    await factory.work()
    assert (await factory.post(f"/instances/{batch['id']}/open", {})).json()["code"] == "not_a_web_app"
    assert (await factory.post(f"/instances/{web['id']}/open", {})).json()["code"] == "sign_in_needed"
    assert (await factory.post(f"/instances/{web['id']}/open", {}, factory.other)).status_code == 404


def test_output_is_put_together_without_doubling_or_growing_for_ever():
    first = Output(b"abcdef", 0)
    assert first.then(Output(b"efgh", 4)) == Output(b"abcdefgh", 0)
    assert first.then(Output(b"cd", 2)) == first
    assert first.then(Output(b"xyz", 10)) == Output(b"xyz", 10)
    grown = first.then(Output(b"x" * MAX_LOG_BYTES, 6))
    assert (grown.start, grown.end, len(grown.data)) == (6, 6 + MAX_LOG_BYTES, MAX_LOG_BYTES)


POINTS = crash_points([RunInstance])


@pytest.mark.parametrize("point", POINTS)
async def test_a_power_cut_changes_nothing_about_the_outcome(factory, monkeypatch, point):
    node = await factory.a_node()
    allocation = await factory.an_active_allocation()
    cut = Cut(point)
    monkeypatch.setattr(crash, "reach", cut)
    made = await factory.runs(allocation, "terminal" if ":verifying:" in point else "command")
    await persist(factory, 12)
    factory.doors.printed[made["id"]] = b"done\n"
    factory.doors.apps[made["id"]] = replace(factory.doors.apps[made["id"]], state="exited", exit_code=0)
    await persist(factory, 30)
    assert cut.hits == 1, "no worker ever came to this point"
    shown = await factory.instance(made["id"])
    assert (shown["state"], shown["exit_code"]) == ("exited", 0)
    assert [verb for verb, _ in node.acted].count("app.start") == 1
    assert (await factory.get(f"/instances/{made['id']}/logs")).json()["text"] == "done\n"
