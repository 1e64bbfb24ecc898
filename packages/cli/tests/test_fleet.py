"""Operators take nodes out of service and back, and switch faults of the simulated fleet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

NODE = {
    "id": "node_" + "a" * 26, "name": "demo-h100-01", "region_id": "demo", "simulated": True, "state": "ready", "generation": 7,
    "service": "in_service", "drain": None, "conditions": [], "agent_version": "sim", "last_seen_at": None,
    "slots": {"total": 8, "occupied": 2, "available": 6, "quarantined": 0},
    "inventory": {"gpus": [{"vendor": "NVIDIA", "model": "H100", "uuid": f"SIMULATED-{n}", "memory_bytes": 1} for n in range(8)]},
}  # fmt: skip
PATH = f"/admin/nodes/{NODE['id']}"


@pytest.fixture
def fleet(host: Any, answers: Any) -> Any:
    host.on("GET", "/admin/nodes", answers.Answer({"items": [NODE], "next_cursor": None}))
    host.on("GET", PATH, answers.Answer(NODE))
    return host


def test_a_list_of_nodes_marks_what_is_simulated_and_names_its_silicon(aif: Any, fleet: Any) -> None:
    ran = aif("admin", "nodes", "list", "--silicon", "H100", "--simulated")
    assert "demo (simulated)" in ran.out and "8 x NVIDIA H100" in ran.out
    assert (fleet.asked[-1].query["silicon"], fleet.asked[-1].query["simulated"]) == (["H100"], ["true"])


def test_a_drain_names_what_was_read_and_when_it_ends(aif: Any, fleet: Any, answers: Any) -> None:
    drained = NODE | {"drain": {"deadline_at": "2030-01-01T00:00:00Z", "reason": "new firmware"}}
    fleet.on("POST", f"{PATH}/drain", answers.Answer(drained, 202))
    ran = aif("admin", "nodes", "drain", "demo-h100-01", "--within", "2h", "--reason", "new firmware")
    asked = fleet.asked[-1]
    said = json.loads(asked.body) if isinstance(asked.body, str) else asked.body
    assert (ran.code, asked.headers["if-match"], said["reason"]) == (0, 'W/"7"', "new firmware")
    wanted = datetime.now(UTC) + timedelta(hours=2)
    assert abs(datetime.fromisoformat(said["deadline_at"]) - wanted) < timedelta(minutes=5)
    assert "2 allocations may stay" in ran.out + ran.err


def test_a_drain_that_meets_another_change_is_refused_and_says_what_to_do(aif: Any, fleet: Any, answers: Any) -> None:
    fleet.on(
        "POST", f"{PATH}/resume", answers.problem(412, "stale_etag", "The resource has changed", todo="Read it again.")
    )
    ran = aif("admin", "nodes", "resume", "demo-h100-01")
    assert ran.code != 0 and "stale_etag" in ran.err and "Read it again." in ran.err


@pytest.mark.parametrize("words", [("nodes",), ("faults", "demo-h100-01", "set", "slow")])
def test_without_a_simulated_fleet_it_says_how_to_get_one(
    aif: Any, host: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ran = aif("admin", "sim", *words, "--data-dir", str(tmp_path))
    assert ran.code != 0 and "no_simulated_fleet" in ran.err and "aif up --demo" in ran.err


def test_a_fault_without_a_name_is_not_guessed(aif: Any, host: Any, tmp_path: Path) -> None:
    assert "Which fault?" in aif("admin", "sim", "faults", "demo-h100-01", "set", "--data-dir", str(tmp_path)).err


def test_a_fault_goes_to_the_simulators_own_socket_with_its_token(aif: Any, host: Any, tmp_path: Path) -> None:
    asked: list[tuple[str, str, str, bytes]] = []

    class Socket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.command, self.path, self.headers["Authorization"], body))
            told = {"name": "demo-h100-01", "hardware": "simulated", "sandboxes": 0}
            data = json.dumps(told | {"faults": [{"fault": "slow", "seconds": 5, "means": "slow"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Socket)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    (tmp_path / "sim").mkdir()
    address = {"url": f"http://127.0.0.1:{server.server_port}", "token": "secret"}
    (tmp_path / "sim" / "control.json").write_text(json.dumps(address))
    ran = aif("admin", "sim", "faults", "demo-h100-01", "set", "slow", "--seconds", "5", "--data-dir", str(tmp_path))
    server.shutdown()
    assert (ran.code, "slow (5 s)" in ran.out, host.asked) == (0, True, [])
    assert asked == [("PUT", "/nodes/demo-h100-01/faults/slow", "Bearer secret", b'{"seconds":5.0}')]
