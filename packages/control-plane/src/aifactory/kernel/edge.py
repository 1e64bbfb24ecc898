"""The edge of the house: authenticate, authorize, open the transaction, replay or save idempotent answers, commit, answer."""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg import DataError, OperationalError
from starlette.exceptions import HTTPException

from aifactory.kernel import operator_looks, problems
from aifactory.kernel.db import Database, Role, Tx
from aifactory.kernel.errors import Problem, forbidden, unauthenticated, unavailable
from aifactory.kernel.flights import Flights
from aifactory.kernel.known_queries import KnownQueries
from aifactory.kernel.principal import Principal
from aifactory.kernel.rates import READ, Rates, address_of
from aifactory.kernel.reading import Belief, Reading

log = logging.getLogger(__name__)
MAX_SAVED_BODY_BYTES = 256 * 1024
AUDITED_REFUSALS = (401, 402, 403, 409)
# Who comes with a certificate, through a listener of its own: the permission of its routes is its kind.
MACHINES = {"agent": "node agents", "gateway": "token gateways"}


@dataclass(frozen=True)
class Access:
    """How a route may be reached; see `Routes`."""

    permission: str
    domain: str
    tx: bool
    idempotent: bool
    secret_fields: tuple[str, ...]
    csrf: bool
    operator_permission: str | None = None
    platform_data: bool = False
    cost: float = READ

    @property
    def role(self) -> Role:
        if self.permission.startswith("platform."):
            return "operator"
        return "worker" if self.permission in MACHINES else "tenant"

    def reads(self, method: str) -> bool:
        """Whether the request changes nothing: it runs in a transaction in which the database refuses every change."""
        return method == "GET" and self.tx and self.permission not in MACHINES

    @property
    def looks_are_recorded(self) -> bool:
        """Whether reading is an operator's look at what is a tenant's."""
        return self.role == "operator" and not self.platform_data


class Decision(Protocol):
    @property
    def allowed(self) -> bool: ...
    @property
    def because(self) -> str: ...
    @property
    def code(self) -> str: ...


@dataclass(frozen=True)
class Edge:
    """What the house plugs in. authenticate: who asks (raises 401 on a bad credential, anonymous without any).
    decide: may this principal use that permission anywhere in its tenant. verify_csrf: raises 403 for a forged browser request.
    recall: who the request's credential was last time, so that a read can be asked together with whether it still is.
    rates: how fast each caller may ask; None: as fast as it likes.
    """

    database: Database
    authenticate: Callable[[Request], Awaitable[Principal]]
    decide: Callable[[Principal, str], Decision]
    verify_csrf: Callable[[Request, Principal], None]
    recall: Callable[[Request], Belief | None] = lambda request: None
    flights: Flights[Response] = field(default_factory=Flights)
    rates: Rates | None = None

    def admit(self, request: Request, believed: Principal | None, cost: float) -> None:
        """Before anything is asked of the database. Whoever is not known here yet pays for where it comes from: a
        visitor, a newcomer's first request, and whoever guesses credentials."""
        if self.rates is not None:
            host = request.client.host if request.client else None
            self.rates.admit(believed.id if believed else address_of(host), cost)


Inner = Callable[[Request], Awaitable[Response]]


async def handle(request: Request, access: Access, inner: Inner) -> Response:
    """One request from socket to commit. Every refusal leaves as problem details; only audited ones leave a record."""
    edge: Edge = request.app.state.edge
    request.state.principal = Principal.anonymous()
    try:
        belief = edge.recall(request)
        edge.admit(request, belief.principal if belief else None, access.cost)
        answer = await _on_belief(edge, belief, request, access, inner) if belief is not None else None
        return _for_its_caller_only(answer or await _afresh(edge, request, access, inner), request)
    except RequestValidationError as error:
        return problems.render(problems.from_validation(error), _request_id(request))
    except Problem as problem:
        principal: Principal = request.state.principal
        if problem.status in AUDITED_REFUSALS and principal.kind not in ("anonymous", *MACHINES):
            await _audit_refusal(edge, request, access, principal, problem)
        return problems.render(problem, _request_id(request))
    except HTTPException:
        raise
    except OperationalError as error:
        log.warning("request %s lost the database: %s", _request_id(request), error)
        lost = unavailable(
            "database_unavailable",
            "The database went away while it worked on this.",
            "Send it again with the same Idempotency-Key.",
        )
        return problems.render(lost, _request_id(request))
    except (DataError, UnicodeEncodeError) as error:
        log.warning("request %s brought what cannot be stored: %s", _request_id(request), error)
        return problems.render(problems.unstorable(), _request_id(request))
    except Exception:
        log.exception("request %s failed", _request_id(request))
        return problems.render(problems.internal(), _request_id(request))


