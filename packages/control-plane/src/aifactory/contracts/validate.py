"""Holds what was really sent against the bundles. Stricter than clients are: a member nobody declared is a finding."""

import copy
import json
import re
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from aifactory.contracts.openapi import Json, operations

PREFIX = "/api/v3/"


class ContractViolation(AssertionError):
    """What was sent is not what the contract says."""


class _Schemas:
    """Validators over one document, made on first use."""

    def __init__(self, document: Json) -> None:
        strict = copy.deepcopy(document)
        for schema in strict["components"]["schemas"].values():
            _close(schema)
        self.document = strict
        self._registry: Registry[Any] = Registry().with_resource(
            "urn:bundle", Resource.from_contents(strict, default_specification=DRAFT202012)
        )
        self._made: dict[str, Draft202012Validator] = {}

    def check(self, pointer: str, value: Any, where: str) -> None:
        if pointer not in self._made:
            schema = {"$ref": f"urn:bundle#{pointer}"}
            self._made[pointer] = Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())
        errors = sorted(self._made[pointer].iter_errors(value), key=lambda error: error.json_path)
        if errors:
            listed = "; ".join(f"{error.json_path}: {error.message}"[:300] for error in errors[:5])
            raise ContractViolation(f"{where}: {listed}")


class ResponseValidator:
    """Checks responses of the public API. `bundle` is an OpenAPI document as openapi.build gives it.

    As an httpx event hook: `AsyncClient(event_hooks={"response": [validator.hook]})`.
    """

    def __init__(self, bundle: Json) -> None:
        self._schemas = _Schemas(bundle)
        self.seen: set[tuple[str, str, int]] = set()

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str, str, Json]]:
        """Paths without parameters first, as the API itself prefers them by order of declaration."""
        found = [
            (re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), method.upper(), path, operation)
            for method, path, operation in operations(self._schemas.document)
        ]
        return sorted(found, key=lambda item: item[2].count("{"))

    def knows(self, method: str, path: str) -> bool:
        """Whether the contract has such an operation."""
        return self._match(method, path) is not None

    def _match(self, method: str, path: str) -> tuple[str, Json] | None:
        found = next((item for item in self._routes if item[1] == method and item[0].match(path)), None)
        return (found[2], found[3]) if found else None

    def check(self, method: str, path: str, status: int, content_type: str, body: bytes) -> None:
        """Raises ContractViolation; what the contract does not describe (HTML, redirects to sign-in) is left alone."""
        if not path.startswith(PREFIX):
            return
        match = self._match(method, path)
        if match is None:
            if status not in (404, 405, 413, 421):
                raise ContractViolation(f"{method} {path}: answered {status} but is not in the contract")
            return
        template, operation = match
        where = f"{method} {template} -> {status}"
        self.seen.add((method, template, status))
        response = operation["responses"].get(str(status))
        if response is None:
            if status == 405:
                return
            raise ContractViolation(f"{where}: this status is not declared")
        self._check_content(where, template, method, str(status), response, content_type.split(";")[0].strip(), body)

    def _check_content(
        self, where: str, template: str, method: str, status: str, response: Json, kind: str, body: bytes
    ) -> None:
        declared = response.get("content", {})
        if not body and (not declared or status in ("204", "304")):
            return
        if kind not in declared:
            raise ContractViolation(f"{where}: sent {kind or 'no type'}, declared {', '.join(declared) or 'no body'}")
        if "json" in kind:
            place = ["paths", template, method.lower(), "responses", status, "content", kind, "schema"]
            pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)
            self._schemas.check(pointer.replace("{", "%7B").replace("}", "%7D"), json.loads(body), where)

    async def hook(self, response: Any) -> None:
        """For httpx: reads the response and checks it."""
        await response.aread()
        request = response.request
        content_type = response.headers.get("content-type", "")
        self.check(request.method, request.url.path, response.status_code, content_type, response.content)


class EventValidator:
    """Checks outbox rows. `bundle` is an AsyncAPI document as asyncapi.build gives it."""

    def __init__(self, bundle: Json) -> None:
        self._schemas = _Schemas(bundle)
        self.seen: set[str] = set()

    def check(self, envelope: Json) -> None:
        """`envelope` has rule 3's members. Raises ContractViolation."""
        name = str(envelope.get("type"))
        if name not in self._schemas.document["channels"]:
            raise ContractViolation(f"event {name}: is not in the contract")
        self.seen.add(name)
        self._schemas.check("/components/schemas/Envelope", envelope, f"event {name}")
        self._schemas.check(f"/components/schemas/{name}", envelope["payload"], f"payload of {name}")


def _close(schema: Any) -> None:
    """An object with named members has no others, unless it says that it has."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)
