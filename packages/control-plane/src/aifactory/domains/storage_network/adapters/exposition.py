"""Counters out of a Prometheus endpoint, in its protobuf form: only that one tells when each counter was created.

The text form would not do: a store forgets the counters of a bucket that was idle for a while, and a counter that began
anew and has already passed its old value looks there like one that went on.
"""

import struct
from collections.abc import Iterator

from aifactory.domains.storage_network.ports import Counter

ACCEPT = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
# field numbers of io.prometheus.client: MetricFamily, Metric, Counter, LabelPair, Timestamp
_FAMILY_NAME, _FAMILY_METRIC = 1, 4
_METRIC_LABEL, _METRIC_COUNTER = 1, 3
_COUNTER_VALUE, _COUNTER_CREATED = 1, 3


def counters(message: bytes, family: str, label: str) -> dict[str, Counter]:
    """Of the family of this name: value of `label` -> its counter. Raises ValueError on what is no such message."""
    found: dict[str, Counter] = {}
    at = 0
    while at < len(message):
        length, at = _varint(message, at)
        fields = list(_fields(message[at : at + length]))
        at += length
        if (_FAMILY_NAME, family.encode()) in fields:
            found.update(_counter(metric, label) for number, metric in fields if number == _FAMILY_METRIC)
    return found


def _counter(metric: bytes, label: str) -> tuple[str, Counter]:
    fields = list(_fields(metric))
    labels = dict(_text_pair(pair) for number, pair in fields if number == _METRIC_LABEL)
    counter = dict(_fields(next(part for number, part in fields if number == _METRIC_COUNTER)))
    value = struct.unpack("<d", counter.get(_COUNTER_VALUE, bytes(8)))[0]
    created = dict(_fields(counter[_COUNTER_CREATED]))
    return labels[label], Counter(f"{_number(created.get(1))}.{_number(created.get(2)):09d}", int(value))


def _text_pair(pair: bytes) -> tuple[str, str]:
    fields = dict(_fields(pair))
    return fields[1].decode(), fields.get(2, b"").decode()


def _number(field: bytes | None) -> int:
    return int.from_bytes(field or b"", "little")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and raw content of each field; a varint as its little-endian bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            number, at = _varint(message, at)
            yield tag >> 3, number.to_bytes(10, "little")
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind} is not in these messages")
        if at + length > len(message):
            raise ValueError("the message ends early")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("the message ends early")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
