"""Orders for nodes: written under a flow's fence, signed when a node polls, answered once with a signed result.

An order's id follows from its subject, verb and generation. So a flow step that runs twice writes it once, a node that
is asked twice acts once, and an answer that comes twice counts once.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import slot as slots
from aifactory.domains.provisioning.store import nodes as node_store
from aifactory.domains.provisioning.store import slots as slot_store
from aifactory.domains.provisioning.store import tasks as task_store
from aifactory.domains.provisioning.store.nodes import NodeRow
from aifactory.domains.provisioning.store.tasks import TaskRow
from aifactory.domains.storage_network import facade as storage
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import Problem, conflict, not_found
from aifactory.kernel.flow import FlowRun
from aifactory_protocol import BadResult, Evidence, SignedTask, Task, TaskResult, verify_result
from aifactory_protocol.limits import MAX_TASKS_PER_POLL

LIFE = timedelta(minutes=10)  # of a signature; a task that is still wanted is signed anew
OFFER_AGAIN_SECONDS = 3.0  # an answer to a poll can get lost, so a node is told again until it answers; it acts once
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def task_id_of(subject_id: str, verb: str, generation: int) -> str:
    """The same order has the same id, whoever writes it and how often."""
    digest = hashlib.sha256(f"{subject_id}\n{verb}\n{generation}".encode()).digest()
    number = int.from_bytes(digest[:17], "big") >> 6
    return "task_" + "".join(_DIGITS[(number >> (5 * place)) & 31] for place in range(26))


async def order(
    tx: Tx,
    run: FlowRun,
    node_id: str,
    verb: str,
    subject_id: str,
    generation: int,
    args: Mapping[str, Any],
) -> TaskRow:
    """Writes the order in the flow step's transaction, unless it stands there already, and returns it as it is now.

    The runner checked the flow's fence in this transaction; the row keeps it as evidence.
    """
    task_id = task_id_of(subject_id, verb, generation)
    fresh = await task_store.insert(
        tx,
        id=task_id,
        node_id=node_id,
        tenant_id=run.tenant_id,
        verb=verb,
        subject_id=subject_id,
        generation=generation,
        args=dict(args),
        wakes_kind=run.kind,
        wakes_id=run.subject_id,
        fence=run.fence,
    )
    if fresh:
        await tx.wake(f"node.{node_id}")
    row = await task_store.one(tx, task_id)
    assert row is not None, "the order was just written"
    return row


async def order_for_storage(tx: Tx, action: storage.HostAction, tenant_id: str | None) -> None:
    """An order that no flow of ours waits for: storage_network hears the answer."""
    task_id = task_id_of(action.subject_id, action.verb, action.generation)
    await task_store.insert(
        tx,
        id=task_id,
        node_id=action.node_id,
        tenant_id=tenant_id,
        verb=action.verb,
        subject_id=action.subject_id,
        generation=action.generation,
        args=dict(action.args),
        wakes_kind=None,
        wakes_id=None,
        fence=0,
    )
    await tx.wake(f"node.{action.node_id}")


async def offered_to(tx: Tx, node_id: str, boot_id: str) -> list[SignedTask]:
    """What the node has to do, oldest first, each signed for this node and this moment."""
    rows = await task_store.offer(tx, node_id, boot_id, MAX_TASKS_PER_POLL, OFFER_AGAIN_SECONDS)
    now = await tx.now()
    return [platform_control.sign_task(_task(row, now)) for row in rows]


def _task(row: TaskRow, now: datetime) -> Task:
    return Task(row.id, row.node_id, row.verb, row.subject_id, row.generation, row.args, now, now + LIFE)


async def accept_result(tx: Tx, node_id: str, task_id: str, result: TaskResult) -> None:
    """Stores a node's answer and wakes who waits for it. The same answer again is accepted and changes nothing.

    404 for a task of another node, 409 for another generation, 403 for a signature that is not the node's.
    """
    row = await task_store.one(tx, task_id)
    if row is None or row.node_id != node_id:
        raise not_found("task", task_id)
    if result.task_id != task_id:
        raise Problem(422, "task_id_mismatch", "The result is of another task", field="task_id", todo="Post it there.")
    if result.generation != row.generation:
        raise conflict("stale_generation", f"The task is of generation {row.generation}, not {result.generation}.")
    node = await node_store.one(tx, node_id)
    if node is None:
        raise not_found("node", node_id)
    _check_signature(node, result)
    if row.wakes_kind and row.wakes_id:
        await flows.wake(tx, row.wakes_kind, row.wakes_id)  # flow first, then task: the order of its steps
    row = await task_store.lock(tx, task_id)
    if row is None or row.finished:
        return
    await task_store.finish(
        tx, task_id, result.status, result.code, result.detail, result.output, msgspec.to_builtins(result)
    )
    if row.tenant_id:
        await tx.set_tenant(row.tenant_id)
    await _pass_on(tx, row, result)


def _check_signature(node: NodeRow, result: TaskResult) -> None:
    """With the key of the node's certificate, or of the one before: it may have been renewed in between."""
    for pem in filter(None, (node.certificate_pem, node.previous_certificate_pem)):
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            try:
                return verify_result(result, key)
            except BadResult:
                continue
    raise Problem(
        403,
        "bad_result_signature",
        "The result is not signed by this node",
        f"The signature of {result.task_id} does not fit the key of {node.id}.",
        field="signature",
        todo="Sign the result with the key of the node's certificate.",
    )


async def _pass_on(tx: Tx, row: TaskRow, result: TaskResult) -> None:
    """What the answer means beyond the flow that waits for it."""
    done = result.status == "done"
    if row.verb in ("volume.create", "volume.delete"):
        await storage.reported(
            tx, row.verb, row.subject_id, row.generation, done=done, code=result.code, detail=result.detail
        )
    elif row.verb == "network.apply":
        rules = [str(line)[:500] for line in list(result.output.get("rules") or [])[:1_024]]
        await storage.rules_reported(
            tx, row.subject_id, row.generation, done=done, code=result.code, detail=result.detail, rules=rules
        )
    elif row.verb == "sandbox.stop":
        await _wake_slot_of(tx, row.subject_id)
        if done:
            await storage.detached(tx, row.subject_id)
    elif row.verb == "slot.sanitize":
        await _keep_evidence(tx, row, result)


async def _wake_slot_of(tx: Tx, allocation_id: str) -> None:
    """A slot waits with its cleaning until the sandbox that was on it is stopped."""
    slot_id = await slot_store.id_by_last_allocation(tx, allocation_id)
    if slot_id:
        await flows.wake(tx, slots.KIND, slot_id)


async def _keep_evidence(tx: Tx, row: TaskRow, result: TaskResult) -> None:
    for item in result.evidence:
        await slot_store.add_evidence(
            tx,
            slot_id=row.subject_id,
            node_id=row.node_id,
            task_id=row.id,
            generation=row.generation,
            allocation_id=row.args.get("allocation_id"),
            step=item.step,
            ok=item.ok and _once(item, result),
            detail=item.detail,
            observed_at=item.at,
            signature=result.signature,
        )


def _once(item: Evidence, result: TaskResult) -> bool:
    """Two statements about one step are no evidence for it."""
    return sum(other.step == item.step for other in result.evidence) == 1
