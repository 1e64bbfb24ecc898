"""The control socket does nothing without its token, and says what it does not understand."""

import json

import httpx
import pytest

from aifactory_sim.control import ADDRESS_FILE, Control
from aifactory_sim.faults import Fault
from aifactory_sim.fleet import machines
from aifactory_sim.node import Node

NAME = machines()[0].name


@pytest.fixture
async def node(tmp_path):
    made = Node(machines()[0], tmp_path / NAME, "https://127.0.0.1:1")
    control = await Control.start({NAME: made}, tmp_path)
    yield made
    await control.stop()


@pytest.fixture
async def http(node, tmp_path):
    address = json.loads((tmp_path / ADDRESS_FILE).read_text())
    head = {"Authorization": f"Bearer {address['token']}"}
    async with httpx.AsyncClient(base_url=address["url"], headers=head, trust_env=False) as client:
        yield client


def test_only_the_simulators_own_user_can_read_where_it_is(node, tmp_path):
    assert (tmp_path / ADDRESS_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_fault_is_switched_on_and_off(node, http):
    on = await http.put(f"/nodes/{NAME}/faults/slow", json={"seconds": 5})
    assert (on.status_code, on.json()["faults"][0]["fault"]) == (200, "slow")
    assert node.memory.faults[Fault.SLOW].seconds == 5
    assert (await http.get("/nodes")).json()["items"][0]["simulated"] is True
    off = await http.delete(f"/nodes/{NAME}/faults")
    assert (off.status_code, off.json()["faults"], node.memory.faults) == (200, [], {})


async def test_nobody_comes_in_without_the_token(node, http):
    for said in ("", "Bearer", "Bearer wrong"):
        answer = await http.put(f"/nodes/{NAME}/faults/slow", headers={"Authorization": said})
        assert answer.status_code == 401
    assert node.memory.faults == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", f"/nodes/{NAME}/faults/tired", b"{}", "unknown_fault"),
        ("PUT", f"/nodes/{NAME}/faults/slow", b"{", "invalid_body"),
        ("PUT", f"/nodes/{NAME}/faults/slow", b'{"hours": 1}', "invalid_body"),
        ("PUT", f"/nodes/{NAME}/faults/slow", b'{"seconds": -1}', "out_of_range"),
        ("PUT", "/nodes/nobody/faults/slow", b"", "not_found"),
        ("GET", "/", b"", "not_found"),
    ],
)
async def test_what_it_does_not_understand_is_refused_with_a_reason(node, http, method, path, body, code):
    answer = await http.request(method, path, content=body)
    assert answer.json()["code"] == code and answer.headers["content-type"] == "application/problem+json"
    assert node.memory.faults == {}
