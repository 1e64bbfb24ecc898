"""Routes: each declares its permission, runs in one transaction that the edge opens, and is committed before the answer leaves."""

from collections.abc import Callable
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute

from aifactory.kernel.db import Database, Tx
from aifactory.kernel.edge import Access, handle
from aifactory.kernel.errors import Problem
from aifactory.kernel.known_queries import Handler, KnownQueries, remembers
from aifactory.kernel.rates import CHANGE, READ

PUBLIC = "public"
SIGNED_IN = "signed_in"  # any authenticated principal, about itself
AGENT = "agent"
GATEWAY = "gateway"
API_PREFIX = "/api/v3"
AGENT_PREFIX = "/internal/v3"


# Told of every answer: (domain, the route's path, status, seconds). They only count; none may wait or raise.
Observer = Callable[[str, str, int, float], None]
OBSERVERS: list[Observer] = []

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class EdgeRoute(APIRoute):
    """Wraps FastAPI's own handler in our edge. `access` is attached by Routes. `known`: see KnownQueries."""

    access: Access
    known: KnownQueries | None = None
    answer: Handler

    def get_route_handler(self) -> Handler:
        inner: Handler = super().get_route_handler()
        if remembers(self):
            inner = self.known = KnownQueries(self, inner)

        async def with_edge(request: Request) -> Response:
            began = perf_counter()
            response = await handle(request, self.access, inner)
            for observe in OBSERVERS:
                observe(self.access.domain, self.path, response.status_code, perf_counter() - began)
            return response

        self.answer = with_edge
        return with_edge


class Routes(APIRouter):
    """A domain's routes under one path. A route without `permission` cannot be declared: TypeError at import.

    permission: a key of the domain's `permissions`, or PUBLIC, SIGNED_IN, AGENT, GATEWAY. `platform.…` runs as the operator role.
    operator_permission: a `platform.…` permission whose holders may use the route too, as the operator role.
    cost: units of the caller's rate that a request takes; see rates. platform_data: operators see the platform's own through it; else each look is recorded in the tenant's audit log.
    secret_fields: response members that are shown once and never saved for replay. tx=False: the endpoint gets `db: Db`
    and opens its own transactions, for work with effects outside the database.
    """

    def __init__(self, domain: str, path: str, agent: bool = False) -> None:
        prefix = (AGENT_PREFIX if agent else API_PREFIX) + path
        super().__init__(prefix=prefix, tags=[domain], route_class=EdgeRoute)
        self.domain = domain

    def get(self, path: str, **options: Any) -> Decorator:  # type: ignore[override]
        return self._declare("GET", path, **options)

    def post(self, path: str, **options: Any) -> Decorator:  # type: ignore[override]
        return self._declare("POST", path, **options)

    def put(self, path: str, **options: Any) -> Decorator:  # type: ignore[override]
        return self._declare("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Decorator:  # type: ignore[override]
        return self._declare("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Decorator:  # type: ignore[override]
        return self._declare("DELETE", path, **options)

    def _declare(
        self,
        method: str,
        path: str,
        *,
        permission: str,
        operator_permission: str | None = None,
        tx: bool = True,
        secret_fields: tuple[str, ...] = (),
        idempotent: bool | None = None,
        csrf: bool = True,
        platform_data: bool = False,
        cost: float | None = None,
        **options: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        keyed = (
            method != "GET" and permission not in (PUBLIC, AGENT, GATEWAY) and tx if idempotent is None else idempotent
        )
        units = cost or (READ if method == "GET" else CHANGE)
        access = Access(
            permission, self.domain, tx, keyed, secret_fields, csrf, operator_permission, platform_data, units
        )
        extra = options.pop("openapi_extra", {}) | {"x-permission": permission}
        if operator_permission:
            extra["x-operator-permission"] = operator_permission
        if keyed:
            extra["parameters"] = [
                *extra.get("parameters", []),
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": True,
                    "description": "Same key and body: the saved answer. Same key, other body: refused.",
                    "schema": {"type": "string", "minLength": 8, "maxLength": 200},
                },
            ]

        def decorate(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            self.add_api_route(
                path,
                endpoint,
                methods=[method],
                openapi_extra=extra,
                operation_id=f"{self.domain}_{endpoint.__name__}",
                **options,
            )
            route = self.routes[-1]
            route.access = access  # type: ignore[attr-defined]
            return endpoint

        return decorate


async def _current_tx(request: Request) -> Tx:
    return request.state.tx  # type: ignore[no-any-return]


async def _database(request: Request) -> Database:
    return request.app.state.edge.database  # type: ignore[no-any-return]


TenantTx = Annotated[Tx, Depends(_current_tx)]
OperatorTx = TenantTx
Db = Annotated[Database, Depends(_database)]


def etag_of(generation: int) -> str:
    return f'W/"{generation}"'


def check_etag(if_match: str | None, generation: int) -> None:
    """Raises 412 when the caller edits an older state than the present one, 428 when it does not say which."""
    if if_match is None:
        raise Problem(
            428,
            "if_match_required",
            "Say which state you are changing",
            "This edit needs an If-Match header.",
            field="If-Match",
            todo="Read the resource, then send its ETag as If-Match.",
        )
    if if_match not in ("*", etag_of(generation)):
        raise Problem(
            412,
            "stale_etag",
            "The resource has changed since you read it",
            f"It is at {etag_of(generation)} now.",
            field="If-Match",
            todo="Read it again, decide again, and send the new ETag.",
        )


_ETag = Annotated[str | None, Header(alias="If-Match", max_length=100)]


async def needed_if_match(if_match: _ETag = None) -> str | None:
    """The contract says that it is required; without it `check_etag` refuses, in our words and not the framework's."""
    return if_match


async def _if_match(if_match: _ETag = None) -> str | None:
    return if_match


IfMatch = Annotated[str | None, Depends(needed_if_match)]
IfMatchWhenSent = Annotated[str | None, Depends(_if_match)]
