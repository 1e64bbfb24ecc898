"""What a tenant's ssh finds: by asyncssh and by the real ssh, scp and sftp programs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil

import asyncssh
import pytest

from conftest import cannot


@pytest.fixture(autouse=True)
def _ssh_is_here():
    if shutil.which("ssh") is None:
        cannot("ssh is not installed (apt install openssh-client)")


async def test_a_command_runs_and_its_exit_code_comes_back(tenant, home):
    done = await tenant.run(home, "id -un; echo to-stderr >&2; exit 7")
    assert (done.stdout, done.stderr, done.exit_status) == ("tenant\n", "to-stderr\n", 7)


async def test_death_by_signal_is_told_as_such(tenant, home):
    done = await tenant.run(home, "kill -TERM $$")
    assert done.exit_signal is not None and done.exit_signal[0] == "TERM"


async def test_end_of_input_reaches_the_program(tenant, home):
    done = await tenant.run(home, "wc -c", input="12345")
    assert done.stdout.strip() == "5"


async def test_a_signal_of_the_client_reaches_the_program(tenant, home):
    async with tenant.connect(home) as connection:
        process = await connection.create_process(
            "trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done"
        )
        assert await process.stdout.readline() == "ready\n"
        process.send_signal("USR1")
        done = await process.wait()
    assert (done.stdout, done.exit_status) == ("caught\n", 3)


async def test_a_terminal_has_the_clients_size_and_follows_its_changes(tenant, home):
    async with tenant.connect(home) as connection:
        script = "trap 'stty size; exit 4' WINCH; stty size; tty; echo $TERM; echo go; while :; do sleep 0.05; done"
        process = await connection.create_process(script, term_type="xterm", term_size=(101, 41))
        seen = await process.stdout.readuntil("go\r\n")
        assert "41 101" in seen and "/dev/pts/" in seen and "xterm" in seen
        process.change_terminal_size(80, 25)
        done = await process.wait()
    assert "25 80" in done.stdout
    assert done.exit_status == 4


async def test_control_c_interrupts_and_control_d_ends_the_shell(tenant, home):
    async with tenant.connect(home) as connection:
        process = await connection.create_process(term_type="xterm")
        # What was typed is echoed before the shell reads it: only its own answer says that it is there.
        process.stdin.write("echo sleep''ing; sleep 60; echo code=$?\n")
        await process.stdout.readuntil("sleeping\r\n")
        answer = asyncio.ensure_future(process.stdout.readuntil("alive=42"))
        async with asyncio.timeout(20):  # the sleep alone takes 60
            while not answer.done():  # between two programs there is nobody yet whom Ctrl-C could interrupt
                process.stdin.write("\x03")
                await asyncio.sleep(0.2)
                process.stdin.write("echo alive=$((40+2))\n")
                await asyncio.wait({answer}, timeout=0.5)
        assert "alive=42" in answer.result()
        end = asyncio.ensure_future(process.wait())
        async with asyncio.timeout(20):
            while not end.done():  # on a line that is not empty Ctrl-D ends nothing
                process.stdin.write("\n\x04")
                await asyncio.wait({end}, timeout=0.5)
        assert end.result().exit_status is not None


async def test_when_the_client_goes_the_terminals_programs_go_too(tenant, home):
    async with tenant.connect(home) as connection:
        process = await connection.create_process("echo $$; exec sleep 4242", term_type="xterm")
        await process.stdout.readline()
    done = await tenant.run(
        home, "for i in $(seq 50); do pgrep -f 'sleep 424[2]' || break; sleep 0.1; done; pgrep -fc 'sleep 424[2]'"
    )
    assert done.stdout.strip().splitlines()[-1] == "0"


async def test_orphans_are_reaped(tenant, home):
    await tenant.run(home, "for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; sleep 0.3")
    done = await tenant.run(home, "ps -eo stat= | grep -c '^Z'")
    assert done.stdout.strip() == "0"


async def test_five_megabytes_come_down_unharmed(tenant, home):
    await tenant.run(home, "head -c 5242880 /dev/urandom > big", check=True)
    async with tenant.connect(home) as connection:
        down = await connection.run("cat big; sha256sum big >&2", encoding=None)
    assert len(down.stdout) == 5_242_880
    assert hashlib.sha256(down.stdout).hexdigest() == down.stderr.split()[0].decode()


async def test_sftp_brings_a_file_there_and_back(tenant, home, tmp_path):
    data = os.urandom(1_000_003)
    (tmp_path / "up").write_bytes(data)
    async with tenant.connect(home) as connection, connection.start_sftp_client() as sftp:
        await sftp.put(tmp_path / "up", "by-sftp")
        await sftp.get("by-sftp", tmp_path / "down")
        assert await sftp.getcwd() == "/home/tenant"
    assert (tmp_path / "down").read_bytes() == data


def test_the_real_ssh_knows_the_pinned_host_key_and_returns_exit_codes(tenant, home):
    done = tenant.ssh(home, "tenant@127.0.0.1", "cat; exit 9", input=b"through ssh")
    assert (done.returncode, done.stdout) == (9, b"through ssh")
    assert tenant.ssh(home, "tenant@127.0.0.1", "kill -9 $$").returncode == 255


def test_the_real_ssh_gets_a_terminal_and_a_big_download(tenant, home):
    assert b"/dev/pts/" in tenant.ssh(home, "-tt", "tenant@127.0.0.1", "tty").stdout
    down = tenant.ssh(home, "tenant@127.0.0.1", "head -c 5242880 /dev/zero")
    assert down.stdout == bytes(5_242_880)


@pytest.mark.parametrize("legacy", [[], ["-O"]], ids=["sftp", "legacy"])
def test_the_real_scp_copies_both_ways(tenant, home, tmp_path, legacy):
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    up = tenant.ssh(home, *legacy, str(tmp_path / "a"), "tenant@127.0.0.1:copied", program="scp")
    assert up.returncode == 0, up.stderr
    down = tenant.ssh(home, *legacy, "tenant@127.0.0.1:copied", str(tmp_path / "b"), program="scp")
    assert down.returncode == 0, down.stderr
    assert (tmp_path / "b").read_bytes() == b"x" * 100_000


async def test_another_key_another_user_or_a_password_do_not_open(tenant, home):
    host = asyncssh.import_public_key(home.host_key)
    trust = {"known_hosts": ([host], [], []), "config": None, "agent_path": None}
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    for wishes in (
        {"username": "tenant", "client_keys": [stranger]},
        {"username": "root", "client_keys": [tenant.key]},
        {"username": "tenant", "client_keys": None, "password": "tenant"},
    ):
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect("127.0.0.1", home.port, **trust, **wishes)


async def test_nothing_is_forwarded(tenant, home):
    async with tenant.connect(home) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 22)
        done = await connection.run("echo ${SSH_AUTH_SOCK:-none} ${DISPLAY:-none}")
    assert done.stdout == "none none\n"


async def test_too_many_keys_end_the_connection_and_too_many_sessions_are_refused(tenant, home):
    host = asyncssh.import_public_key(home.host_key)
    strangers = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(20)]
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.DisconnectError)):
        await asyncssh.connect(
            "127.0.0.1", home.port, username="tenant", client_keys=[*strangers, tenant.key],
            known_hosts=([host], [], []), config=None, agent_path=None,
        )  # fmt: skip
    async with tenant.connect(home) as connection:
        for _ in range(16):
            await connection.create_process("sleep 30")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("true")


async def test_the_clients_environment_is_not_believed(tenant, home):
    done = await tenant.run(
        home, "echo $LC_TEST $LD_PRELOAD $PYTHONPATH", env={"LC_TEST": "yes", "LD_PRELOAD": "/x", "PYTHONPATH": "/x"}
    )
    assert done.stdout.strip() == "yes"
