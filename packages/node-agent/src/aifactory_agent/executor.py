"""From a signed task to a durable result: verified before any effect, one at a time per subject, few at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from aifactory_agent import verbs
from aifactory_agent.node import Node
from aifactory_protocol import TaskRefused, sign_result, verify_task
from aifactory_protocol.signing import decode_base64url
from aifactory_protocol.tasks import SignedTask, Task, TaskArgs, TaskResult

MOST_WAITING = 256
HANDLED_SECONDS = 1.0
log = logging.getLogger("aifactory_agent.tasks")


class Executor:
    """Runs tasks. Results appear in `node.results`, refusals in `refusals`; `on_result` is called for both."""

    def __init__(
        self,
        node: Node,
        node_id: str,
        task_key: Ed25519PublicKey,
        node_key: ec.EllipticCurvePrivateKey,
        on_result: Callable[[], None] = lambda: None,
    ) -> None:
        self.refusals: dict[str, TaskResult] = {}
        self._node = node
        self._node_id = node_id
        self._task_key = task_key
        self._node_key = node_key
        self._on_result = on_result
        self._threads = ThreadPoolExecutor(node.settings.parallel_tasks, thread_name_prefix="task")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._handled: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._lock_users: dict[str, int] = {}

    @property
    def busy(self) -> bool:
        """Whether any task is waiting or at work."""
        return bool(self._running)

    def take(self, signed: SignedTask) -> bool:
        """Accept a task that is offered; False when it is in hand, or was a moment ago and its answer is on the way."""
        now = asyncio.get_running_loop().time()
        self._handled = {digest: at for digest, at in self._handled.items() if now - at < HANDLED_SECONDS}
        if signed.digest in self._running or signed.digest in self._handled or len(self._running) >= MOST_WAITING:
            return False
        self._handled[signed.digest] = now
        running = asyncio.create_task(self._handle(signed))
        self._running[signed.digest] = running
        running.add_done_callback(lambda _: self._running.pop(signed.digest, None))
        return True

    async def finish(self, timeout_seconds: float) -> None:
        """Wait for the tasks in hand, up to a limit; what is cut off is mended by the next start."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=timeout_seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def alone_with(self, allocation_id: str, slot_index: int) -> contextlib.AbstractAsyncContextManager[None]:
        """Keep tasks off a sandbox while the agent itself works on it."""
        return self._alone(sorted([allocation_id, f"slot {slot_index}"]))

    async def _handle(self, signed: SignedTask) -> None:
        try:
            task, args = self._verify(signed)
            if self._replay(task):
                return
            async with self._alone(keys_of(task, args)):
                task, args = self._verify(signed)
                if not self._replay(task):
                    await self._carry_out(task, args)
        except TaskRefused as refused:
            if refused.task is None or not self._replay(refused.task):
                self._refuse(signed, refused)
        except Exception:
            log.exception("a task could not be handled; it will be offered again")

    def _verify(self, signed: SignedTask) -> tuple[Task, TaskArgs]:
        return verify_task(
            signed,
            self._task_key,
            node_id=self._node_id,
            now=self._node.now(),
            last_generation=self._node.generations.last,
        )

    def _replay(self, task: Task) -> bool:
        """The same task again gets the same answer, and nothing is done."""
        if task.node_id != self._node_id or self._node.results.find(task.id) is None:
            return False
        self._node.results.post_again(task.id)
        self._on_result()
        return True

    async def _carry_out(self, task: Task, args: TaskArgs) -> None:
        self._node.generations.saw(task.subject_id, task.generation, int(self._node.now().timestamp()))
        log.info("%s %s of generation %s, task %s", task.verb, task.subject_id, task.generation, task.id)
        loop = asyncio.get_running_loop()
        try:
            done = await loop.run_in_executor(self._threads, verbs.carry_out, self._node, args, task.generation)
            result = TaskResult(task.id, task.generation, "done", output=done.output, evidence=done.evidence)
        except verbs.Failed as failed:
            log.warning("%s %s failed: %s %s", task.verb, task.subject_id, failed.code, failed.detail)
            result = _failure(task, failed.code, failed.detail, evidence=failed.evidence)
        except Exception as error:
            log.exception("%s %s ended in a bug of the agent", task.verb, task.subject_id)
            result = _failure(task, "internal", f"{type(error).__name__}: {error}", evidence=[])
        self._node.results.keep(sign_result(result, self._node_key), self._node.now())
        self._on_result()

    def _refuse(self, signed: SignedTask, refused: TaskRefused) -> None:
        """Tell why, without remembering: a refusal changes nothing here, not even the memory."""
        task_id, generation = _claimed(signed) if refused.task is None else (refused.task.id, refused.task.generation)
        log.warning("refused task %s: %s %s", task_id or "without an id", refused.code, refused.detail)
        if not task_id:
            return
        result = TaskResult(task_id, generation, "refused", refused.code, refused.detail[:4_000])
        self.refusals[task_id] = sign_result(result, self._node_key)
        while len(self.refusals) > MOST_WAITING:
            self.refusals.pop(next(iter(self.refusals)))
        self._on_result()

    @contextlib.asynccontextmanager
    async def _alone(self, keys: list[str]) -> AsyncIterator[None]:
        """Hold every key, always in the same order, so that no two tasks wait for each other."""
        async with contextlib.AsyncExitStack() as stack:
            for key in keys:
                self._lock_users[key] = self._lock_users.get(key, 0) + 1
                stack.callback(self._let_go, key)
                await stack.enter_async_context(self._locks.setdefault(key, asyncio.Lock()))
            yield

    def _let_go(self, key: str) -> None:
        self._lock_users[key] -= 1
        if self._lock_users[key] == 0:
            del self._lock_users[key], self._locks[key]


def keys_of(task: Task, args: TaskArgs) -> list[str]:
    """Everything a task may touch: its subject, and the allocation, slot and volumes in its arguments."""
    fields: dict[str, Any] = msgspec.structs.asdict(args)
    keys = {task.subject_id}
    keys.update(str(fields[name]) for name in ("allocation_id", "volume_id") if name in fields)
    keys.update(volume.volume_id for volume in fields.get("volumes", []))
    if "slot_index" in fields:
        keys.add(f"slot {fields['slot_index']}")
    return sorted(keys)


def _failure(task: Task, code: str, detail: str, evidence: list[Any]) -> TaskResult:
    return TaskResult(task.id, task.generation, "failed", code, detail[:4_000], evidence=evidence)


def _claimed(signed: SignedTask) -> tuple[str, int]:
    """What a task that is not believed says its id is: only to name it in the refusal."""
    try:
        task = msgspec.json.decode(decode_base64url(signed.payload), type=Task)
    except (ValueError, msgspec.MsgspecError):
        return "", 0
    return task.id, task.generation
