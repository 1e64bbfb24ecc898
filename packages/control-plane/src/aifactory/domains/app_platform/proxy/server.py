"""The proxy itself: one request a connection, checked before a byte of it reaches an app, then bytes both ways.

HTTP and WebSockets go the same way: after the heads nothing is read, only carried.
"""

import asyncio
import contextlib
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aifactory.domains.app_platform.adapters.app_streams import AppStreams, NoStream
from aifactory.domains.app_platform.proxy import admission
from aifactory.domains.app_platform.proxy.address import instance_of, origin_of
from aifactory.domains.app_platform.proxy.admission import Admitted
from aifactory.domains.app_platform.proxy.heads import COOKIE, BadHead, Request, read_request, response_for_browser
from aifactory.kernel.db import Database

log = logging.getLogger(__name__)
MAX_CONNECTIONS = 2_000
MAX_CONNECTIONS_PER_INSTANCE = 120
MAX_HEAD_BYTES = 65_536
HEAD_SECONDS = 15.0
SILENCE_SECONDS = 600.0
TOUCH_SECONDS = 15.0
CHUNK_BYTES = 65_536
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>{text}</p></html>
"""
_SAFE = (
    "cache-control: no-store\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n"
)


class Refused(Exception):
    """Answered by the proxy itself."""

    def __init__(self, status: str, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


NOTHING = Refused(
    "404 Not Found",
    "There is nothing here that you can see",
    "Open your app from the portal: sign in, choose the instance.",
)
UNREACHABLE = Refused(
    "502 Bad Gateway", "The app does not answer", "It may still be starting, or it has ended. See its logs."
)
FULL = Refused("503 Service Unavailable", "Too many connections", "Close some of the app's pages and try again.")
BAD = Refused("400 Bad Request", "That is no request", "It was not understood.")
FORGED = Refused("403 Forbidden", "Another site asks", "A page of another origin may not use this app in your name.")


class Proxy:
    """`serve` is called for each connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams = AppStreams()
        self._open: dict[str, int] = {}
        self._known: dict[tuple[str, str], tuple[float, Admitted]] = {}
        self._touched: dict[str, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except Refused as refused:
            with contextlib.suppress(OSError):
                writer.write(_page(refused))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except Exception:
            log.exception("a connection failed")
        finally:
            writer.close()

    def close(self) -> None:
        self._streams.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if sum(self._open.values()) >= MAX_CONNECTIONS:
            raise FULL
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            request = read_request(head)
        except (BadHead, asyncio.LimitOverrunError):
            raise BAD from None
        instance_id = instance_of(request.host)
        if instance_id is None:
            raise NOTHING
        if urlsplit(request.target).path == admission.ENTER:
            writer.write(await self._enter(request, instance_id))
            await writer.drain()
            return
        admitted = await self._admit(instance_id, request.cookie)
        if request.forged(origin_of(instance_id)):
            raise FORGED
        await self._counted(request, admitted, reader, writer)

    async def _enter(self, request: Request, instance_id: str) -> bytes:
        """A ticket becomes a cookie of this origin, and leaves the address bar."""
        given = parse_qs(urlsplit(request.target).query).get("ticket", [""])
        cookie = await admission.enter(self._database, instance_id, given[0]) if request.method == "GET" else None
        if cookie is None:
            raise NOTHING
        life = f"Max-Age={admission.COOKIE_SECONDS}"
        fields = f"set-cookie: {COOKIE}={cookie}; Path=/; {life}; Secure; HttpOnly; SameSite=Lax\r\n"
        return f"HTTP/1.1 303 See Other\r\nlocation: /\r\n{fields}{_SAFE}content-length: 0\r\nconnection: close\r\n\r\n".encode()

    async def _admit(self, instance_id: str, cookie: str) -> Admitted:
        """Asked anew every few seconds; pages that load a hundred files ask once."""
        now = asyncio.get_running_loop().time()
        known = self._known.get((instance_id, cookie))
        if known is not None and known[0] > now:
            return known[1]
        admitted = await admission.admit(self._database, instance_id, cookie)
        if admitted is None:
            self._known.pop((instance_id, cookie), None)
            raise NOTHING
        self._known = {key: value for key, value in self._known.items() if value[0] > now}
        self._known[instance_id, cookie] = (now + admission.ADMITTED_SECONDS, admitted)
        return admitted

    async def _counted(self, request: Request, admitted: Admitted, reader: Any, writer: Any) -> None:
        instance_id = admitted.instance_id
        if self._open.get(instance_id, 0) >= MAX_CONNECTIONS_PER_INSTANCE:
            raise FULL
        self._open[instance_id] = self._open.get(instance_id, 0) + 1
        try:
            async with self._streams.open(admitted.address, instance_id) as (app_reader, app_writer):
                await self._carry(request, admitted, (reader, writer), (app_reader, app_writer))
        except NoStream as error:
            log.info("%s", error)
            raise UNREACHABLE from None
        finally:
            self._open[instance_id] -= 1
            if not self._open[instance_id]:
                del self._open[instance_id]

    async def _carry(self, request: Request, admitted: Admitted, browser: Any, app: Any) -> None:
        await self._used(admitted)
        app[1].write(request.for_app())
        up = asyncio.create_task(self._copy(browser[0], app[1], admitted, request.cookie))
        try:
            await self._response_head(app[0], browser[1])
            down = asyncio.create_task(self._copy(app[0], browser[1], admitted, request.cookie))
            ends = {down, up} if request.is_websocket else {down}
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                down.cancel()
                await asyncio.gather(down, return_exceptions=True)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)

    async def _response_head(self, app_reader: Any, writer: asyncio.StreamWriter) -> None:
        """Interim answers pass; the final one is changed where an app must not say something."""
        while True:
            try:
                head = await asyncio.wait_for(_read_head(app_reader), SILENCE_SECONDS)
                status, told = response_for_browser(head)
            except (BadHead, TimeoutError):
                raise UNREACHABLE from None
            writer.write(told)
            if status >= 200 or status == 101:
                return

    async def _copy(self, source: Any, sink: Any, admitted: Admitted, cookie: str) -> None:
        """Until its end, too long a silence, or until whoever it is for may not any more."""
        with contextlib.suppress(OSError, TimeoutError, Refused):
            while True:
                data = await asyncio.wait_for(_some(source), SILENCE_SECONDS)
                if not data:
                    break
                await self._admit(admitted.instance_id, cookie)
                sink.write(data)
                await sink.drain()
                await self._used(admitted)
            if sink.can_write_eof():
                sink.write_eof()

    async def _used(self, admitted: Admitted) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._touched.get(admitted.instance_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._touched = {known: at for known, at in self._touched.items() if now - at < TOUCH_SECONDS}
            self._touched[admitted.instance_id] = now
            await admission.used(self._database, admitted)


async def _some(source: Any) -> bytes:
    """An SSH stream's errors are not OSErrors."""
    try:
        return bytes(await source.read(CHUNK_BYTES))
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error)) from error


async def _read_head(reader: Any) -> bytes:
    """A head and nothing after it; SSH streams have no bound of their own."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if len(head) > MAX_HEAD_BYTES:
            raise BadHead("too long")
        try:
            head += await reader.readuntil(b"\r\n")
        except Exception as error:
            raise BadHead("it ended before its head did") from error
    return head


def _page(refused: Refused) -> bytes:
    body = _PAGE.format(title=refused.title, text=refused.text).encode()
    head = f"HTTP/1.1 {refused.status}\r\ncontent-type: text/html; charset=utf-8\r\n{_SAFE}"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
