"""Signing in: from the click to the session. Network calls happen between transactions, never inside one.

A sign-in is bound three ways: `state` to the browser that began it (a cookie of its own), `nonce` to the ID token,
and the PKCE verifier to the code. Each attempt can be finished once, within minutes.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aifactory.domains.iam import installation, members, oidc, registration
from aifactory.domains.iam.adapters.issuer import Issuer
from aifactory.domains.iam.arrivals import ARRIVALS
from aifactory.domains.iam.next_path import safe_next
from aifactory.domains.iam.oidc import Claims, Expected, refused
from aifactory.domains.iam.secret_token import keyed_hash
from aifactory.domains.iam.sessions import NewSession, open_session
from aifactory.domains.iam.store import people
from aifactory.domains.iam.store import sessions as store
from aifactory.domains.iam.store.sessions import AttemptRow
from aifactory.events.iam import UserSignedIn
from aifactory.kernel.clock import SystemClock
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.errors import Problem, unavailable
from aifactory.kernel.principal import Principal

LOGIN_COOKIE = "__Host-aif_login"
ATTEMPT_SECONDS = 600
_SECRET_LENGTH = 43
WHO = Principal.service("sign-in")
_clock = SystemClock()
_issuers: dict[tuple[str, str], Issuer] = {}


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and the secret that binds the attempt to it."""

    location: str
    browser_secret: str


@dataclass(frozen=True)
class SignedIn:
    session: NewSession
    next_path: str


def issuer() -> Issuer:
    """The configured identity provider; 503 when the operator has named none."""
    here = installation.current()
    if not here.issuer:
        raise unavailable("no_identity_provider", "No identity provider is configured.", "Ask the operator.")
    key = (here.issuer, here.client_id)
    if key not in _issuers:
        _issuers[key] = Issuer(here.issuer, here.client_id, here.client_secret)
    return _issuers[key]


async def begin(db: Database, raw_next: str | None, browser_secret: str = "", source: str = "") -> Begun:
    """Records an attempt and says where to send the browser. Two tabs of one browser share its secret.

    `source`: the address that asks; 429 when it does so too often.
    """
    next_path = safe_next(raw_next)
    ARRIVALS.take(source, asyncio.get_running_loop().time())
    here = installation.current()
    endpoints = await issuer().endpoints()
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    browser = browser_secret if len(browser_secret) == _SECRET_LENGTH else secrets.token_urlsafe(32)
    async with db.tx("worker", WHO) as tx:
        await store.insert_attempt(
            tx,
            state_hash=keyed_hash(here.pepper, state),
            browser_hash=keyed_hash(here.pepper, browser),
            nonce=nonce,
            code_verifier=verifier,
            next_path=next_path,
            seconds=ATTEMPT_SECONDS,
        )
    location = oidc.authorization_url(endpoints.authorize, here.client_id, here.callback_url, state, nonce, verifier)
    return Begun(location, browser)


def at_public_address(host: str) -> bool:
    """Cookies belong to one host name: a sign-in that begins under another name would not find its own."""
    return host == urlsplit(installation.current().public_url).netloc


async def finish(
    db: Database, query: Mapping[str, str], browser_secret: str, old_session_token: str, request_id: str
) -> SignedIn:
    """The issuer's answer into a session under a fresh token; the session the browser came with ends.

    Problem 401 `sign_in_refused` (with the reason) when anything does not fit; `email_not_verified` and
    `email_already_used` when the person cannot be taken in.
    """
    attempt = await _consume(db, query.get("state", ""), browser_secret)
    try:
        claims = await _claims_of(query, attempt)
        return await _sign_in(db, claims, attempt.next_path, old_session_token, request_id)
    except Problem as problem:
        async with db.tx("worker", WHO, request_id=request_id) as tx:
            await tx.audit("sign_in", "iam", decision="denied", reason=problem.code, details={"detail": problem.detail})
        raise


async def _consume(db: Database, state: str, browser_secret: str) -> AttemptRow:
    if not state or not browser_secret or len(state) + len(browser_secret) > 200:
        raise refused("the browser did not begin this sign-in")
    pepper = installation.current().pepper
    async with db.tx("worker", WHO) as tx:
        attempt = await store.consume_attempt(tx, keyed_hash(pepper, state), keyed_hash(pepper, browser_secret))
    if attempt is None:
        raise refused("this browser did not begin this sign-in, or it was finished already, or it took too long")
    return attempt


async def _claims_of(query: Mapping[str, str], attempt: AttemptRow) -> Claims:
    here = installation.current()
    if query.get("iss", here.issuer) != here.issuer:
        raise refused("the answer comes from another issuer")
    code = query.get("code", "")
    if "error" in query or not code or len(code) > 4096:
        raise refused("the identity provider did not sign you in")
    tokens = await issuer().exchange(code, here.callback_url, attempt.code_verifier)
    keys = await issuer().keys(oidc.key_id_of(tokens.id_token))
    expected = Expected(here.issuer, here.client_id, attempt.nonce, _clock.now())
    return oidc.read_id_token(tokens.id_token, keys, expected, tokens.access_token)


async def _sign_in(db: Database, claims: Claims, next_path: str, old_token: str, request_id: str) -> SignedIn:
    pepper = installation.current().pepper
    async with db.tx("worker", WHO, request_id=request_id) as tx:
        person = await registration.person_of(tx, installation.current().issuer_name, claims)
        user = await people.user(tx, person.user_id)
        if user is not None and user.email == claims.email:  # an address may move to somebody else
            await members.take_up(tx, person.user_id, claims.email)
        home = await people.tenants_of(tx, person.user_id)
        await tx.set_tenant(home[0].id if home else None)
        if old_token:
            await store.revoke_session_by_token(tx, keyed_hash(pepper, old_token), "signed in again")
        session = await open_session(tx, person.user_id, "portal", tx.tenant_id)
        await record_sign_in(tx, person.user_id, session, "portal", first_time=person.first_time)
    return SignedIn(session, next_path)


async def record_sign_in(tx: Tx, user_id: str, session: NewSession, kind: str, *, first_time: bool = False) -> None:
    await tx.audit("sign_in", user_id, details={"session_id": session.id, "kind": kind})
    await tx.emit(UserSignedIn(user_id, session.id, kind, first_time), session.id, 1)
