"""Requests that a killed gateway left in the middle: their upstream is asked what it counted, then they are recorded."""

from __future__ import annotations

import logging

import httpx

from aifactory_gateway import usage
from aifactory_gateway.budget import Hold
from aifactory_gateway.carried import Carried
from aifactory_gateway.gateway import Gateway
from aifactory_protocol.gateway import Upstream

_log = logging.getLogger(__name__)

ASK_SECONDS = 5.0
GIVE_UP_SECONDS = 600.0
FEW = 64  # at a time


class Interrupted:
    """`settle` again and again until it is done. What the requests held on their leases stays held until then."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._left = gateway.interrupted
        self._holds: dict[str, Hold | None] = {
            one.id: gateway.budgets.hold_again(one.lease_id, one.held) for _, one in self._left
        }
        self._gives_up_at = gateway.wall() + GIVE_UP_SECONDS
        if self._left:
            _log.warning("%d requests were under way when the gateway died", len(self._left))

    @property
    def is_done(self) -> bool:
        return not self._left

    async def settle(self) -> None:
        """Asks for the first few. One that its upstream cannot tell is recorded by the events that had passed; one whose
        upstream does not answer is asked for again, until GIVE_UP_SECONDS have passed."""
        async with httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS, follow_redirects=False) as http:
            for slot, one in self._left[:FEW]:
                upstream = self._gateway.catalogue.upstreams.get(one.facts.upstream_id)
                if upstream is not None and upstream.usage_path:
                    try:
                        await self._ask(http, upstream, one)
                    except httpx.HTTPError as error:
                        if self._gateway.wall() < self._gives_up_at:
                            _log.warning("request %s cannot be asked for at %s: %s", one.id, upstream.id, error)
                            self._left = [*self._left[1:], (slot, one)]
                            return
                self._record(slot, one)

    async def _ask(self, http: httpx.AsyncClient, upstream: Upstream, one: Carried) -> None:
        """A request that is unknown there never arrived: it costs nothing."""
        url = upstream.url.rstrip("/") + upstream.usage_path.replace("{request_id}", one.id)
        heads = {"Authorization": f"Bearer {upstream.secret}"} if upstream.secret else {}
        answer = await http.get(url, headers=heads)
        if answer.status_code == 404:
            one.end(0, 0, "none", "interrupted", one.started)
            return
        answer.raise_for_status()
        tokens = usage.of_answer(answer.content)
        if tokens is not None:
            one.end(*tokens, "upstream", "interrupted", one.started)

    def _record(self, slot: int, one: Carried) -> None:
        gateway, hold = self._gateway, self._holds.pop(one.id)
        self._left = [left for left in self._left if left[0] != slot]
        gateway.record_left([(slot, one)])
        gateway.spent(one.lease_id, one.femtos)
        if hold is not None:
            gateway.budgets.settle(hold, one.femtos)
