"""Sessions: who is behind a request. The cookie or token is a secret; the database holds only its keyed hash."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import installation
from aifactory.domains.iam.authorization import projects_with
from aifactory.domains.iam.roles import ROLES, allowed_while_suspended, scope_allows
from aifactory.domains.iam.secret_token import derived, keyed_hash, kind_of, new_token
from aifactory.domains.iam.store import people, tenants
from aifactory.domains.iam.store import sessions as store
from aifactory.domains.iam.store.people import Holder
from aifactory.domains.iam.views import NamedRef, SessionView, UserView
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, unauthenticated
from aifactory.kernel.ids import well_formed
from aifactory.kernel.principal import Grant, Principal

COOKIE = "__Host-aif_session"
TENANT_HEADER = "x-aif-tenant"
HOUR = 3600


@dataclass(frozen=True)
class Lifetime:
    idle_seconds: int
    absolute_seconds: int


LIFETIMES = {"portal": Lifetime(8 * HOUR, 7 * 24 * HOUR), "cli": Lifetime(7 * 24 * HOUR, 30 * 24 * HOUR)}
_TOKEN_KINDS = {"portal": "ses", "cli": "cli"}
_BEARERS = {"key": "key", "cli": "cli"}  # kind in the token -> kind for iam.authenticate()
_COOKIES = {"ses": "portal"}
AUTHENTICATOR = Principal.service("authenticator")


@dataclass(frozen=True)
class NewSession:
    """The one time that the token is seen."""

    id: str
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Credential:
    """What a request shows of itself: a token of that kind (as its hash), and the tenant it asks for."""

    kind: str | None  # None: not one of ours
    token_hash: bytes
    tenant_id: str | None
    is_bearer: bool


def credential(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Credential | None:
    """A bearer wins over the cookie; None for a visitor. 401 for another scheme, 403 for what cannot be a tenant."""
    bearer = headers.get("authorization")
    token = _bearer(bearer) if bearer is not None else cookies.get(COOKIE, "")
    if not token and bearer is None:
        return None
    kind = (_BEARERS if bearer is not None else _COOKIES).get(kind_of(token) or "")
    wanted = headers.get(TENANT_HEADER)
    if wanted is not None and not well_formed("tnt", wanted):
        raise _not_their_tenant(wanted)
    token_hash = keyed_hash(installation.current().pepper, token) if kind else b""
    return Credential(kind, token_hash, wanted, bearer is not None)


def fingerprint(headers: Mapping[str, str]) -> bytes:
    """The same for the same credential; says nothing about it. Cheaper than reading it, for whoever may know it already."""
    shown = (headers.get(name, "") for name in ("authorization", "cookie", TENANT_HEADER))
    return keyed_hash(installation.current().pepper, "\n".join(shown))


async def authenticate(db: Database, shown: Credential | None) -> Holder | None:
    """Who asks; None for a visitor. A bad bearer is 401, a dead cookie merely a visitor.

    `X-Aif-Tenant` picks one of the person's tenants; one that is not theirs, or that does not exist, is 403.
    """
    if shown is None:
        return None
    holder = None
    if shown.kind:
        holder = await people.holder_of(db, AUTHENTICATOR, shown.kind, shown.token_hash, shown.tenant_id)
    if holder is None and shown.is_bearer:
        raise unauthenticated("The key or token is not valid: unknown, expired or revoked.")
    if holder is not None and shown.tenant_id is not None and holder.tenant_id is None:
        raise _not_their_tenant(shown.tenant_id)
    return holder


async def holder_of_session(tx: Tx, session_id: str, tenant_id: str) -> Principal | None:
    """Who is signed in under this session, with its grants in this tenant; None once either has ended. Worker transaction.

    For what rests on a sign-in without having its token.
    """
    holder = await people.holder_of_session(tx, session_id, tenant_id)
    return None if holder is None or holder.tenant_id != tenant_id else principal_of(holder)


def session_of(principal: Principal) -> str | None:
    """The sign-in behind this request, of a browser or a command line; None for an API key and whoever is no person."""
    return (principal.session_id or principal.key_id) if principal.kind == "user" else None


def _not_their_tenant(wanted: str) -> Problem:
    """The same for a foreign tenant and for none: whether it exists is not told."""
    return Problem(
        403,
        "not_your_tenant",
        "You do not belong to that tenant",
        f"You have no role in a tenant {wanted[:40]!r}.",
        field="X-Aif-Tenant",
        todo="Choose one of the tenants that GET /api/v3/auth/session lists, or leave the header out.",
    )


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise unauthenticated("Only `Authorization: Bearer …` is understood.")
    return token.strip()


def principal_of(holder: Holder) -> Principal:
    """A command line's session counts as its key: it comes without cookie, so no other site can borrow it."""
    grants = tuple(Grant(role, object) for role, object in holder.grants)
    if holder.key_id is not None:
        return Principal(
            holder.key_id,
            "api_key",
            holder.key_name or holder.key_id,
            holder.tenant_id,
            grants,
            key_id=holder.key_id,
            grant_version=holder.grant_version,
            scopes=tuple(holder.scopes or ()),
            suspended=holder.suspended,
        )
    by_cookie = holder.session_kind == "portal"
    return Principal(
        holder.user_id,
        "user",
        holder.email,
        holder.tenant_id,
        grants,
        session_id=holder.session_id if by_cookie else None,
        key_id=None if by_cookie else holder.session_id,
        grant_version=holder.grant_version,
        suspended=holder.suspended,
    )


