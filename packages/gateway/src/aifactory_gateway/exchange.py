"""One inference request: authenticated, admitted, carried to an upstream, its answer handed back, its tokens booked.

Everything runs on the loop without a task of its own, unless a connection must be opened or money asked for. Whatever
way it ends, `_close` runs once: rates corrected, hold settled, journal ended.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aifactory_gateway import usage
from aifactory_gateway.budget import Hold, cost
from aifactory_gateway.carried import request_id
from aifactory_gateway.dialects.dialect import OPENAI, StreamTranslator
from aifactory_gateway.endpoints import Endpoint
from aifactory_gateway.http_head import AnswerHead, RequestHead
from aifactory_gateway.link import Link
from aifactory_gateway.pool import CannotConnect, Pool
from aifactory_gateway.rate_limits import KeyRates
from aifactory_gateway.refusal import Refusal
from aifactory_gateway.sizes import BYTES_PER_TOKEN, sizes
from aifactory_protocol.gateway import (
    GatewayKey,
    GatewayModel,
    Outcome,
    Route,
    UsageSource,
)

if TYPE_CHECKING:
    from aifactory_gateway.caller import Caller
    from aifactory_gateway.gateway import Gateway

_log = logging.getLogger(__name__)

MAX_SECONDS = 3_600.0
MAX_ANSWER_BYTES = 64 * 1024**2
_TRY_ELSEWHERE = {429, 502, 503, 504}
_SHOWN_BYTES = 2_000
_CALLERS_FAULT = {400, 404, 405, 409, 413, 415, 422}


class Exchange:
    """From a whole request to a whole answer."""

    # what most requests never change
    _hold: Hold | None = None
    _slot = -1
    _pool: Pool | None = None
    _link: Link | None = None
    _answer: AnswerHead | None = None
    _stream: usage.StreamUsage | None = None
    _translator: StreamTranslator | None = None
    _size = 0
    _gone = False
    _task: asyncio.Task[None] | None = None
    _tried: frozenset[str] = frozenset()

    def __init__(self, gateway: Gateway, caller: Caller, endpoint: Endpoint, head: RequestHead, body: bytes) -> None:
        """Raises Refusal, and then nothing is held."""
        self._number = gateway.new_number()
        self.id = request_id(gateway.boot, self._number)
        self._gateway = gateway
        self._caller = caller
        self._endpoint = endpoint
        self._started = gateway.wall()
        self._key: GatewayKey = gateway.catalogue.holder(head.headers, self._started)
        self._wish = endpoint.dialect.wish(body, endpoint.model)
        self._model: GatewayModel = gateway.catalogue.model(self._key, self._wish.model, endpoint.capability)
        self._parts: list[bytes] = []
        self._answers, self._bound, self._estimate = sizes(self._wish, endpoint, self._model)
        now = gateway.now()
        self._rates: KeyRates = gateway.rates.of(self._key, now)
        self._rates.admit(self._estimate, self._wish.streams, now)

    def start(self) -> None:
        """Carries it at once where it can, else in a task."""
        try:
            if self._take_hold() and self._send_at_once():
                return
        except BaseException:
            self._close(0, 0, "none", "upstream_failed")
            raise
        self._task = asyncio.ensure_future(self._carry())

    # what it may cost

    def _take_hold(self) -> bool:
        gateway = self._gateway
        self._hold = gateway.budgets.hold(self._key.account_id, self._model.price.currency, self._bound, self._started)
        return self._hold is not None

    # carrying

    def _send_at_once(self) -> bool:
        route, pool = self._route()
        link = pool.take_idle()
        if link is None:
            return False
        self._send(route, pool, link)
        return True

    async def _carry(self) -> None:
        try:
            if self._hold is None:
                await self._gateway.more_money(self._key.account_id, self._model.price.currency, self._bound)
                if not self._take_hold():
                    raise Refusal(402, "insufficient_credit", "The account has no credit left for this request.")
            while True:
                route, pool = self._route()
                try:
                    link = await pool.take()
                except CannotConnect:
                    pool.failed()
                    self._tried |= {route.upstream_id}
                    continue
                self._send(route, pool, link)
                return
        except Refusal as refusal:
            self._refuse(refusal)
        except asyncio.CancelledError:
            self._close(0, 0, "none", "client_gone")
        except Exception:
            _log.exception("request %s", self.id)
            self._refuse(Refusal(500, "internal_error", "The gateway failed; the request was not carried."))

    def _route(self) -> tuple[Route, Pool]:
        """The least busy of those that are well and were not tried. Raises Refusal 502 or 503."""
        gateway, best, least = self._gateway, None, float("inf")
        for route in self._model.routes:
            pool = gateway.pools.get(route.upstream_id)  # a newer snapshot may know it no more
            if pool and route.upstream_id not in self._tried and pool.busy < least and pool.is_well:
                best, least = (route, pool), pool.busy
        if best is None:
            status, code = (502, "upstream_unreachable") if self._tried else (503, "model_unavailable")
            raise Refusal(status, code, f"No upstream serves {self._model.id} now.", retry_after_seconds=5)
        return best

    def _send(self, route: Route, pool: Pool, link: Link) -> None:
        """The journal first: from here on the request may cost something."""
        gateway, key, model = self._gateway, self._key, self._model
        hold = self._hold
        assert hold is not None
        self._pool, self._link = pool, link
        try:
            facts = gateway.facts(key, model, route.upstream_id, hold.lease.id)
            self._slot = gateway.journal.begin(self._number, hold.femtos, self._wish.streams, self._started, facts)
            body = self._wish.for_upstream(route.upstream_model, self._endpoint.limit_field, model.max_output_tokens)
            pool.send(link, pool.request(self._endpoint.path, self.id, body), self)
        except BaseException:
            self._let_go(keep=False)
            raise

    def _again(self) -> bool:
        """Elsewhere, or on a new connection; nothing of an answer has been shown."""
        if self._gone:
            return False
        self._gateway.journal.cancel(self._slot)
        self._drop_parts()
        self._slot, self._answer = -1, None
        self._task = asyncio.ensure_future(self._carry())
        return True

    # the answer, as the link hands it on

    def answer_began(self, head: AnswerHead) -> None:
        self._answer = head
        kind = head.headers.get(b"content-type", b"")
        if head.status == 200 and kind.startswith(b"text/event-stream"):
            dialect = self._endpoint.dialect
            self._stream = usage.StreamUsage(self._wish.wants_usage or dialect.shows_usage)
            self._translator = dialect.stream(self.id)
            if not self._gone:
                self._caller.begin_stream(self._headers(b"text/event-stream") + b"cache-control: no-cache\r\n")

    def answer_data(self, data: bytes) -> None:
        stream = self._stream
        if stream is None:
            self._parts.append(data)
            self._hold_bytes(self._size + len(data))
            return
        try:
            shown = stream.feed(data)
            if self._translator is not None:
                shown = self._translator.feed(shown)
        except (ValueError, RecursionError) as error:
            self._break(f"it sent what is not OpenAI's stream ({error})")
            return
        if stream.held != self._size and not self._hold_bytes(stream.held):
            return
        gateway = self._gateway
        gateway.journal.count(self._slot, stream.text_events)
        if gateway.wall() - self._started > MAX_SECONDS:
            self._break("its answer had no end")
            return
        if shown and not self._gone:
            self._caller.write(shown)
            if not self._caller.is_ready and self._link is not None:
                self._link.pause()

    def _hold_bytes(self, size: int) -> bool:
        """So many bytes of the answer wait here; False when they are too many, and then the answer is broken."""
        gateway = self._gateway
        gateway.buffered_bytes += size - self._size
        self._size = size
        if size > MAX_ANSWER_BYTES or gateway.buffered_bytes > gateway.max_buffered_bytes:
            self._break("its answer is larger than can be read now")
            return False
        return True

    def answer_ended(self) -> None:
        head, stream, pool = self._answer, self._stream, self._pool
        assert head is not None and pool is not None
        self._let_go(keep=True)
        if stream is not None:
            self._end_stream(stream)
        elif head.status == 200:
            self._end_whole()
        else:
            self._end_refused(head)

    def answer_failed(self, why: str) -> None:
        """Tried again only where the upstream cannot have begun: it closed a kept-alive connection as we wrote to it."""
        link, pool = self._link, self._pool
        assert link is not None and pool is not None
        was_closed_before = link.was_idle and not link.heard
        self._let_go(keep=False)
        if was_closed_before and self._again():
            return
        pool.failed()
        self._fail(why)

    def _break(self, why: str) -> None:
        """What the upstream sends cannot be handed on."""
        link = self._link
        if link is not None:
            link.abort()
        self.answer_failed(why)

    def _end_stream(self, stream: usage.StreamUsage) -> None:
        left = stream.end()
        if self._translator is not None:
            left = self._translator.feed(left) + self._translator.end()
        self._well()
        self._settle(stream.tokens, stream.text_events)
        if not self._gone:
            if left:
                self._caller.write(left)
            self._caller.end_stream()

    def _end_whole(self) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        try:
            shown = self._endpoint.dialect.answer(body, self.id)
        except (ValueError, LookupError, RecursionError):
            self._fail("it sent no answer of OpenAI's")
            return
        self._well()
        tokens = usage.of_answer(body)
        self._settle(tokens, 0 if tokens else usage.estimated(body, BYTES_PER_TOKEN))
        if not self._gone:
            assert self._answer is not None
            kind = self._answer.headers.get(b"content-type", b"application/json")
            self._caller.answer(200, self._headers(kind), shown)

    def _end_refused(self, head: AnswerHead) -> None:
        """The upstream said no. Its words reach the caller only where they are about what the caller sent."""
        pool = self._pool
        assert pool is not None
        if head.status in _TRY_ELSEWHERE:
            if head.status != 429:  # it is well, and has enough to do
                pool.failed()
            self._tried |= {pool.upstream.id}
            others = any(route.upstream_id not in self._tried for route in self._model.routes)
            if others and self._again():
                return
        body = b"".join(self._parts)
        self._close(0, 0, "none", "upstream_failed")
        if self._gone:
            return
        if head.status in _CALLERS_FAULT and self._endpoint.dialect is OPENAI:
            kind = head.headers.get(b"content-type", b"application/json")
            self._caller.answer(head.status, self._headers(kind), body)
        elif head.status in _CALLERS_FAULT:
            self._tell(Refusal(head.status, "upstream_refused", body[:_SHOWN_BYTES].decode(errors="replace")))
        elif head.status == 429:
            self._tell(_overloaded(self._model.id))
        else:
            message = f"The upstream of {self._model.id} answered {head.status}."
            self._tell(Refusal(502, "upstream_failed", message, retry_after_seconds=1))

    def _fail(self, why: str) -> None:
        """No answer, or half of one. What its upstream failed is not charged, unless it had said its usage already."""
        stream, message = self._stream, f"The upstream of {self._model.id} failed: {why}."
        tokens = stream.tokens if stream is not None else None
        came, went = tokens or (0, 0)
        self._close(came, went, "upstream" if tokens else "none", "upstream_failed")
        if self._gone:
            return
        code = "upstream_timeout" if "silent" in why else "upstream_failed"
        refusal = Refusal(504 if code == "upstream_timeout" else 502, code, message, retry_after_seconds=1)
        if stream is None:
            self._tell(refusal)
        else:
            said = self._translator.error(refusal) if self._translator else b"data: %b\n\n" % refusal.body()
            self._caller.write(said)
            self._caller.end_stream(is_last=True)

    # the caller

    def caller_gone(self) -> None:
        """What is with an upstream is read to its end: it counts those tokens, and so do we."""
        self._gone = True
        if self._task is not None and self._link is None:
            self._task.cancel()
        elif self._link is not None:
            self._link.resume()

    def caller_slow(self) -> None:
        if self._link is not None and self._stream is not None:
            self._link.pause()

    def caller_ready(self) -> None:
        if self._link is not None and self._stream is not None:
            self._link.resume()

    # the end

    def _settle(self, tokens: tuple[int, int] | None, estimated_out: int) -> None:
        """More than its context can hold is not believed, whoever says it."""
        outcome: Outcome = "client_gone" if self._gone else "ok"
        if tokens is not None and max(tokens) <= self._answers * self._model.context_tokens:
            self._close(*tokens, "upstream", outcome)
        else:
            self._close(self._wish.size // BYTES_PER_TOKEN, estimated_out, "estimate", outcome)

    def _close(self, tokens_in: int, tokens_out: int, source: UsageSource, outcome: Outcome) -> None:
        gateway, hold = self._gateway, self._hold
        self._drop_parts()
        self._rates.correct(self._estimate, tokens_in + tokens_out, self._wish.streams)
        if hold is None:
            return
        femtos = cost(self._model.price, tokens_in, tokens_out)
        gateway.budgets.settle(hold, femtos)
        if self._slot >= 0:
            gateway.journal.end(
                self._slot, tokens_in, tokens_out, source, outcome, gateway.wall(), hold.lease.id, femtos
            )
            gateway.record_soon()

    def _drop_parts(self) -> None:
        if self._size:
            self._gateway.buffered_bytes -= self._size
            self._parts, self._size = [], 0

    def _refuse(self, refusal: Refusal) -> None:
        self._close(0, 0, "none", "upstream_failed")
        if not self._gone:
            self._tell(refusal)

    def _tell(self, refusal: Refusal) -> None:
        self._caller.refuse(refusal, self._request_id(), self._endpoint.dialect.error(refusal))

    def _let_go(self, keep: bool) -> None:
        link, pool = self._link, self._pool
        self._link = None
        if link is not None and pool is not None:
            if not keep:
                link.abort()
            pool.give_back(link)

    def _well(self) -> None:
        if self._pool is not None:
            self._pool.succeeded()

    def _headers(self, content_type: bytes) -> bytes:
        return b"content-type: %b\r\n%b%b" % (
            content_type,
            self._request_id(),
            self._rates.headers(),
        )

    def _request_id(self) -> bytes:
        return b"x-request-id: %b\r\n" % self.id.encode()


def _overloaded(model: str) -> Refusal:
    return Refusal(
        503, "model_overloaded", f"The upstream of {model} takes no more requests now.", retry_after_seconds=2
    )
