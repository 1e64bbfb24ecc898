"""Query strings that FastAPI has read before are not read again: for reads that answer bytes this was a third of the cost.

What a query string means never changes while the process lives, so the checked arguments are kept beside its bytes.
Only what belongs to the request itself (the transaction) is put in anew each time.
"""

import enum
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from decimal import Decimal
from inspect import iscoroutinefunction
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import solve_dependencies
from fastapi.routing import APIRoute

from aifactory.kernel.db import Tx
from aifactory.kernel.pagination import Page

MAX_KNOWN = 256  # query strings a route
MAX_BYTES = 512  # of a query string and the path's parameters that are kept
_LIVE: Mapping[type, Callable[[Request], Any]] = {
    Tx: lambda request: request.state.tx,
    Request: lambda request: request,
}
_UNCHANGING = (str, int, float, bool, Decimal, datetime, enum.Enum, Page, type(None))

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Key = tuple[bytes, ...]
Arguments = tuple[dict[str, Any], dict[str, Callable[[Request], Any]]]  # what stays, and what each request brings


def remembers(route: APIRoute) -> bool:
    """Whether the route's arguments come from path and query alone, and its answer goes out as it is."""
    return (
        route.methods == {"GET"}
        and iscoroutinefunction(route.endpoint)
        and get_type_hints(route.endpoint).get("return") is Response
        and not _asks_for_more(route.dependant)
    )


def _asks_for_more(asked: Dependant) -> bool:
    """Headers, cookies, a body, or a response to write on: what differs between two requests for the same address."""
    return bool(
        asked.header_params
        or asked.cookie_params
        or asked.body_params
        or asked.response_param_name
        or any(_asks_for_more(part) for part in asked.dependencies)
    )


class KnownQueries:
    """A route's handler: the endpoint itself for what is known to be right, `inner` for what is new or wrong."""

    def __init__(self, route: APIRoute, inner: Handler) -> None:
        self._route = route
        self._inner = inner
        self._known: dict[Key, Arguments] = {}

    def __contains__(self, query_string: bytes) -> bool:
        """For a route without parameters in its path."""
        return (query_string,) in self._known

    async def __call__(self, request: Request) -> Response:
        key = (request.scope["query_string"], *(str(part).encode() for part in request.path_params.values()))
        arguments = self._known.get(key)
        if arguments is None:
            values = await _read(self._route, request)
            if values is None:
                return await self._inner(request)
            arguments = self._keep(key, _split(values))
        fixed, live = arguments
        return await self._route.endpoint(**fixed, **{name: of(request) for name, of in live.items()})  # type: ignore[no-any-return]

    def _keep(self, key: Key, arguments: Arguments) -> Arguments:
        if all(isinstance(value, _UNCHANGING) for value in arguments[0].values()) and sum(map(len, key)) <= MAX_BYTES:
            while len(self._known) >= MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = arguments
        return arguments


async def _read(route: APIRoute, request: Request) -> dict[str, Any] | None:
    """The endpoint's arguments as FastAPI reads them; None when they are wrong, which `inner` then says."""
    stack = request.scope["fastapi_inner_astack"]
    solved = await solve_dependencies(
        request=request, dependant=route.dependant, async_exit_stack=stack, embed_body_fields=False
    )
    return None if solved.errors else solved.values


def _split(values: dict[str, Any]) -> Arguments:
    live = {name: of for name, value in values.items() for kind, of in _LIVE.items() if isinstance(value, kind)}
    return {name: value for name, value in values.items() if name not in live}, live