async def open_session(tx: Tx, user_id: str, kind: str, tenant_id: str | None) -> NewSession:
    """A session under a token that nobody has seen before. Worker transaction."""
    token, session_id, life = new_token(_TOKEN_KINDS[kind]), tx.ids.new("ses"), LIFETIMES[kind]
    expires_at = await store.insert_session(
        tx,
        id=session_id,
        user_id=user_id,
        kind=kind,
        token_hash=keyed_hash(installation.current().pepper, token),
        tenant_id=tenant_id,
        idle_seconds=life.idle_seconds,
        absolute_seconds=life.absolute_seconds,
    )
    return NewSession(session_id, token, expires_at)


async def close_session(db: Database, principal: Principal) -> None:
    """Signs out: the session ends everywhere, at once. Nothing happens for a visitor or an API key."""
    session_id = principal.session_id or (principal.key_id if principal.kind == "user" else None)
    if session_id is None:
        return
    async with db.tx("worker", principal, principal.tenant_id) as tx:
        if await store.revoke_session(tx, session_id, "signed out"):
            await tx.audit("session.end", session_id, reason="signed out")


async def forget_expired(db: Database) -> None:
    async with db.tx("worker", Principal.service("iam")) as tx:
        await store.forget_expired(tx)


def csrf_token(session_id: str) -> str:
    """Bound to the session, so that nothing needs to be stored and a new session has a new one."""
    return derived(installation.current().pepper, "csrf", session_id)


def verify_csrf(principal: Principal, headers: Mapping[str, str]) -> None:
    """For unsafe methods: a request that a cookie authenticates must come from our own pages. Raises Problem 403.

    Without Origin (and Sec-Fetch-Site) the caller is no browser; then the token alone decides.
    """
    if principal.session_id is None:
        return
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != installation.current().origin:
        raise _forged("The request comes from another site.", "Origin")
    if site not in (None, "same-origin", "none"):
        raise _forged("The browser says that the request comes from another site.", "Sec-Fetch-Site")
    given = headers.get("x-csrf-token", "")
    if not hmac.compare_digest(given.encode(), csrf_token(principal.session_id).encode()):
        raise _forged("The session's CSRF token is missing or wrong.", "X-CSRF-Token")


def _forged(detail: str, field: str) -> Problem:
    return Problem(
        403,
        "csrf_failed",
        "The request could be forged",
        detail,
        field=field,
        todo="Read the token from GET /api/v3/auth/session and send it as X-CSRF-Token, from the portal's own address.",
    )


async def session_view(db: Database, principal: Principal) -> SessionView:
    if principal.kind not in ("user", "api_key"):
        return SessionView(authenticated=False)
    async with db.tx("worker", principal, principal.tenant_id) as tx:
        user = await people.user(tx, principal.id) if principal.kind == "user" else None
        mine = await people.tenants_of(tx, principal.id) if user else []
        tenant = await tenants.tenant(tx, principal.tenant_id) if principal.tenant_id else None
        projects = await tenants.project_names(tx) if tenant else []
    here = NamedRef(tenant.id, tenant.name) if tenant else None
    visible = projects_with(principal, "project.read")
    roles = tuple(sorted({grant.role for grant in principal.grants}))
    held = frozenset[str]().union(*(ROLES[role] for role in roles if role in ROLES))
    return SessionView(
        authenticated=True,
        user=user or UserView(principal.id, "", principal.name),
        kind=principal.kind,
        tenant=here,
        tenants=tuple(mine) or ((here,) if here else ()),
        projects=tuple(p for p in projects if visible is None or p.id in visible),
        roles=roles,
        permissions=tuple(sorted(p for p in held if _usable(principal, p))),
        csrf_token=csrf_token(principal.session_id) if principal.session_id else None,
        operator=principal.is_operator,
    )


def _usable(principal: Principal, permission: str) -> bool:
    """Of what a role holds: a key within its scopes, a suspended tenant only what it keeps."""
    if principal.suspended and not allowed_while_suspended(permission):
        return False
    return principal.kind == "user" or scope_allows(principal.scopes, permission)
