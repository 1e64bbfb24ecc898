"""The control socket: a small HTTP server on loopback, behind a token, with which faults are switched on and off.

It is no part of the platform's API: real machines have no such switch.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import h11
import msgspec
from msgspec import Struct

from aifactory_sim.faults import MOST_SECONDS, WORDS, Fault
from aifactory_sim.node import Node

ADDRESS_FILE = "control.json"
MOST_BODY_BYTES = 4_096
REQUEST_SECONDS = 10.0


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a fault that is switched on."""

    seconds: float | None = None


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Control:
    """Listens on a random port; `control.json`, readable by our own user alone, says where and holds the token."""

    def __init__(self, nodes: Mapping[str, Node], folder: Path) -> None:
        self._nodes = nodes
        self._file = folder / ADDRESS_FILE
        self._token = token_urlsafe(32)
        self._server: asyncio.Server | None = None

    @classmethod
    async def start(cls, nodes: Mapping[str, Node], folder: Path) -> Control:
        made = cls(nodes, folder)
        made._server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
        port = made._server.sockets[0].getsockname()[1]
        aside = made._file.with_name(f".{ADDRESS_FILE}.writing")
        aside.touch(mode=0o600)
        aside.write_text(json.dumps({"url": f"http://127.0.0.1:{port}", "token": made._token}))
        aside.replace(made._file)
        return made

    async def stop(self) -> None:
        self._file.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        with contextlib.suppress(TimeoutError, OSError, h11.RemoteProtocolError, h11.LocalProtocolError):
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._one(h11.Connection(h11.SERVER, MOST_BODY_BYTES), reader, writer)
        writer.close()

    async def _one(self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, body = await _read(http, reader)
        try:
            status, told = 200, await self._answer(request, body)
        except Refused as refused:
            status = refused.status
            told = {"status": status, "code": refused.code, "title": refused.detail, "detail": refused.detail}
        data = json.dumps(told).encode()
        kind = "application/json" if status == 200 else "application/problem+json"
        head = [("content-type", kind), ("content-length", str(len(data))), ("connection", "close")]
        for event in (h11.Response(status_code=status, headers=head), h11.Data(data=data), h11.EndOfMessage()):
            writer.write(http.send(event) or b"")
        await writer.drain()

    async def _answer(self, request: h11.Request, body: bytes) -> Any:
        said = dict(request.headers).get(b"authorization", b"")
        if not hmac.compare_digest(said, f"Bearer {self._token}".encode()):
            raise Refused(401, "not_allowed", "The token of the simulator's control socket is needed.")
        match request.method.decode(), request.target.decode().strip("/").split("/"):
            case "GET", ["nodes"]:
                return {"items": [_view(node) for node in self._nodes.values()], "next_cursor": None}
            case "GET", ["nodes", name]:
                return _view(self._node(name))
            case "PUT", ["nodes", name, "faults", kind]:
                node, fault = self._node(name), _fault(kind)
                await node.set_fault(fault, _seconds(body))
                return _view(node)
            case "DELETE", ["nodes", name, "faults", *kinds]:
                node = self._node(name)
                for fault in [_fault(kind) for kind in kinds] or list(Fault):
                    node.clear_fault(fault)
                return _view(node)
        raise Refused(404, "not_found", "There is no such thing on the simulator's control socket.")

    def _node(self, name: str) -> Node:
        if name not in self._nodes:
            raise Refused(404, "not_found", f"No simulated node is called {name[:100]!r}.")
        return self._nodes[name]


async def _read(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    request: h11.Request | None = None
    body = b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(MOST_BODY_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BODY_BYTES:
                raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, body
        else:
            raise h11.RemoteProtocolError("the connection ended before the request did")


def _fault(kind: str) -> Fault:
    try:
        return Fault(kind)
    except ValueError:
        raise Refused(422, "unknown_fault", f"There is no such fault; there are {', '.join(Fault)}.") from None


def _seconds(body: bytes) -> float | None:
    try:
        seconds = msgspec.json.decode(body, type=Wanted).seconds if body else None
    except msgspec.MsgspecError as error:
        raise Refused(422, "invalid_body", str(error)) from error
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise Refused(422, "out_of_range", f"seconds lies between 0 and {MOST_SECONDS:.0f}.")
    return seconds


def _view(node: Node) -> dict[str, Any]:
    faults = [
        {"fault": str(active.fault), "seconds": active.seconds, "means": WORDS[active.fault]}
        for active in node.memory.faults.values()
    ]
    return {
        "name": node.machine.name,
        "simulated": True,
        "hardware": node.machine.hardware,
        "down": node.is_down,
        "sandboxes": sum(box.running for box in node.memory.sandboxes.values()),
        "unanswered": len(node.memory.unanswered),
        "faults": faults,
    }
