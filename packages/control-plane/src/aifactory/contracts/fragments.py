"""Each domain's share of the two bundles: what its team reviews when its contract changes."""

from typing import Any

from aifactory.contracts.openapi import Json, operations


def fragments(openapi: Json, asyncapi: Json) -> dict[str, Json]:
    """domain -> its operations with the schemas they reach, and its events. Domains without either have none."""
    domains = {operation["tags"][0] for _, _, operation in operations(openapi)}
    domains |= {name.split(".")[0] for name in asyncapi["channels"]}
    return {domain: _fragment(domain, openapi, asyncapi) for domain in sorted(domains)}


def _fragment(domain: str, openapi: Json, asyncapi: Json) -> Json:
    paths: Json = {}
    for method, path, operation in operations(openapi):
        if operation["tags"] == [domain]:
            paths.setdefault(path, {})[method] = operation
    schemas = openapi["components"]["schemas"]
    reached: set[str] = set()
    _reach(paths, schemas, reached)
    events = {
        name: asyncapi["components"]["schemas"][name] for name in asyncapi["channels"] if name.split(".")[0] == domain
    }
    consumed = {
        consumer: name
        for name, operation in asyncapi["operations"].items()
        for consumer in operation["x-consumers"]
        if consumer.split(".")[0] == domain
    }
    return {
        "domain": domain,
        "paths": paths,
        "schemas": {name: schemas[name] for name in sorted(reached)},
        "events": events,
        "consumes": dict(sorted(consumed.items())),
    }


def _reach(value: Any, schemas: Json, reached: set[str]) -> None:
    if isinstance(value, dict):
        name = str(value.get("$ref", "")).removeprefix("#/components/schemas/")
        if name in schemas and name not in reached:
            reached.add(name)
            _reach(schemas[name], schemas, reached)
        for part in value.values():
            _reach(part, schemas, reached)
    elif isinstance(value, list):
        for part in value:
            _reach(part, schemas, reached)
