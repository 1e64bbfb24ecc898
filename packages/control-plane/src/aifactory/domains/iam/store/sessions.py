"""Sessions, sign-in attempts and device grants. Worker transactions only: no tenant role reads these tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class AttemptRow:
    nonce: str
    code_verifier: str
    next_path: str


@dataclass(frozen=True)
class DeviceGrantRow:
    """`expired` and `too_fast` were decided by the database's clock."""

    id: str
    state: str
    user_id: str | None
    tenant_id: str | None
    expired: bool
    too_fast: bool


INSERT_ATTEMPT = """
    insert into iam.login_attempts (state_hash, browser_hash, nonce, code_verifier, next_path, expires_at)
    values (%(state_hash)s, %(browser_hash)s, %(nonce)s, %(code_verifier)s, %(next_path)s,
            kernel.now() + make_interval(secs => %(seconds)s))
"""

CONSUME_ATTEMPT = """
    update iam.login_attempts set consumed_at = kernel.now()
    where state_hash = %(state_hash)s and browser_hash = %(browser_hash)s
      and consumed_at is null and expires_at > kernel.now()
    returning nonce, code_verifier, next_path
"""

INSERT_SESSION = """
    insert into iam.sessions (id, user_id, kind, token_hash, tenant_id, idle_seconds, idle_expires_at, absolute_expires_at)
    values (%(id)s, %(user_id)s, %(kind)s, %(token_hash)s, %(tenant_id)s, %(idle_seconds)s,
            kernel.now() + make_interval(secs => %(idle_seconds)s::int), kernel.now() + make_interval(secs => %(absolute_seconds)s))
    returning absolute_expires_at
"""

REVOKE_SESSION = """
    update iam.sessions set revoked_at = kernel.now(), revocation_reason = %(reason)s
    where id = %(id)s and revoked_at is null
"""

REVOKE_SESSION_BY_TOKEN = """
    update iam.sessions set revoked_at = kernel.now(), revocation_reason = %(reason)s
    where token_hash = %(token_hash)s and revoked_at is null
"""

INSERT_DEVICE_GRANT = """
    insert into iam.device_grants (id, device_code_hash, user_code_hash, interval_seconds, expires_at)
    values (%(id)s, %(device_code_hash)s, %(user_code_hash)s, %(interval_seconds)s,
            kernel.now() + make_interval(secs => %(seconds)s))
"""

# One statement, so that two polls cannot both find the grant approved and unconsumed.
POLL_DEVICE_GRANT = """
    with found as (
        select id, state, user_id, tenant_id, expires_at <= kernel.now() as expired,
               coalesce(polled_at > kernel.now() - make_interval(secs => interval_seconds) * 0.8, false) as too_fast
        from iam.device_grants where device_code_hash = %(device_code_hash)s for update
    ), polled as (
        update iam.device_grants g
        set polled_at = kernel.now(),
            state = case when f.state = 'approved' and not f.expired then 'consumed' else g.state end
        from found f where g.id = f.id
    )
    select id, state, user_id, tenant_id, expired, too_fast from found
"""

DECIDE_DEVICE_GRANT = """
    update iam.device_grants
    set state = %(state)s, user_id = %(user_id)s, tenant_id = %(tenant_id)s, decided_at = kernel.now()
    where user_code_hash = %(user_code_hash)s and state = 'pending' and expires_at > kernel.now()
    returning id
"""

# One guess after the other for each person, so that a thousand at once are counted like a thousand in a row.
LOCK_GUESSES = "select pg_advisory_xact_lock(hashtextextended(%(user_id)s, 8628))"
# The audit log counts, for it keeps each wrong code anyway and every process of ours reads it.
SECONDS_TO_WAIT = """
    select ceil(extract(epoch from min(occurred_at) + make_interval(secs => %(seconds)s) - kernel.now()))::int
    from (select occurred_at from kernel.audit
          where target_id = %(user_id)s and action = 'device.decide' and reason = 'unknown_code'
            and occurred_at > kernel.now() - make_interval(secs => %(seconds)s)
          order by occurred_at desc limit %(guesses)s) wrong
    having count(*) >= %(guesses)s
"""

FORGET = (
    "delete from iam.login_attempts where expires_at < kernel.now() - interval '1 day'",
    "delete from iam.device_grants where expires_at < kernel.now() - interval '1 day'",
    "delete from iam.sessions where absolute_expires_at < kernel.now() - interval '30 days'",
)


async def insert_attempt(tx: Tx, **values: Any) -> None:
    await tx.run(INSERT_ATTEMPT, values)


async def consume_attempt(tx: Tx, state_hash: bytes, browser_hash: bytes) -> AttemptRow | None:
    """At most once for each attempt, whoever races."""
    return await tx.one(CONSUME_ATTEMPT, {"state_hash": state_hash, "browser_hash": browser_hash}, into=AttemptRow)


async def insert_session(tx: Tx, **values: Any) -> datetime:
    """Returns when it ends at the latest."""
    return await tx.value(INSERT_SESSION, values)


async def revoke_session(tx: Tx, session_id: str, reason: str) -> bool:
    return await tx.run(REVOKE_SESSION, {"id": session_id, "reason": reason}) == 1


async def revoke_session_by_token(tx: Tx, token_hash: bytes, reason: str) -> None:
    await tx.run(REVOKE_SESSION_BY_TOKEN, {"token_hash": token_hash, "reason": reason})


async def insert_device_grant(tx: Tx, **values: Any) -> None:
    await tx.run(INSERT_DEVICE_GRANT, values)


async def poll_device_grant(tx: Tx, device_code_hash: bytes) -> DeviceGrantRow | None:
    """The grant as it was before this poll; an approved one is consumed by it."""
    return await tx.one(POLL_DEVICE_GRANT, {"device_code_hash": device_code_hash}, into=DeviceGrantRow)


async def seconds_to_wait(tx: Tx, user_id: str, guesses: int, seconds: int) -> int | None:
    """None while the person tried fewer than `guesses` wrong codes within `seconds`. Holds off their other guesses."""
    await tx.run(LOCK_GUESSES, {"user_id": user_id})
    return await tx.value(SECONDS_TO_WAIT, {"user_id": user_id, "guesses": guesses, "seconds": seconds})


async def decide_device_grant(
    tx: Tx, user_code_hash: bytes, state: str, user_id: str, tenant_id: str | None
) -> str | None:
    values = {"user_code_hash": user_code_hash, "state": state, "user_id": user_id, "tenant_id": tenant_id}
    return await tx.value(DECIDE_DEVICE_GRANT, values)


async def forget_expired(tx: Tx) -> None:
    for statement in FORGET:
        await tx.run(statement)
