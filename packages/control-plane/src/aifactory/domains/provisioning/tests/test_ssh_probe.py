"""The access probe against real sockets: it sees the key, or says why not, and never hangs or raises."""

import asyncio

import asyncssh
import pytest

from aifactory.domains.provisioning.adapters.ssh_probe import SshProbe
from aifactory.domains.provisioning.allocation import same_host_key


async def listening(handler):
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def test_it_sees_the_key_that_the_server_has():
    key = asyncssh.generate_private_key("ssh-ed25519", comment="door")
    async with asyncssh.listen("127.0.0.1", 0, server_host_keys=[key]) as server:
        seen = await SshProbe().look("127.0.0.1", server.get_port())
    assert seen.host_key is not None
    assert same_host_key(key.export_public_key().decode(), seen.host_key)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert not same_host_key(other, seen.host_key)


async def silent(reader, writer):
    await asyncio.sleep(30)


async def rude(reader, writer):
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100_000)
    writer.close()


async def closing(reader, writer):
    writer.close()


@pytest.mark.parametrize("handler", [silent, rude, closing])
async def test_a_door_that_is_not_ssh_is_only_not_seen(handler):
    server, port = await listening(handler)
    seen = await asyncio.wait_for(SshProbe(timeout_seconds=0.3).look("127.0.0.1", port), 3)
    server.close()
    assert seen.host_key is None and str(port) in seen.why


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_a_closed_door_is_only_not_seen(host):
    server, port = await listening(closing)
    server.close()
    await server.wait_closed()
    seen = await SshProbe(timeout_seconds=2).look(host, port)
    assert seen.host_key is None and seen.why
