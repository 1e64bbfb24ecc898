"""The effects of the verbs about apps: through the sandbox's own door, with a key that lives as long as the call.

The agent never touches an app's files from outside: what the tenant's user may not do inside is not done at all.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import asyncssh

from aifactory_agent import sandbox
from aifactory_agent.node import Node
from aifactory_agent.records import SandboxRecord
from aifactory_protocol.tasks import AppStart, AppStop

CALL_SECONDS = 30.0
MOST_ANSWER_BYTES = 131_072
MOST_TAIL_CHARACTERS = 49_152
KEYS_FILE, USER, MANAGE, WATCH = "app_keys", "app", "manage", "watch"


class AppFailed(Exception):
    """The app could not be started or stopped; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def start(node: Node, args: AppStart) -> dict[str, Any]:
    """Let the platform's key in, then start the app; what already runs is left alone. Output: `state` and, at its end, more."""
    record = _running(node, args.allocation_id)
    keys = _Keys(node, record)
    keys.add(WATCH, args.instance_id, args.access_key)
    wanted = {"command": args.command, "environment": args.environment, "programs": args.programs}
    answer, _ = _call(keys, record, args.instance_id, "start", json.dumps(wanted).encode())
    if answer.get("code") == "app_not_installed":
        keys.remove(args.instance_id)
        missing = ", ".join(str(program) for program in answer.get("missing", []))
        raise AppFailed("app_not_installed", f"This node does not have {missing}. {args.how_to_get}".strip())
    if answer.get("state") not in ("running", "exited"):
        raise AppFailed("app_start_failed", f"the app did not start: it is {answer.get('state')}")
    return {"state": answer["state"]}


def stop(node: Node, args: AppStop) -> dict[str, Any]:
    """End the app and forget its keys. Where there is no sandbox any more there is nothing to end."""
    record = node.records.find(args.allocation_id)
    if record is None or record.state != "running" or not sandbox.is_running(node, record):
        return {"state": "absent"}
    keys = _Keys(node, record)
    answer, tail = _call(keys, record, args.instance_id, "stop", b"")
    keys.remove(args.instance_id)
    known = ("state", "exit_code", "signal", "stopped", "output_start", "output_end")
    told = {name: answer.get(name) for name in known if isinstance(answer.get(name), str | int | bool | None)}
    return told | {"tail": tail.decode(errors="replace")[-MOST_TAIL_CHARACTERS:]}


def _running(node: Node, allocation_id: str) -> SandboxRecord:
    record = node.records.find(allocation_id)
    if record is None or record.state != "running" or not sandbox.is_running(node, record):
        raise AppFailed("sandbox_not_running", f"{allocation_id} does not run here")
    return record


class _Keys:
    """The file of app keys in one sandbox's door folder, written anew as a whole."""

    def __init__(self, node: Node, record: SandboxRecord) -> None:
        self._folder = node.sandbox_folder(record.allocation_id) / "scratch" / "door"
        self._uid = record.uid

    def add(self, right: str, instance_id: str, public_key: str) -> None:
        line = f"{right} {instance_id} {' '.join(public_key.split()[:2])}"
        kept = [known for known in self._lines() if known.split()[:2] != [right, instance_id]]
        self._write([*kept, line])

    def remove(self, instance_id: str, right: str | None = None) -> None:
        self._write([known for known in self._lines() if not self._is(known, instance_id, right)])

    @staticmethod
    def _is(line: str, instance_id: str, right: str | None) -> bool:
        words = line.split()
        return words[1:2] == [instance_id] and right in (None, words[0])

    def _lines(self) -> list[str]:
        try:
            descriptor = os.open(self._folder / KEYS_FILE, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            return file.read(65_536).decode(errors="replace").splitlines()

    def _write(self, lines: list[str]) -> None:
        making: Path = self._folder / f".{KEYS_FILE}.making"
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        with os.fdopen(descriptor, "wb") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
            os.fchown(descriptor, self._uid, -1)
        making.rename(self._folder / KEYS_FILE)


def _call(keys: _Keys, record: SandboxRecord, instance_id: str, verb: str, told: bytes) -> tuple[dict[str, Any], bytes]:
    """One call of the tool inside. Returns its JSON line and the bytes after it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    keys.add(MANAGE, instance_id, key.export_public_key().decode())
    try:
        said = asyncio.run(asyncio.wait_for(_ask(record, key, verb, told), CALL_SECONDS))
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise AppFailed("door_silent", f"the sandbox's door did not serve: {type(error).__name__} {error}") from error
    finally:
        keys.remove(instance_id, MANAGE)
    line, _, rest = said.partition(b"\n")
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise AppFailed("bad_answer", "the sandbox's door answered with something else than the tool's line") from error
    if not isinstance(answer, dict):
        raise AppFailed("bad_answer", "the sandbox's door answered with something else than the tool's line")
    return answer, rest


async def _ask(record: SandboxRecord, key: asyncssh.SSHKey, verb: str, told: bytes) -> bytes:
    host = asyncssh.import_public_key(record.host_key)
    async with asyncssh.connect(
        "127.0.0.1",
        record.port,
        username=USER,
        client_keys=[key],
        known_hosts=([host], [], []),
        config=None,
        agent_path=None,
    ) as connection:
        process = await connection.create_process(verb, encoding=None)
        process.stdin.write(told)
        process.stdin.write_eof()
        said = b""
        while data := await process.stdout.read(65_536):
            said += data
            if len(said) > MOST_ANSWER_BYTES:
                raise OSError("the answer has no end")
        return said
