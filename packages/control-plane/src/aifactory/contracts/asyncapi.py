"""AsyncAPI 3.0 from the published event payloads and from who consumes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from aifactory.kernel.consumers import Consumer

Json = dict[str, Any]

ENVELOPE: Json = {
    "type": "object",
    "title": "Envelope",
    "description": "What travels around every payload. Order is not promised: compare aggregate_version.",
    "required": [
        "id",
        "type",
        "version",
        "aggregate",
        "aggregate_version",
        "tenant_id",
        "occurred_at",
        "traceparent",
        "payload",
    ],
    "properties": {
        "id": {
            "type": "string",
            "pattern": "^evt_",
            "description": "Also the message id: the same event is the same id.",
        },
        "type": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "aggregate": {"type": "string", "description": "The id of what the event is about."},
        "aggregate_version": {"type": "integer", "minimum": 0},
        "tenant_id": {"type": ["string", "null"]},
        "occurred_at": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string"},
        "payload": {"type": "object"},
    },
}


def build(events: Mapping[str, type], consumers: Iterable[Consumer] = ()) -> Json:
    """One channel for each event: `aif.events.<domain>.<past tense>`. Deterministic."""
    by_type: dict[str, list[str]] = {}
    for consumer in consumers:
        for name in consumer.events:
            by_type.setdefault(name, []).append(consumer.name)
    names = sorted(events)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "AI Factory events",
            "version": "3.0",
            "description": "Facts, told after they were committed. Delivered at least once; a consumer remembers ids. "
            "Changes are additive: a consumer ignores members it does not know.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in names},
        "operations": {name: _operation(name, sorted(by_type.get(name, []))) for name in names},
        "components": {
            "messages": {name: _message(name, events[name]) for name in names},
            "schemas": {"Envelope": ENVELOPE} | {name: _payload(events[name]) for name in names},
        },
    }


def _channel(name: str) -> Json:
    return {"address": f"aif.events.{name}", "messages": {name: {"$ref": f"#/components/messages/{_escape(name)}"}}}


def _operation(name: str, consumers: list[str]) -> Json:
    channel = f"#/channels/{_escape(name)}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_escape(name)}"}],
        "tags": [{"name": name.split(".")[0]}],
        "x-consumers": consumers,
    }


def _message(name: str, event: type) -> Json:
    return {
        "name": name,
        "summary": (event.__doc__ or "").strip(),
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": name},
                        "version": {"const": event.VERSION},  # type: ignore[attr-defined]  # set by @event
                        "payload": {"$ref": f"#/components/schemas/{_escape(name)}"},
                    },
                },
            ]
        },
    }


def _payload(event: type) -> Json:
    schema = TypeAdapter(event).json_schema(mode="serialization")
    schema.pop("description", None)
    return schema


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
