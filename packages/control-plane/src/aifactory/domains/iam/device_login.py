"""Signing in a command line (the shape of RFC 8628): it shows a short code, a signed-in person approves it in a browser."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime

from aifactory.domains.iam import installation
from aifactory.domains.iam.arrivals import ARRIVALS
from aifactory.domains.iam.secret_token import keyed_hash
from aifactory.domains.iam.sessions import open_session
from aifactory.domains.iam.sign_in import WHO, record_sign_in
from aifactory.domains.iam.store import people
from aifactory.domains.iam.store import sessions as store
from aifactory.kernel.db import Database
from aifactory.kernel.errors import Problem, forbidden, not_found
from aifactory.kernel.principal import Principal

GRANT_SECONDS = 600
INTERVAL_SECONDS = 1
GUESSES, GUESS_SECONDS = 10, 600  # RFC 8628 5.1: wrong codes that one person may try within that time
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 6.1: no vowels, hard to misread; 20^8 codes for ten minutes each


@dataclass(frozen=True)
class DeviceLogin:
    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval_seconds: int
    expires_in_seconds: int


@dataclass(frozen=True)
class DeviceToken:
    token: str
    expires_at: datetime
    tenant_id: str | None
    email: str


async def begin(db: Database, source: str) -> DeviceLogin:
    """`source`: the address that asks; 429 when it does so too often."""
    ARRIVALS.take(source, asyncio.get_running_loop().time())
    here = installation.current()
    device_code = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    async with db.tx("worker", WHO) as tx:
        await store.insert_device_grant(
            tx,
            id=tx.ids.new("dev"),
            device_code_hash=keyed_hash(here.pepper, device_code),
            user_code_hash=keyed_hash(here.pepper, letters),
            interval_seconds=INTERVAL_SECONDS,
            seconds=GRANT_SECONDS,
        )
    code, page = f"{letters[:4]}-{letters[4:]}", f"{here.public_url}/device"
    return DeviceLogin(device_code, code, page, f"{page}?user_code={code}", INTERVAL_SECONDS, GRANT_SECONDS)


async def decide(db: Database, principal: Principal, user_code: str, *, approve: bool) -> None:
    """The person at the browser says yes or no. 404 for a code that is unknown, expired or decided already, 429 with
    the seconds to wait after too many of those."""
    if principal.kind != "user" or principal.session_id is None:
        raise forbidden("approving a device", "only a person signed in with a browser may do it")
    letters = "".join(character for character in user_code.upper() if character.isalnum())
    code_hash = keyed_hash(installation.current().pepper, letters)
    state = "approved" if approve else "denied"
    async with db.tx("worker", principal, principal.tenant_id) as tx:
        wait_seconds = await store.seconds_to_wait(tx, principal.id, GUESSES, GUESS_SECONDS)
        if wait_seconds is not None:
            raise _too_many(wait_seconds)
        grant_id = await store.decide_device_grant(tx, code_hash, state, principal.id, principal.tenant_id)
        if grant_id is not None:
            await tx.audit("device.decide", grant_id, decision="allowed" if approve else "denied")
            return
        await tx.audit("device.decide", principal.id, decision="denied", reason="unknown_code")
    # The wrong code is committed before the refusal is raised: it counts.
    raise not_found("device code", user_code[:20])


async def collect(db: Database, device_code: str) -> DeviceToken:
    """The token, once. Until then Problem 400 with authorization_pending, slow_down, access_denied or expired_token."""
    code_hash = keyed_hash(installation.current().pepper, device_code)
    async with db.tx("worker", WHO) as tx:
        grant = await store.poll_device_grant(tx, code_hash)
        if grant is not None and grant.state == "approved" and not grant.expired and grant.user_id:
            user = await people.user(tx, grant.user_id)
            if user is not None:
                await tx.set_tenant(grant.tenant_id)
                session = await open_session(tx, user.id, "cli", grant.tenant_id)
                await record_sign_in(tx, user.id, session, "cli")
                return DeviceToken(session.token, session.expires_at, grant.tenant_id, user.email)
    # The poll is committed before the refusal is raised: the next poll is measured from this one.
    if grant is None or grant.expired or grant.state == "consumed":
        raise _not_yet("expired_token", "The code has expired, was used, or was never ours.")
    if grant.state == "denied":
        raise _not_yet("access_denied", "The sign-in was declined.")
    if grant.too_fast:
        raise _not_yet("slow_down", f"Ask every {INTERVAL_SECONDS} seconds, not more often.")
    raise _not_yet("authorization_pending", "Nobody has approved the code yet.")


def _too_many(wait_seconds: int) -> Problem:
    return Problem(
        429,
        "too_many_codes",
        "Too many wrong codes",
        f"{GUESSES} codes within {GUESS_SECONDS // 60} minutes were unknown or expired.",
        field="user_code",
        todo=f"Wait {max(1, wait_seconds)} seconds, then enter the code that the command line shows.",
        retry_after_seconds=max(1, wait_seconds),
    )


def _not_yet(code: str, detail: str) -> Problem:
    return Problem(400, code, "The device is not signed in", detail, todo="Wait, or begin again.")
