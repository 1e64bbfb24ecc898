"""What a new contract takes away from those who rely on the old one. Additions are free; each finding is one sentence.

Asked of a request: may it still say what it said? Asked of a response or an event: does it still say what it said?
"""

from collections.abc import Iterator
from typing import Any, Literal

from aifactory.contracts.openapi import Json, operations

Direction = Literal["request", "response"]
_TIGHTER = {"maxLength": -1, "maximum": -1, "maxItems": -1, "minLength": 1, "minimum": 1, "minItems": 1}


def openapi_breaks(old: Json, new: Json) -> list[str]:
    """Every way in which a client of `old` can fail against `new`. Pages promise nothing and are left out."""
    after = {(method, path): operation for method, path, operation in operations(new)}
    found: list[str] = []
    for method, path, operation in operations(old):
        where = f"{method.upper()} {path}"
        if operation.get("x-compatibility") == "none":
            continue
        following = after.get((method, path))
        if following is None:
            found.append(f"{where}: removed")
            continue
        found += [f"{where}: {what}" for what in _operation(old, new, operation, following)]
    return sorted(set(found))


def asyncapi_breaks(old: Json, new: Json) -> list[str]:
    """A consumer may meet events of the last 30 days, so a new member without a default breaks as a lost one does."""
    before, after = old["components"]["schemas"], new["components"]["schemas"]
    found = [f"event {name}: removed" for name in before if name not in after]
    for name in before.keys() & after.keys():
        found += [f"event {name}{what}" for what in _Comparison(old, new, "response").schema(before[name], after[name])]
        fresh = set(after[name].get("required", [])) - set(before[name].get("properties", {}))
        found += [f"event {name}.{field}: new without a default; older events lack it" for field in fresh]
    return sorted(set(found))


