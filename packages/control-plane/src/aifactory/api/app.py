"""Builds the two applications of this process: the public API with the portal, and the node agents' API."""

import logging
from collections.abc import Iterable

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from aifactory.api.limits import Limits
from aifactory.api.short_way import ShortWay
from aifactory.kernel import problems
from aifactory.kernel.edge import Edge
from aifactory.kernel.errors import Problem
from aifactory.kernel.routes import Routes

log = logging.getLogger(__name__)


def build(title: str, routers: Iterable[Routes], edge: Edge) -> FastAPI:
    """An application whose every route goes through the edge. Documentation pages stay off: the portal has them."""
    app = FastAPI(title=title, version="3.0", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.edge = edge
    for router in routers:
        app.router.routes.extend(router.routes)  # flat: one table of routes to match and to look through
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)
    return app


def limited(app: FastAPI, allowed_hosts: Iterable[str]) -> Limits:
    return Limits(ShortWay(app), frozenset(allowed_hosts))


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problems.render(error, _request_id(request))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _method_not_allowed(request)
    known = {
        404: ("no_such_route", "There is nothing at this address", "See /openapi.json for what there is."),
        400: ("bad_json", "The body is not valid JSON", "Send valid JSON."),
    }
    code, title, todo = known.get(error.status_code, ("refused", "The request was refused", ""))
    return problems.render(Problem(error.status_code, code, title, str(error.detail), todo=todo), _request_id(request))


def _method_not_allowed(request: Request) -> Response:
    """Starlette's own Allow header names one route's methods only; ours names all of the path's. A path that is spelt out
    is not also an object whose id is that word."""
    matching = [
        route
        for route in request.app.routes
        if getattr(route, "path_regex", None) and route.path_regex.match(request.url.path)
    ]
    fewest = min((len(route.param_convertors) for route in matching), default=0)
    allowed = sorted(
        {method for route in matching if len(route.param_convertors) == fewest for method in route.methods or ()}
    )
    answer = problems.render(
        Problem(
            405,
            "method_not_allowed",
            "This address does not do that",
            f"{request.method} is not among {', '.join(allowed)}.",
        ),
        _request_id(request),
    )
    answer.headers["Allow"] = ", ".join(allowed)
    return answer


async def _unexpected(request: Request, error: Exception) -> Response:
    log.exception("request %s failed", _request_id(request), exc_info=error)
    return problems.render(problems.internal(), _request_id(request))
