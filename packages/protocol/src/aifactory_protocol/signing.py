"""Canonical JSON and the two signatures: the control plane's on tasks (ed25519), the node's on results (EC P-256).

Each signature covers a purpose line before the bytes, so that one kind can never be passed off as the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aifactory_protocol.limits import MAX_CLOCK_SKEW_SECONDS, MAX_TASK_BYTES, MAX_TASK_LIFE_SECONDS
from aifactory_protocol.tasks import VERBS, SignedTask, Task, TaskArgs, TaskResult, arguments_of

_TASK_PURPOSE = b"aifactory.task.v1\n"
_RESULT_PURPOSE = b"aifactory.result.v1\n"


class TaskRefused(Exception):
    """The task must not be carried out. `code` is stable; `task` is there when its signature was good."""

    code = "refused"

    def __init__(self, detail: str, task: Task | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.task = task


class BadSignature(TaskRefused):
    """Not signed by the control plane, or changed on the way: nothing in it is believed, not even its id."""

    code = "bad_signature"


class BadTask(TaskRefused):
    """Well signed, but not a task this protocol knows."""

    code = "bad_task"


class WrongNode(TaskRefused):
    """Signed for another node."""

    code = "wrong_node"


class TaskExpired(TaskRefused):
    """Outside its time."""

    code = "expired"


class StaleGeneration(TaskRefused):
    """The subject has moved on: a newer generation was seen here."""

    code = "stale_generation"


class UnknownVerb(TaskRefused):
    """Not in the fixed list of verbs."""

    code = "unknown_verb"


class BadArguments(TaskRefused):
    """The verb's schema does not allow these arguments."""

    code = "bad_arguments"


class BadResult(Exception):
    """The result was not signed by this node's key, or was changed on the way."""


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, no floats: the same value is the same bytes everywhere."""
    plain = msgspec.to_builtins(value)
    _refuse_floats(plain)
    return msgspec.json.encode(plain, order="sorted")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("signed JSON holds no floats: send whole units or text")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_floats(item)


def encode_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of unpadded base64url; raises ValueError when it is not in its one canonical form."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encode_base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def sign_task(task: Task, key: Ed25519PrivateKey) -> SignedTask:
    """Wrap a task for its node."""
    payload = canonical_json(task)
    if len(payload) > MAX_TASK_BYTES:
        raise ValueError(f"the task has {len(payload)} bytes, more than the {MAX_TASK_BYTES} a node accepts")
    return SignedTask(
        payload=encode_base64url(payload),
        digest=hashlib.sha256(payload).hexdigest(),
        signature=encode_base64url(key.sign(_TASK_PURPOSE + payload)),
    )


def verify_task(
    signed: SignedTask,
    key: Ed25519PublicKey,
    *,
    node_id: str,
    now: datetime,
    last_generation: Callable[[str], int] = lambda subject_id: 0,
) -> tuple[Task, TaskArgs]:
    """The task and its typed arguments, or a TaskRefused that says which rule it breaks.

    `last_generation` gives the highest generation seen here for a subject (0 when none).
    """
    task = _authentic_task(signed, key)
    if not hmac.compare_digest(task.node_id, node_id):
        raise WrongNode(f"the task is for {task.node_id}, this is {node_id}", task)
    _check_time(task, now)
    if task.verb not in VERBS:
        raise UnknownVerb(f"this agent does not know the verb {task.verb}", task)
    try:
        args = arguments_of(task)
    except msgspec.ValidationError as error:
        raise BadArguments(str(error), task) from error
    seen = last_generation(task.subject_id)
    if task.generation < seen:
        raise StaleGeneration(f"{task.subject_id} is at generation {seen}, the task is of {task.generation}", task)
    return task, args


def _authentic_task(signed: SignedTask, key: Ed25519PublicKey) -> Task:
    try:
        payload = decode_base64url(signed.payload)
        if len(payload) > MAX_TASK_BYTES:
            raise BadSignature("the task is larger than a node accepts")
        key.verify(decode_base64url(signed.signature), _TASK_PURPOSE + payload)
    except (ValueError, InvalidSignature) as error:
        raise BadSignature("the task is not signed by the control plane's task key") from error
    if not hmac.compare_digest(hashlib.sha256(payload).hexdigest(), signed.digest):
        raise BadSignature("the digest does not fit the payload")
    try:
        task = msgspec.json.decode(payload, type=Task)
    except msgspec.MsgspecError as error:
        raise BadTask(f"not a task of this protocol: {error}") from error
    return task


def _check_time(task: Task, now: datetime) -> None:
    skew = timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)
    if task.expires_at <= now:
        raise TaskExpired(f"the task expired at {task.expires_at.isoformat()}", task)
    if task.issued_at > now + skew:
        raise TaskExpired(f"the task is issued in the future, at {task.issued_at.isoformat()}", task)
    if task.expires_at - task.issued_at > timedelta(seconds=MAX_TASK_LIFE_SECONDS):
        raise TaskExpired("the task's life is longer than a node accepts", task)


def sign_result(result: TaskResult, key: ec.EllipticCurvePrivateKey) -> TaskResult:
    """The same result with the node's signature over its canonical JSON without the signature."""
    unsigned = msgspec.structs.replace(result, signature="")
    signature = key.sign(_RESULT_PURPOSE + canonical_json(unsigned), ec.ECDSA(hashes.SHA256()))
    return msgspec.structs.replace(result, signature=encode_base64url(signature))


def verify_result(result: TaskResult, key: ec.EllipticCurvePublicKey) -> None:
    """Raises BadResult unless the holder of this public key (the node's certificate's) signed the result."""
    unsigned = msgspec.structs.replace(result, signature="")
    try:
        signature = decode_base64url(result.signature)
        key.verify(signature, _RESULT_PURPOSE + canonical_json(unsigned), ec.ECDSA(hashes.SHA256()))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise BadResult(f"the result of {result.task_id} is not signed by the node's key") from error
