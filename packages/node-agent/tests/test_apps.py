"""Apps inside real sandboxes: started by the agent through the door, as the tenant, and seen by their own key alone."""

from __future__ import annotations

import asyncio
import json
import time

import asyncssh
import pytest

from aifactory_agent import verbs
from aifactory_protocol import AppStart, AppStop

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode().strip()


def an_app(instance_id, *command, **wanted):
    return AppStart(instance_id, "alloc_home", list(command), access_key=PUBLIC, **wanted)


def connect(record, user="app", key=KEY):
    host = asyncssh.import_public_key(record.host_key)
    return asyncssh.connect(
        "127.0.0.1", record.port, username=user, client_keys=[key], known_hosts=([host], [], []), config=None, agent_path=None
    )  # fmt: skip


async def look(record, offset=0):
    async with connect(record) as connection:
        done = await connection.run(f"look {offset}", encoding=None)
        line, _, output = done.stdout.partition(b"\n")
        return json.loads(line), output


def start(landlord, app):
    return verbs.carry_out(landlord.node, app, 1).output


def stop(landlord, instance_id):
    return verbs.carry_out(landlord.node, AppStop(instance_id, "alloc_home"), 2).output


async def ended(record):
    for _ in range(200):
        status, output = await look(record)
        if status["state"] == "exited":
            return status, output
        await asyncio.sleep(0.05)
    pytest.fail("the app does not end")


def call(landlord, app):
    return asyncio.to_thread(start, landlord, app)


async def test_a_command_runs_as_the_tenant_and_its_output_and_exit_code_are_seen(landlord, home, tenant):
    await call(landlord, an_app("inst_one", "/bin/sh", "-c", "id -un; pwd; echo oops >&2; exit 7"))
    status, output = await ended(home)
    assert (status["exit_code"], status["signal"]) == (7, None)
    assert output.splitlines() == [b"tenant", b"/home/tenant", b"oops"]
    told = await asyncio.to_thread(stop, landlord, "inst_one")
    assert (told["state"], told["exit_code"], told["stopped"]) == ("exited", 7, False)
    assert told["tail"].endswith("oops\n")


async def test_what_is_stopped_ends_with_everything_it_started(landlord, home, tenant):
    script = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 4243' &) ; echo up; sleep 4243"
    await call(landlord, an_app("inst_two", "/bin/sh", "-c", script))
    told = await asyncio.to_thread(stop, landlord, "inst_two")
    assert told["stopped"] is True and told["exit_code"] == 137
    done = await tenant.run(home, "pgrep -fc 'sleep 424[3]'")
    assert done.stdout.strip() == "0"
    with pytest.raises(asyncssh.PermissionDenied):
        await look(home)  # its key was forgotten


async def test_a_program_that_listens_to_sigterm_may_end_in_order(landlord, home):
    script = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    await call(landlord, an_app("inst_polite", "/bin/sh", "-c", script))
    while b"up" not in (await look(home))[1]:
        await asyncio.sleep(0.05)
    told = await asyncio.to_thread(stop, landlord, "inst_polite")
    assert (told["exit_code"], told["stopped"]) == (5, True) and told["tail"].endswith("bye\n")


async def test_starting_twice_is_starting_once(landlord, home, tenant):
    app = an_app("inst_three", "/bin/sh", "-c", "echo once >> ~/starts; sleep 60")
    await call(landlord, app)
    await call(landlord, app)
    done = await tenant.run(home, "cat starts")
    assert done.stdout == "once\n"
    await asyncio.to_thread(stop, landlord, "inst_three")


async def test_much_output_is_kept_up_to_a_bound_and_offsets_go_on(landlord, home):
    await call(landlord, an_app("inst_four", "/bin/sh", "-c", "seq 1 400000; echo last"))
    status, _ = await ended(home)
    assert status["output_end"] > 2_000_000
    status, output = await look(home, 0)
    assert 512 * 1024 <= len(output) <= 1024 * 1024 and output.endswith(b"400000\nlast\n")
    _, rest = await look(home, status["output_end"] - 5)
    assert rest == b"last\n"
    await asyncio.to_thread(stop, landlord, "inst_four")


async def test_a_program_the_node_does_not_have_is_refused_with_what_to_do(landlord, home):
    app = an_app("inst_five", "/opt/none/run", programs=["/opt/none/run"], how_to_get="Ask the operator.")
    with pytest.raises(verbs.Failed) as failed:
        await call(landlord, app)
    assert failed.value.code == "app_not_installed"
    assert "/opt/none/run" in failed.value.detail and "Ask the operator." in failed.value.detail


async def test_an_apps_key_opens_no_shell_no_files_and_no_other_socket(landlord, home, tenant):
    await call(landlord, an_app("inst_six", "/bin/sleep", "60"))
    async with connect(home) as connection:
        for command in ("id", "stop", "start", "look", "look x", "look 0; id", None):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.run(command)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("look 0", term_type="xterm")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()
        for path in ("/etc/passwd", "web.sock", "/home/tenant/.aifactory/apps/inst_six/web.sock"):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection(path)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 22)
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(home, user="tenant")
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(home, key=tenant.key)
    await asyncio.to_thread(stop, landlord, "inst_six")


async def test_its_key_reaches_the_apps_own_socket(landlord, home):
    server = (
        "import socket,sys\ns=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "sum(range(2_000_000))\nwhile True:\n c,_=s.accept(); d=c.recv(100)\n if d: c.sendall(d.upper())\n c.close()"
    )
    await call(landlord, an_app("inst_seven", "/usr/bin/python3", "-c", server, "\ue000socket\ue001", web=True))
    ends = time.monotonic() + 20
    while not (await look(home))[0].get("listens"):
        assert time.monotonic() < ends, "it does not listen"
        await asyncio.sleep(0.05)
    async with connect(home) as connection:
        reader, writer = await connection.open_unix_connection("web", encoding=None)
        writer.write(b"through the door")
        assert await reader.read() == b"THROUGH THE DOOR"
    status, _ = await look(home)
    assert status["cpu_milliseconds"] > 0
    await asyncio.to_thread(stop, landlord, "inst_seven")


async def test_stopping_what_never_was_is_done(landlord, home):
    assert (await asyncio.to_thread(stop, landlord, "inst_never"))["state"] == "absent"
    told = verbs.carry_out(landlord.node, AppStop("inst_never", "alloc_gone"), 1).output
    assert told == {"state": "absent"}
