"""Launch parameters: checked against the app's JSON Schema, then put into its command. Nothing is ever split or quoted:
a value stays inside the one argument that names it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from aifactory.kernel.errors import invalid

Value = str | int | bool
IN_SANDBOX = ("socket", "home", "python")  # known only there
_MARKS = "\ue000", "\ue001"  # around such a name on its way to the sandbox; no value may hold them
_NAME_IN_BRACES = re.compile(r"\{([a-z][a-z0-9_]{0,63})\}")


class Property(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One parameter, in JSON Schema's own words; `multiline` is a hint for forms."""

    type: Literal["string", "integer", "boolean"]
    title: str = ""
    description: str = ""
    default: Value | None = None
    enum: list[str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    minLength: int | None = None
    maxLength: int | None = None
    pattern: str | None = None


class ParameterSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON Schema of an object of plain values."""

    type: Literal["object"] = "object"
    properties: dict[str, Property] = {}
    required: list[str] = []
    additionalProperties: Literal[False] = False


def check_parameters(schema: ParameterSchema, given: Mapping[str, Any]) -> dict[str, Value]:
    """The values with defaults filled in. 422 `invalid_parameter` that names the first wrong one."""
    from jsonschema import Draft202012Validator  # here, because it is slow to import and only launches need it

    filled = {name: known.default for name, known in schema.properties.items() if known.default is not None}
    values = filled | dict(given)
    for error in Draft202012Validator(msgspec.to_builtins(schema)).iter_errors(values):
        place = ".".join(["parameters", *(str(part) for part in error.absolute_path)])
        raise invalid(
            place, error.message[:300], "Look at the app's parameters: GET /api/v3/apps/{name}.", "invalid_parameter"
        )
    for name, value in values.items():
        if isinstance(value, str) and any(mark in value for mark in ("\0", *_MARKS)):
            raise invalid(
                f"parameters.{name}", "It holds a character that no value may hold.", code="invalid_parameter"
            )
    return values


def fill(template: str, values: Mapping[str, Value]) -> str:
    """Names in braces replaced by their values; braces around anything else stay as they are, also those in values.

    Names that only the sandbox knows travel between marks, so that it replaces the manifest's and never a tenant's.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in IN_SANDBOX:
            return _MARKS[0] + name + _MARKS[1]
        known = values.get(name)
        if known is None:
            return match[0]
        return str(known).lower() if isinstance(known, bool) else str(known)

    return _NAME_IN_BRACES.sub(value, template)


def command_of(command: Sequence[str], values: Mapping[str, Value]) -> list[str]:
    """The arguments as they are run."""
    return [fill(part, values) for part in command]
