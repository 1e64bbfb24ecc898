"""The way to an app through its sandbox's door, with asyncssh. Library words stay in here.

Whoever answers is a tenant: everything that comes back is bounded, and believed about the tenant's own app alone.
"""

import asyncio
import json
from typing import Any

from aifactory.domains.app_platform import access_key
from aifactory.domains.app_platform.instance import MAX_LOG_BYTES
from aifactory.domains.app_platform.output import Output
from aifactory.domains.app_platform.ports import DoorAddress, Look

USER = "app"
CONNECT_SECONDS = 5.0
LOOK_SECONDS = 8.0
MAX_LINE_BYTES = 4_096


async def connect(address: DoorAddress, instance_id: str) -> Any:
    """An SSH connection that may look at this app and reach its socket. Raises OSError or asyncssh.Error."""
    import asyncssh  # here, because the API needs none of it

    pinned = asyncssh.import_public_key(address.host_key)
    return await asyncio.wait_for(
        asyncssh.connect(
            address.host,
            address.port,
            username=USER,
            client_keys=[asyncssh.import_private_key(access_key.private(instance_id))],
            known_hosts=([pinned], [], []),
            config=None,
            agent_path=None,
            compression_algs=None,
            login_timeout=CONNECT_SECONDS,
        ),
        CONNECT_SECONDS,
    )


class SshAppDoor:
    """One short connection a look."""

    async def look(self, address: DoorAddress, instance_id: str, offset: int) -> Look:
        import asyncssh

        try:
            said = await asyncio.wait_for(_ask(address, instance_id, f"look {offset}"), LOOK_SECONDS)
            return _read(said)
        except TimeoutError:
            return Look(None, f"the sandbox's door did not answer within {LOOK_SECONDS:g} s")
        except (OSError, asyncssh.Error, ValueError) as error:
            return Look(None, f"the sandbox's door: {type(error).__name__}: {error}"[:300])


async def _ask(address: DoorAddress, instance_id: str, command: str) -> bytes:
    async with await connect(address, instance_id) as connection:
        process = await connection.create_process(command, encoding=None)
        said = b""
        while data := await process.stdout.read(65_536):
            said += data
            if len(said) > MAX_LOG_BYTES + MAX_LINE_BYTES:
                raise ValueError("the answer has no end")
        return said


def _read(said: bytes) -> Look:
    line, _, data = said.partition(b"\n")
    told = json.loads(line)
    if not isinstance(told, dict) or told.get("state") not in ("running", "exited", "absent"):
        raise ValueError("the answer is not one of the apps' tool")
    start = _number(told.get("output_start"))
    return Look(
        state=told["state"],
        exit_code=None if told.get("exit_code") is None else _number(told["exit_code"]) % 2**31,
        stopped=told.get("stopped") is True,
        listens=told.get("listens") is True,
        cpu_milliseconds=_number(told.get("cpu_milliseconds")),
        output=Output(data[:MAX_LOG_BYTES], start),
    )


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), 2**53)
