"""A node must be able to believe every byte of a task, and the control plane every byte of a result."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aifactory_protocol import (
    BadArguments,
    BadResult,
    BadSignature,
    Evidence,
    SignedTask,
    StaleGeneration,
    Task,
    TaskExpired,
    TaskResult,
    UnknownVerb,
    VolumeCreate,
    WrongNode,
    canonical_json,
    sign_result,
    sign_task,
    verify_result,
    verify_task,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


def a_task(**changes):
    task = Task(
        id="task_1",
        node_id="node_a",
        verb="volume.create",
        subject_id="vol_1",
        generation=3,
        args={"volume_id": "vol_1", "size_bytes": 1 << 30},
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
    )
    return msgspec.structs.replace(task, **changes)


def verify(signed, **changes):
    options = {"node_id": "node_a", "now": NOW, "last_generation": lambda subject_id: 3} | changes
    return verify_task(signed, KEY.public_key(), **options)


def test_a_signed_task_arrives_as_it_was_sent():
    task, args = verify(sign_task(a_task(), KEY))
    assert task == a_task()
    assert args == VolumeCreate("vol_1", 1 << 30)


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'
    with pytest.raises(TypeError, match="no floats"):
        canonical_json({"price": 0.1})


def test_a_flipped_bit_anywhere_in_the_envelope_is_refused():
    signed = sign_task(a_task(), KEY)
    for field in ("payload", "digest", "signature"):
        text = getattr(signed, field)
        for position in range(0, len(text), 7):
            letter = "A" if text[position] != "A" else "B"
            changed = msgspec.structs.replace(signed, **{field: text[:position] + letter + text[position + 1 :]})
            with pytest.raises(BadSignature):
                verify(changed)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"node_id": "node_b"}, {}, WrongNode),
        ({}, {"now": NOW + timedelta(minutes=5)}, TaskExpired),
        ({"issued_at": NOW + timedelta(minutes=4)}, {}, TaskExpired),
        ({"expires_at": NOW + timedelta(days=2)}, {}, TaskExpired),
        ({"generation": 2}, {}, StaleGeneration),
        ({"verb": "shell.run"}, {}, UnknownVerb),
        ({"args": {"volume_id": "vol_1", "size_bytes": 1 << 30, "more": 1}}, {}, BadArguments),
        ({"args": {"volume_id": "../etc", "size_bytes": 1 << 30}}, {}, BadArguments),
        ({"args": {"volume_id": "vol_1"}}, {}, BadArguments),
    ],
)
def test_a_well_signed_task_that_breaks_a_rule_is_refused_with_its_reason(changes, options, expected):
    with pytest.raises(expected) as refused:
        verify(sign_task(a_task(**changes), KEY), **options)
    assert refused.value.task is not None
    assert refused.value.detail


def test_another_control_planes_key_is_refused():
    with pytest.raises(BadSignature):
        verify(sign_task(a_task(), Ed25519PrivateKey.generate()))


def test_a_task_envelope_knows_no_further_fields_and_no_endless_ones():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"payload":"","digest":"' + b"0" * 64 + b'","signature":"","extra":1}', type=SignedTask)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(
            b'{"payload":"' + b"A" * 200_000 + b'","digest":"' + b"0" * 64 + b'","signature":""}', type=SignedTask
        )


def test_a_result_is_believed_only_from_the_node_that_signed_it():
    key = ec.generate_private_key(ec.SECP256R1())
    evidence = [Evidence("mounts_gone", True, "none", NOW + timedelta(microseconds=7))]
    signed = sign_result(TaskResult("task_1", 3, "done", output={"a": [1, "x"]}, evidence=evidence), key)
    received = msgspec.json.decode(msgspec.json.encode(signed), type=TaskResult)
    verify_result(received, key.public_key())
    with pytest.raises(BadResult):
        verify_result(msgspec.structs.replace(received, status="failed"), key.public_key())
    with pytest.raises(BadResult):
        verify_result(received, ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(BadResult):
        verify_result(msgspec.structs.replace(received, signature=""), key.public_key())
