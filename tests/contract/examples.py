"""The contract with what a test may know beside it: examples of requests that are taken, and things that exist."""

import copy
import tomllib
from pathlib import Path
from typing import Any

from authz.expectations import expectations
from contract.belongings import Belongings

from aifactory.contracts.openapi import Json, operations

_FILE = Path(__file__).with_name("requests.toml")


def with_examples(document: Json, belongings: Belongings) -> Json:
    """A copy of the contract in which each operation brings an example of whatever it needs."""
    known: dict[str, Json] = {entry.route: {"body": entry.body} for entry in expectations() if entry.body is not None}
    known |= tomllib.loads(_FILE.read_text())
    made = copy.deepcopy(document)
    for method, path, operation in operations(made):
        request = belongings.filled(known.get(f"{method.upper()} {path}", {}))
        for parameter in operation.get("parameters", []):
            value = _value(parameter, request, belongings, path)
            if value is not None:
                parameter["example"] = value
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["example"] = request.get("body", {})
    return made


def _value(parameter: Json, request: Json, belongings: Belongings, path: str) -> Any:
    match parameter["in"], parameter["name"]:
        case "path", name:
            return belongings.known(name, path)
        case "query", name:
            return request.get("query", {}).get(name)
        case "header", "If-Match":
            return "*"
        case "header", "Idempotency-Key":
            return belongings.unique()
    return None
