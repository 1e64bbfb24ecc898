"""An installation that runs: its one line, what it shows, what survives, and that nothing is left when it stops."""

import os
import re
import signal
from pathlib import Path

import pytest
from installation import Installation, eventually

pytestmark = pytest.mark.xdist_group("startup")


def test_up_says_one_line_and_serves(empty_installation: Installation) -> None:
    started = empty_installation.up()
    assert started.returncode == 0, started.stderr
    here = r"http://127\.0\.0\.1"
    line = rf"ready in \d+\.\d s  portal {here}:{empty_installation.port}  gateway {here}:\d+/v1\n"
    assert re.fullmatch(line, started.stdout)
    assert empty_installation.answers("/readyz") == 200
    assert empty_installation.answers("/healthz") == 200


def test_down_leaves_no_process_and_the_next_up_finds_its_data(installation: Installation) -> None:
    assert installation.up().returncode == 0
    identity = (installation.data_dir / "postgres/cluster/global/pg_control").stat().st_ino
    secrets = {path.name: path.read_bytes() for path in (installation.data_dir / "secrets").iterdir()}
    stopped = installation.command("down")
    assert (stopped.returncode, stopped.stdout[:7]) == (0, "stopped")
    assert installation.processes() == []
    assert installation.up().returncode == 0
    assert (installation.data_dir / "postgres/cluster/global/pg_control").stat().st_ino == identity
    assert {path.name: path.read_bytes() for path in (installation.data_dir / "secrets").iterdir()} == secrets
    assert "enrol" not in installation.log("agent")


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_up_works(installation: Installation) -> None:
    assert installation.up().returncode == 0
    os.kill(installation.facts["pid"], signal.SIGKILL)
    assert eventually(lambda: not installation.processes()), installation.processes()
    again = installation.up()
    assert again.returncode == 0, again.stderr


def test_up_straight_after_a_kill_waits_for_the_last_of_the_old_processes(installation: Installation) -> None:
    assert installation.up().returncode == 0
    os.kill(installation.facts["pid"], signal.SIGKILL)
    again = installation.up()
    assert again.returncode == 0, again.stderr


def test_a_second_up_says_who_runs_already(running_installation: Installation) -> None:
    second = running_installation.up()
    assert second.returncode == 21
    assert f"already running  portal http://127.0.0.1:{running_installation.port}" in second.stderr


def test_status_shows_every_process(running_installation: Installation) -> None:
    shown = running_installation.command("status")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"ready  portal http://127.0.0.1:{running_installation.port}")
    for name in ("supervisor", "postgres", "nats", "api", "worker", "agent", "gateway"):
        assert re.search(rf"^{name} +\d+ +\d+ s +\d+ MB +0$", shown.stdout, re.M), shown.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="without root all services are the caller's")
def test_each_service_has_a_user_of_its_own_and_none_reads_the_keys_of_another(
    running_installation: Installation,
) -> None:
    names = ("postgres", "nats", "api", "worker", "app-proxy", "gateway")
    users = {name: Path(f"/proc/{running_installation.pid(name)}").stat().st_uid for name in names}
    assert len({0, *users.values()}) == 7
    secrets = running_installation.data_dir / "secrets"
    read = {file.name for file in secrets.iterdir() if file.stat().st_uid == users["app-proxy"]}
    assert read == {"app_access_proxy.key"}, "the proxy needs one key, and reads no other"
    others = {file.name for file in secrets.iterdir() if file.is_file() and file.stat().st_mode & 0o077}
    assert all(name.endswith((".pub", ".pem")) for name in others), others
    audit_key = (running_installation.data_dir / "secrets/audit_signing.key").stat()
    assert (audit_key.st_uid, audit_key.st_mode & 0o777) == (users["worker"], 0o600)
    assert (running_installation.data_dir / "passwords").stat().st_mode & 0o777 == 0o700


def test_nothing_but_the_two_listeners_and_the_broker_has_a_port_and_all_are_on_loopback(
    running_installation: Installation,
) -> None:
    listening = {
        name: _listening(running_installation.pid(name)) for name in ("postgres", "nats", "api", "worker", "agent")
    }
    assert listening["postgres"] == listening["worker"] == listening["agent"] == []
    assert sorted(listening["api"]) == sorted(
        [("127.0.0.1", running_installation.port), ("127.0.0.1", running_installation.agent_port)]
    )
    assert [address for address, _ in listening["nats"]] == ["127.0.0.1"]


def test_the_object_store_comes_after_the_rest_under_a_user_of_its_own_and_on_loopback_only(
    running_installation: Installation,
) -> None:
    def objects() -> int | None:
        found = [p["pid"] for p in running_installation.facts["processes"] if p["name"] == "objects"]
        return found[0] if found else None

    assert eventually(lambda: objects() and _listening(objects()))
    pid = objects()
    assert {address for address, _ in _listening(pid)} == {"127.0.0.1"}
    data = running_installation.data_dir / "objects"
    assert data.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        users = {running_installation.pid(name) for name in ("postgres", "nats", "api", "worker", "app-proxy")}
        assert Path(f"/proc/{pid}").stat().st_uid not in {0, *(Path(f"/proc/{one}").stat().st_uid for one in users)}
        assert data.stat().st_uid == Path(f"/proc/{pid}").stat().st_uid


def _listening(pid: int) -> list[tuple[str, int]]:
    import psutil

    found = psutil.Process(pid).net_connections("tcp")
    return [(c.laddr.ip, c.laddr.port) for c in found if c.status == "LISTEN"]


def test_a_crashed_database_is_started_again_and_the_api_finds_it(installation: Installation) -> None:
    assert installation.up().returncode == 0
    before = installation.pid("postgres")
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: installation.pid("postgres") not in (before, None))
    assert eventually(lambda: installation.answers() == 200), installation.log("postgres")
    assert installation.command("status").stdout.count(" 1\n") == 1


def test_a_crash_loop_ends_with_the_name_and_the_last_lines(installation: Installation) -> None:
    assert installation.up().returncode == 0
    killed: set[int] = set()

    def kill_the_worker() -> bool:
        if not (installation.data_dir / "instance.json").exists():
            return True
        pid = installation.pid("worker")
        if pid and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        return False

    assert eventually(kill_the_worker, 60)
    assert eventually(lambda: not installation.processes())
    words = installation.log("supervisor")
    assert "worker ended 6 times within 60 s (last: signal 9)" in words
    assert "worker.log" in words
    assert "Traceback" not in words