async def _on_belief(edge: Edge, belief: Belief, request: Request, access: Access, inner: Inner) -> Response | None:
    """A read that costs one round trip: it is asked as who the caller was last time, together with whether it still is.

    None when that is not a read, not allowed or no longer so: then everything is done afresh. Nobody is refused on a belief.
    """
    granted = _may(edge, request, access, belief.principal) if access.reads(request.method) else None
    if granted is None:
        return None
    request.state.principal = belief.principal
    access = granted
    tx = Reading(edge.database, access.role, belief.principal, *_traced(request), belief)
    try:
        if not isinstance(inner, KnownQueries):
            return await _read(tx, request, access, inner)
        same = (
            belief,
            access.role,
            request.url.path,
            request.scope["query_string"],
            request.headers.get("if-none-match"),
        )
        return await edge.flights.share(same, lambda: _read(tx, request, granted, inner))
    except Exception:
        if tx.confirmed:
            raise
    request.state.principal = Principal.anonymous()
    return None


async def _afresh(edge: Edge, request: Request, access: Access, inner: Inner) -> Response:
    principal = request.state.principal = await edge.authenticate(request)
    access = _authorize(edge, request, access, principal)
    if access.reads(request.method):
        tx = Reading(edge.database, access.role, principal, *_traced(request))
        return await _read(tx, request, access, inner)
    if not access.tx:
        return await inner(request)
    return await _in_transaction(edge, request, access, principal, inner)


async def _read(tx: Reading, request: Request, access: Access, inner: Inner) -> Response:
    request.state.tx = tx
    response = await inner(request)
    await tx.confirm()
    if access.looks_are_recorded:
        await operator_looks.record(tx, request.app.state.edge.database, request, response)
    return _accepted(response)


def _accepted(response: Response) -> Response:
    """Endpoints raise problems; an answer that only looks like one would be half-committed."""
    if response.status_code >= 400:
        raise Problem(response.status_code, "refused", "The request was refused")
    return response


def _for_its_caller_only(answer: Response, request: Request) -> Response:
    """No cache keeps what somebody was told, unless its route says how (pages, under an ETag of their reader's); and none
    gives one caller's answer to another."""
    headers, principal = answer.headers, request.state.principal
    if principal.kind != "anonymous" and "cache-control" not in headers:
        headers["Cache-Control"] = "private, no-store"
    if "vary" not in headers:
        headers["Vary"] = problems.VARIES_BY
    return answer


def _may(edge: Edge, request: Request, access: Access, principal: Principal) -> Access | None:
    try:
        return _authorize(edge, request, access, principal)
    except Problem:
        return None


def _authorize(edge: Edge, request: Request, access: Access, principal: Principal) -> Access:
    """Returns the access under which the request runs: the operator's, where the route has one and the caller holds it."""
    if access.permission == "public":
        if request.method not in ("GET", "HEAD") and access.csrf:
            edge.verify_csrf(request, principal)
        return access
    if access.permission in MACHINES:
        if principal.kind != access.permission:
            raise unauthenticated(f"This door is for {MACHINES[access.permission]} with a valid certificate.")
        return access
    if principal.kind == "anonymous":
        raise unauthenticated()
    if request.method not in ("GET", "HEAD") and access.csrf:
        edge.verify_csrf(request, principal)
    if access.operator_permission and edge.decide(principal, access.operator_permission).allowed:
        return replace(access, permission=access.operator_permission)
    if access.permission != "signed_in":
        decision = edge.decide(principal, access.permission)
        if not decision.allowed:
            raise forbidden(access.permission, decision.because, decision.code)
    return access


