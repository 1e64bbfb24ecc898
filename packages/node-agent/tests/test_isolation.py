"""What a tenant cannot reach from inside: the platform's files, ports, other tenants, the door's own sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import socket
import threading
from pathlib import Path

import pytest

from aifactory_agent.host import cgroups, processes
from aifactory_agent.sandboxes import choose
from aifactory_agent.sandboxes.ports import Capabilities

GRAB = """
import ctypes, os, sys
door = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
tries = {}
tries['ptrace'] = libc.ptrace(16, door, 0, 0), ctypes.get_errno()
pidfd = os.pidfd_open(door)
tries['pidfd_getfd'] = [libc.syscall(438, pidfd, number, 0) for number in range(3, 32)]
for place in ('fd', 'mem', 'environ', 'maps'):
    try:
        os.listdir(f'/proc/{door}/{place}') if place == 'fd' else open(f'/proc/{door}/{place}', 'rb').read(1)
        tries[place] = 'open'
    except OSError as error:
        tries[place] = error.strerror
got = tries['ptrace'][0] == 0 or any(found >= 0 for found in tries['pidfd_getfd']) or 'open' in tries.values()
print('GRABBED' if got else 'safe', tries)
"""


@pytest.fixture
def secret_port():
    """Something internal that listens on the host's loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


async def test_the_hosts_loopback_ports_are_out_of_reach(tenant, home, secret_port):
    with socket.create_connection(("127.0.0.1", secret_port)):
        pass
    for port in (secret_port, home.port):
        done = await tenant.run(home, f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED")
        assert "REACHED" not in done.stdout and "refused" in done.stderr
    interfaces = await tenant.run(home, "cut -d: -f1 /proc/net/dev | tail -n +3")
    assert interfaces.stdout.split() == ["lo"]


async def test_the_door_gives_none_of_its_sockets_away(tenant, home):
    door = (await tenant.run(home, "pgrep -o -x python3.11 || pgrep -o python3")).stdout.strip()
    done = await tenant.run(home, f"python3 - {door}", input=GRAB)
    assert "aifactory_agent.door" in (await tenant.run(home, f"cat /proc/{door}/cmdline")).stdout
    assert done.stdout.startswith("safe"), done.stdout + done.stderr
    descriptors = (await tenant.run(home, "readlink /proc/self/fd/* /proc/1/fd/*")).stdout
    assert "socket:" not in descriptors


async def test_the_platforms_files_are_invisible(tenant, home, landlord):
    state = landlord.node.settings.state_dir
    (state / "key.pem").write_text("the node's key")
    places = [
        state / "key.pem",
        state,
        landlord.node.settings.sandbox_root,
        "/root",
        "/etc/shadow",
        Path.cwd(),
        "/var/lib",
        "/sys/class",
    ]
    for place in places:
        done = await tenant.run(home, f"ls -d {place}")
        assert done.exit_status != 0, f"{place} is visible"
    search = await tenant.run(home, "find / -xdev -name key.pem 2>/dev/null; ls /proc | grep -c '^[0-9]'")
    assert "key.pem" not in search.stdout
    assert int(search.stdout.split()[-1]) < 30


async def test_another_sandboxs_home_and_processes_are_invisible(tenant, home, landlord):
    other = landlord.start("alloc_other", slot_index=1)
    try:
        await tenant.run(
            other, "echo private > ~/diary; chmod 777 ~ ~/diary; mkfifo /tmp/pipe; (sleep 4321 > /dev/null 2>&1 &)"
        )
        seen = await tenant.run(
            home, "cat /home/tenant/diary; ls /tmp/pipe; pgrep -f 'sleep 432[1]'; find / -name diary 2>/dev/null"
        )
        assert seen.stdout.strip() == ""
        assert (await tenant.run(other, "id -u; pgrep -f 'sleep 432[1]'")).exit_status == 0
        assert other.uid != home.uid
        reached = await tenant.run(home, f"exec 3<>/dev/tcp/127.0.0.1/{other.port} && echo REACHED")
        assert "REACHED" not in reached.stdout
    finally:
        landlord.stop("alloc_other")


async def test_a_tenant_is_never_root_and_cannot_become_it(tenant, home):
    done = await tenant.run(home, "id -un; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status")
    lines = dict(line.split(":\t") for line in done.stdout.splitlines()[1:])
    assert done.stdout.splitlines()[0] == "tenant"
    assert lines == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    for attempt in ("unshare -U true", "mount -t tmpfs x /tmp", "su -c id", "touch /usr/x", "mknod /tmp/d b 7 0"):
        assert (await tenant.run(home, attempt)).exit_status != 0, attempt


async def test_every_process_of_a_tenant_is_the_slots_user_on_the_host(tenant, home):
    async with tenant.connect(home) as connection:
        await connection.create_process("exec sleep 4711")
        await asyncio.sleep(0.3)
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in cgroups.members(home.cgroups)}
        tenants = [pid for pid, command in commands.items() if b"4711" in command or b"python3.11\0-S" in command]
        assert len(tenants) >= 2
        for pid in tenants:
            if not commands[pid].startswith((b"podman", b"/usr/bin/conmon")):
                assert set(processes.users(pid)) == {home.uid}


def test_the_agents_key_is_closed_to_the_slots_users(landlord, home):
    state = landlord.node.settings.state_dir
    assert state.stat().st_mode & 0o777 == 0o700
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(home.uid, home.uid, home.uid)
        os.setresuid(home.uid, home.uid, home.uid)
        with contextlib.suppress(PermissionError):
            list(state.iterdir())
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_every_driver_says_plainly_what_it_does_not_do():
    nothing = Capabilities(frozenset(), scratch_limited=False, separate_users=False)
    for name in choose.ORDER:
        label = choose.named(name, Path("/nowhere")).isolation(nothing)
        assert label.not_isolated and not label.limits
        assert {text.split(":")[0] for text in label.not_limited} >= {"cpu", "memory", "pids", "disk"}
    plain = choose.named("process", Path("/nowhere")).isolation(nothing)
    assert plain.isolates == []
    assert {text.split(":")[0] for text in plain.not_isolated} >= {"processes", "files", "network", "user"}
