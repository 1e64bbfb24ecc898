"""What a contract must not be: untyped, unnamed, unpermissioned, or guessed. Each finding says where."""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from aifactory.contracts.openapi import Json, operations

_OPERATION_ID = re.compile(r"^[a-z]+(_[a-z0-9]+)+$")
_EVENT = re.compile(r"^[a-z_]+\.[a-z]+(_[a-z]+)*$")


def lint_openapi(document: Json) -> list[str]:
    found, seen = [], set()
    for method, path, operation in operations(document):
        where = f"{method.upper()} {path}"
        name = operation.get("operationId", "")
        if not _OPERATION_ID.match(name) or name in seen:
            found.append(f"{where}: operationId {name!r} is not unique and of the form <domain>_<verb>_<noun>")
        seen.add(name)
        if len(operation.get("tags", [])) != 1:
            found.append(f"{where}: belongs to no domain, or to several ({operation.get('tags')})")
        if not operation.get("x-permission"):
            found.append(f"{where}: declares no permission")
        if "default" in operation["responses"]:
            found.append(f"{where}: has a `default` response; name each status")
        found += [f"{where}: {what}" for what in _untyped_bodies(operation)]
        found += [
            f"{where}: parameter {parameter['name']}{what}"
            for parameter in operation.get("parameters", [])
            for what in _untyped(parameter.get("schema", {}))
        ]
    for name, schema in document["components"]["schemas"].items():
        found += [f"schema {name}{what}" for what in _untyped(schema)]
    return found


def _untyped_bodies(operation: Json) -> Iterator[str]:
    bodies = [("request body", operation.get("requestBody", {}))]
    bodies += [(f"response {status}", body) for status, body in operation["responses"].items()]
    for what, body in bodies:
        for content_type, content in body.get("content", {}).items():
            if "json" in content_type:
                yield from (f"{what}{finding}" for finding in _untyped(content.get("schema", {})))


def _untyped(schema: Any, where: str = "") -> Iterator[str]:
    """Places at which anything at all would be allowed; `x-free-form` says why where that is meant."""
    if not isinstance(schema, dict) or not {*schema} - {"title", "description", "default"}:
        yield f"{where}: has no type (declare a response_model or a typed field)"
        return
    if "$ref" in schema or "x-free-form" in schema:
        return
    for keyword in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(keyword, []):
            yield from _untyped(part, where)
    for name, part in schema.get("properties", {}).items():
        yield from _untyped(part, f"{where}.{name}")
    if schema.get("type") == "array":
        yield from _untyped(schema.get("items", {} if "prefixItems" not in schema else {"type": "any"}), f"{where}[]")
    if schema.get("type") == "object":
        yield from _untyped_members(schema, where)


def _untyped_members(schema: Json, where: str) -> Iterator[str]:
    """What else an object may hold than its named members, which clients may ignore and validate.py refuses."""
    for part in schema.get("patternProperties", {}).values():
        yield from _untyped(part, f"{where}.*")
    additional = schema.get("additionalProperties", "properties" not in schema)
    if additional is True:
        yield f"{where}: is an object of anything"
    elif isinstance(additional, dict):
        yield from _untyped(additional, f"{where}.*")


# The part of AsyncAPI 3.0 that we write, as strictly as we write it.
_REF = {
    "type": "object",
    "required": ["$ref"],
    "properties": {"$ref": {"type": "string"}},
    "additionalProperties": False,
}
ASYNCAPI_RULES: Json = {
    "type": "object",
    "required": ["asyncapi", "info", "defaultContentType", "channels", "operations", "components"],
    "additionalProperties": False,
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "defaultContentType": {"const": "application/json"},
        "channels": {
            "additionalProperties": {
                "type": "object",
                "required": ["address", "messages"],
                "additionalProperties": False,
                "properties": {"address": {"type": "string"}, "messages": {"additionalProperties": _REF}},
            }
        },
        "operations": {
            "additionalProperties": {
                "type": "object",
                "required": ["action", "channel", "messages", "tags"],
                "properties": {
                    "action": {"enum": ["send", "receive"]},
                    "channel": _REF,
                    "messages": {"type": "array", "items": _REF, "minItems": 1},
                },
            }
        },
        "components": {
            "type": "object",
            "required": ["messages", "schemas"],
            "properties": {
                "messages": {"additionalProperties": {"type": "object", "required": ["name", "summary", "payload"]}},
                "schemas": {"additionalProperties": {"type": "object"}},
            },
        },
    },
}


def lint_asyncapi(document: Json) -> list[str]:
    found = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(ASYNCAPI_RULES).iter_errors(document)
    ]
    if found:
        return found
    found += [f"{ref} leads nowhere" for ref in _refs(document) if not _resolves(document, ref)]
    for name, message in document["components"]["messages"].items():
        if not _EVENT.match(name):
            found.append(f"event {name}: is not <domain>.<past_tense>")
        if not message["summary"]:
            found.append(f"event {name}: says nothing about itself (write a docstring)")
    for name, schema in document["components"]["schemas"].items():
        if name != "Envelope":
            found += [f"event {name}{what}" for what in _untyped(schema)]
    return found


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from _refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from _refs(part)


def _resolves(document: Json, ref: str) -> bool:
    place: Any = document
    for part in ref.removeprefix("#/").split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(place, dict) or part not in place:
            return False
        place = place[part]
    return True