async def _in_transaction(edge: Edge, request: Request, access: Access, principal: Principal, inner: Inner) -> Response:
    async with edge.database.tx(access.role, principal, principal.tenant_id, *_traced(request)) as tx:
        request.state.tx = tx
        if access.idempotent:
            return _accepted(await _once(tx, request, access, inner))
        return _accepted(await inner(request))


async def _once(tx: Tx, request: Request, access: Access, inner: Inner) -> Response:
    """Rule 7: the same key and body replay the saved answer; concurrent twins wait for the first on the key's index."""
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 200:
        raise Problem(
            400,
            "idempotency_key_required",
            "An Idempotency-Key is needed",
            "Send 8 to 200 characters, new for each new intention.",
            field="Idempotency-Key",
            todo="Generate a UUID, and repeat it only when you repeat the very same request.",
        )
    digest = hashlib.sha256(
        b"\n".join(
            [request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()]
        )
    ).hexdigest()
    owner = (tx.tenant_id or "platform", tx.principal.id, key)
    fresh = await tx.run(
        "insert into kernel.idempotency (tenant_id, principal_id, key, request_hash, created_at) values (%s, %s, %s, %s, kernel.now()) on conflict do nothing",
        (*owner, digest),
    )
    if not fresh:
        return await _replay(tx, owner, digest)
    response = await inner(request)
    body = bytes(response.body)
    if len(body) > MAX_SAVED_BODY_BYTES:
        raise RuntimeError(f"{request.url.path} answers more than can be saved for replay")
    await tx.run(
        "update kernel.idempotency set status = %s, body = %s, etag = %s where tenant_id = %s and principal_id = %s and key = %s",
        (response.status_code, _without_secrets(body, access.secret_fields), response.headers.get("etag", ""), *owner),
    )
    return response


async def _replay(tx: Tx, owner: tuple[str, str, str], digest: str) -> Response:
    row = await tx.one(
        "select request_hash, status, body, etag from kernel.idempotency where tenant_id = %s and principal_id = %s and key = %s",
        owner,
    )
    if row is None or row[1] == 0:
        raise Problem(
            409,
            "idempotency_in_progress",
            "The same request is still running",
            todo="Wait a moment, then send it again with the same key.",
        )
    if row[0] != digest:
        raise Problem(
            422,
            "idempotency_key_reused",
            "This key was used for another request",
            "The method, path or body differs.",
            field="Idempotency-Key",
            todo="Use a new key for a new intention.",
        )
    headers = {"Idempotency-Replayed": "true"} | ({"ETag": row[3]} if row[3] else {})
    return Response(row[2], row[1], headers, media_type="application/json")


def _without_secrets(body: bytes, secret_fields: tuple[str, ...]) -> str:
    if not secret_fields or not body:
        return body.decode()
    content: dict[str, Any] = json.loads(body)
    for name in secret_fields:
        content[name] = None
    return json.dumps(content | {"code": "secret_already_shown"})


async def _audit_refusal(edge: Edge, request: Request, access: Access, principal: Principal, problem: Problem) -> None:
    target = next(iter(request.path_params.values()), request.url.path)
    try:
        async with edge.database.tx(access.role, principal, principal.tenant_id, _request_id(request)) as tx:
            await tx.audit(
                f"{request.method} {request.scope['route'].path}",
                str(target)[:200],
                decision="denied",
                reason=problem.code,
                details={"permission": access.permission, "detail": problem.detail[:500]},
            )
    except Exception:
        log.exception("a refusal could not be audited")


def _traced(request: Request) -> tuple[str, str]:
    return _request_id(request), request.headers.get("traceparent", "")[:100]


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))