def _operation(old: Json, new: Json, before: Json, after: Json) -> Iterator[str]:
    if before.get("operationId") != after.get("operationId"):
        yield f"operationId {before.get('operationId')} became {after.get('operationId')}"
    if not before.get("security") and after.get("security"):
        yield "was public and now needs a sign-in"
    yield from _parameters(old, new, before, after)
    yield from _request(old, new, before, after)
    for status, response in before["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in after["responses"]:
            yield f"response {status} removed"
            continue
        for kind, content in response.get("content", {}).items():
            following = after["responses"][status].get("content", {}).get(kind)
            if following is None:
                yield f"response {status} is no longer {kind}"
            else:
                found = _Comparison(old, new, "response").schema(content.get("schema", {}), following.get("schema", {}))
                yield from (f"response {status}{what}" for what in found)


def _parameters(old: Json, new: Json, before: Json, after: Json) -> Iterator[str]:
    had = {(p["in"], p["name"]): p for p in before.get("parameters", [])}
    has = {(p["in"], p["name"]): p for p in after.get("parameters", [])}
    for key, parameter in had.items():
        if key not in has:
            yield f"parameter {key[1]}: removed"
            continue
        if has[key].get("required") and not parameter.get("required"):
            yield f"parameter {key[1]}: is now required"
        found = _Comparison(old, new, "request").schema(parameter.get("schema", {}), has[key].get("schema", {}))
        yield from (f"parameter {key[1]}{what}" for what in found)
    for key, parameter in has.items():
        if key not in had and parameter.get("required"):
            yield f"parameter {key[1]}: new and required"


def _request(old: Json, new: Json, before: Json, after: Json) -> Iterator[str]:
    had, has = before.get("requestBody"), after.get("requestBody")
    if has is None:
        if had is not None:
            yield "request body: removed"
        return
    if had is None:
        if has.get("required"):
            yield "request body: new and required"
        return
    if has.get("required") and not had.get("required"):
        yield "request body: is now required"
    for kind, content in had.get("content", {}).items():
        following = has.get("content", {}).get(kind)
        if following is None:
            yield f"request body: {kind} is no longer taken"
        else:
            found = _Comparison(old, new, "request").schema(content.get("schema", {}), following.get("schema", {}))
            yield from (f"request body{what}" for what in found)


class _Comparison:
    """Walks two schemas side by side, through references, each pair once."""

    def __init__(self, old: Json, new: Json, direction: Direction) -> None:
        self._old, self._new, self._direction = old, new, direction
        self._seen: set[tuple[str, str]] = set()

    def schema(self, before: Json, after: Json, where: str = "") -> Iterator[str]:
        pair = (before.get("$ref", ""), after.get("$ref", ""))
        if pair != ("", ""):
            if pair in self._seen:
                return
            self._seen.add(pair)
        before, after = _resolve(self._old, before), _resolve(self._new, after)
        yield from self._types(before, after, where)
        yield from self._values(before, after, where)
        yield from self._properties(before, after, where)
        if "items" in before and "items" in after:
            yield from self.schema(before["items"], after["items"], f"{where}[]")
        if isinstance(before.get("additionalProperties"), dict) and isinstance(after.get("additionalProperties"), dict):
            yield from self.schema(before["additionalProperties"], after["additionalProperties"], f"{where}.*")
        yield from self._branches(before, after, where)

    def _types(self, before: Json, after: Json, where: str) -> Iterator[str]:
        had, has = _types(self._old, before), _types(self._new, after)
        if not had or not has:
            return
        lost, gained = had - has, has - had
        if "integer" in lost and "number" in has:
            lost = lost - {"integer"}
        if self._direction == "request" and lost:
            yield f"{where}: no longer takes {', '.join(sorted(lost))}"
        if self._direction == "response" and gained:
            yield f"{where}: may now be {', '.join(sorted(gained))}"

    def _values(self, before: Json, after: Json, where: str) -> Iterator[str]:
        lost = [value for value in _values(before) if value not in _values(after)]
        if lost and _values(after):
            yield f"{where}: enum value removed: {', '.join(map(str, lost))}"
        if self._direction == "response":
            return
        if _values(after) and not _values(before):
            yield f"{where}: only certain values are taken now"
        for keyword, tighter in _TIGHTER.items():
            if keyword in after and (keyword not in before or (after[keyword] - before[keyword]) * tighter > 0):
                yield f"{where}: {keyword} is now {after[keyword]}"
        if after.get("pattern") and after.get("pattern") != before.get("pattern"):
            yield f"{where}: pattern is now {after['pattern']}"

    def _properties(self, before: Json, after: Json, where: str) -> Iterator[str]:
        had, has = before.get("properties", {}), after.get("properties", {})
        must, now_must = set(before.get("required", [])), set(after.get("required", []))
        yield from (f"{where}.{name}: removed" for name in had if name not in has)
        if self._direction == "request":
            yield from (f"{where}.{name}: is now required" for name in now_must - must)
        else:
            yield from (f"{where}.{name}: may now be missing" for name in (must - now_must) & has.keys())
        for name in had.keys() & has.keys():
            yield from self.schema(had[name], has[name], f"{where}.{name}")

    def _branches(self, before: Json, after: Json, where: str) -> Iterator[str]:
        """The branch of a nullable value is compared with its successor; wider unions are compared by type above."""
        had, has = _objects(before), _objects(after)
        if len(had) == 1 and len(has) == 1 and (had[0] is not before or has[0] is not after):
            yield from self.schema(had[0], has[0], where)


def _resolve(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        place: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        schema = place
    return schema


def _types(document: Json, schema: Json) -> set[str]:
    schema = _resolve(document, schema)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return set().union(*(_types(document, branch) for branch in branches))
    kind = schema.get("type")
    return set(kind) if isinstance(kind, list) else {kind} if kind else set()


def _values(schema: Json) -> list[Any]:
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _objects(schema: Json) -> list[Json]:
    branches = schema.get("anyOf") or schema.get("oneOf")
    if not branches:
        return [schema] if "properties" in schema or "$ref" in schema else []
    return [branch for branch in branches if branch.get("type") != "null"]
