"""OpenAPI 3.1 from the routers that the API really mounts; with our problems, security and permissions made explicit."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from aifactory.kernel.routes import Routes, needed_if_match

Json = dict[str, Any]

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details. `code` is stable; `todo` says what the caller can do. Some codes add members.",
    "required": ["type", "title", "status", "code", "detail", "todo", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "todo": {"type": "string"},
        "request_id": {"type": "string"},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
    },
    "additionalProperties": {"x-free-form": "members that a code adds, for example `limit` and `used`"},
}
PROBLEM_FIELD: Json = {
    "type": "object",
    "title": "ProblemField",
    "required": ["field", "code", "detail"],
    "properties": {name: {"type": "string"} for name in ("field", "code", "detail")},
    "additionalProperties": False,
}
SECURITY: Json = {
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-aif_session", "description": "The portal's session."},
    "key": {"type": "http", "scheme": "bearer", "description": "An API key or the CLI's token."},
}
MEANING = {
    400: "The request cannot be read, or lacks its Idempotency-Key",
    401: "Nobody is signed in",
    402: "Payment or identity verification is needed first",
    403: "Signed in, but not allowed",
    404: "There is no such thing that the caller can see",
    408: "The body came too slowly",
    409: "Not possible in the present state",
    412: "The resource has changed since it was read",
    413: "The body is too large",
    421: "This server does not answer for that host",
    422: "The request is not valid; `field` says where",
    428: "The edit does not say which state it changes",
    429: "Too many requests; Retry-After says when to come back",
    500: "Something broke on our side",
    503: "Not available right now",
}


def build(routers: Iterable[Routes], tags: Iterable[Json] = ()) -> Json:
    """The bundle for these routers. Deterministic: the same code gives the same document."""
    routes = [route for router in routers for route in router.routes]
    document = get_openapi(
        title="AI Factory",
        version="3.0",
        openapi_version="3.1.0",
        description="Compute, priced and metered by the second. Within v3 changes are additive; clients tolerate "
        "unknown enum values. `/pages/*` are read models of the portal and promise no compatibility.",
        routes=routes,
        tags=list(tags),
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= {"Problem": PROBLEM, "ProblemField": PROBLEM_FIELD}
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    _close_patterns(document)
    document["components"]["securitySchemes"] = SECURITY
    document["paths"] = dict(sorted(document.get("paths", {}).items()))
    access = {
        (method, route.path_format): route
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    for method, path, operation in operations(document):
        _complete(operation, method, path, access[method.upper(), path])
    return document


def _close_patterns(value: Any) -> None:
    """Pydantic refuses a name that fits no pattern, and does not say so in the schema that it writes."""
    if isinstance(value, dict):
        if "patternProperties" in value:
            value.setdefault("additionalProperties", False)
        for part in value.values():
            _close_patterns(part)
    elif isinstance(value, list):
        for part in value:
            _close_patterns(part)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """(method, path, operation) of a document, in its order."""
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method, path, operation


def _complete(operation: Json, method: str, path: str, route: APIRoute) -> None:
    """Problems for each way to be refused, the security it needs, and no guessing."""
    permission = operation["x-permission"]
    operation["security"] = [] if permission == "public" else [{"session": []}, {"key": []}]
    if path.startswith("/api/v3/pages/"):
        operation["x-compatibility"] = "none"
    needs_if_match = any(part.call is needed_if_match for part in route.dependant.dependencies)
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "If-Match":
            parameter["required"] = needs_if_match
    responses = operation["responses"]
    responses.pop("default", None)
    answered = sorted(status for status in responses if not status.startswith(("4", "5")))
    refused = {str(status): _problem(status) for status in _refusals(method, operation, needs_if_match)}
    declared = {status: body for status, body in responses.items() if status not in answered and status != "422"}
    operation["responses"] = {status: responses[status] for status in answered} | dict(
        sorted((refused | declared).items())
    )
    for status in answered:
        _headers(operation["responses"][status], route)


def _refusals(method: str, operation: Json, needs_if_match: bool) -> list[int]:
    # 401 also on public routes: a wrong key is never ignored. 404 everywhere: the caller may name a tenant that is not its own.
    statuses = [400, 401, 403, 404, 413, 421, 422, 429, 500, 503]
    if "requestBody" in operation:
        statuses.append(408)
    if method != "get":
        statuses.append(409)
    if method == "post":
        statuses.append(402)
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", [])):
        statuses += [412, 428] if needs_if_match else [412]
    return statuses


def _problem(status: int) -> Json:
    return {"description": MEANING[status], "content": {"application/problem+json": {"schema": PROBLEM_REF}}}


def _headers(response: Json, route: APIRoute) -> None:
    response.setdefault("headers", {})["X-Request-Id"] = {
        "description": "Names this request in logs, audit records and problems.",
        "schema": {"type": "string"},
    }
    if response.get("description") == "Successful Response":
        first = (route.endpoint.__doc__ or route.summary or route.name.replace("_", " ")).strip().splitlines()[0]
        response["description"] = first
