"""What a node's agent may do once its certificate was checked. The routes of the agents' listener call only this."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import enrolment, node_tasks, sightings
from aifactory.domains.provisioning.parked_polls import ParkedPoll, parked
from aifactory.domains.provisioning.store import nodes as store
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import not_found
from aifactory.kernel.principal import Principal
from aifactory_protocol import (
    BootstrapRequest,
    BootstrapResponse,
    Inventory,
    PollRequest,
    PollResponse,
    RenewResponse,
    TaskResult,
)

LOOK_AGAIN_SECONDS = 5.0  # a lost wake-up costs no more than this

__all__ = ["accept_result", "bootstrap", "ca_pem", "poll", "renew", "take_inventory"]


def ca_pem() -> str:
    return platform_control.ca_pem()


async def bootstrap(database: Database, request: BootstrapRequest) -> BootstrapResponse:
    """In a transaction of its own as worker: the caller is nobody yet."""
    async with database.tx("worker", Principal.anonymous()) as tx:
        return await enrolment.bootstrap(tx, request)


async def renew(tx: Tx, csr_pem: str) -> RenewResponse:
    return await enrolment.renew(tx, tx.principal.id, csr_pem)


async def take_inventory(tx: Tx, inventory: Inventory) -> None:
    await enrolment.take_inventory(tx, tx.principal.id, inventory)


async def accept_result(tx: Tx, task_id: str, result: TaskResult) -> None:
    await node_tasks.accept_result(tx, tx.principal.id, task_id, result)


async def _never() -> bool:
    return False


async def poll(
    database: Database, principal: Principal, request: PollRequest, gone: Callable[[], Awaitable[bool]] = _never
) -> PollResponse:
    """Answers as soon as there is work, at the latest after `wait_seconds`. Holds no transaction while it waits.

    A caller that has `gone` is given nothing: the work would count as sent, and its next poll would not see it; so is
    one that asks again while it waits. While a sandbox is in doubt the answer comes early, for the next poll's report
    is wanted.
    """
    with parked(principal.id) as mine:
        unsure = await sightings.compare(database, principal.id, request)
        patience = min(request.wait_seconds, sightings.CONFIRM_SECONDS) if unsure else request.wait_seconds
        return await _wait_for_work(database, principal, request, gone, mine, patience)


async def _wait_for_work(
    database: Database,
    principal: Principal,
    request: PollRequest,
    gone: Callable[[], Awaitable[bool]],
    mine: ParkedPoll,
    seconds: float,
) -> PollResponse:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        left = end - loop.time()
        # Listening begins before the look, so that work written in between is not slept over.
        nudge = mine.nudge = asyncio.create_task(
            database.wakeups.wait(f"node.{principal.id}", max(0.0, min(left, LOOK_AGAIN_SECONDS)))
        )
        try:
            if mine.over or await gone():
                return PollResponse([])
            response = await _look(database, principal, request)
            if response.tasks or left <= 0 or database.wakeups.closing:
                return response
            await asyncio.wait({nudge})
        finally:
            nudge.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await nudge


async def _look(database: Database, principal: Principal, request: PollRequest) -> PollResponse:
    async with database.tx("worker", principal) as tx:
        node = await store.one(tx, principal.id)
        if node is None:
            raise not_found("node", principal.id)
        await store.heartbeat(tx, principal.id, request.boot_id, request.agent_version)
        if node.state == "unreachable":
            await enrolment.come_back(tx, principal.id)
        return PollResponse(await node_tasks.offered_to(tx, principal.id, request.boot_id))
