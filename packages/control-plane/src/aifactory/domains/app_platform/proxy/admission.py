"""Who may enter: a ticket that the API gave to a signed-in person, once; then a cookie of the instance's own origin.

Both rest on the sign-in behind them. At every look the person's session and role are asked for anew, so that signing out
or losing the role closes the app too, within ADMITTED_SECONDS.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from aifactory.domains.app_platform.instance import Instance, State
from aifactory.domains.app_platform.ports import DoorAddress
from aifactory.domains.app_platform.proxy.address import origin_of
from aifactory.domains.app_platform.store import instances, visits
from aifactory.domains.app_platform.store.visits import VisitRow
from aifactory.domains.iam import facade as iam
from aifactory.domains.provisioning import facade as provisioning
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal

ENTER = "/.aif/enter"
TICKET_SECONDS = 60
COOKIE_SECONDS = 12 * 3600
ADMITTED_SECONDS = 3.0
MAX_TOKEN_CHARACTERS = 64
WHO = Principal.service("app_platform.proxy")


@dataclass(frozen=True)
class OpenView:
    """`url` is for one browser, once, until `expires_at`. It is shown once: a replay of the request lacks it."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Admitted:
    """Somebody who may use this instance now, and where its sandbox's door is."""

    instance_id: str
    owner_id: str
    address: DoorAddress


async def ticket(tx: Tx, row: Instance, session_id: str) -> OpenView:
    """The caller has asked for the permission."""
    token = secrets.token_urlsafe(32)
    visit = VisitRow(row.id, row.tenant_id, session_id)
    await visits.insert(tx, _hash(token), "ticket", visit, TICKET_SECONDS)
    expires_at = await tx.now() + timedelta(seconds=TICKET_SECONDS)
    return OpenView(f"{origin_of(row.id)}{ENTER}?ticket={token}", expires_at)


async def enter(database: Database, instance_id: str, token: str) -> str | None:
    """The cookie's value for a good ticket, which is used up. None for any other."""
    if not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
        return None
    async with database.tx("worker", WHO) as tx:
        visit = await visits.use_ticket(tx, _hash(token), instance_id)
        if visit is None or await _admitted(tx, visit) is None:
            return None
        cookie = secrets.token_urlsafe(32)
        await visits.insert(tx, _hash(cookie), "cookie", visit, COOKIE_SECONDS)
        return cookie


async def admit(database: Database, instance_id: str, cookie: str) -> Admitted | None:
    """None for anybody who may not, whatever the reason."""
    if not 0 < len(cookie) <= MAX_TOKEN_CHARACTERS:
        return None
    async with database.tx("worker", WHO) as tx:
        visit = await visits.cookie(tx, _hash(cookie), instance_id)
        return None if visit is None else await _admitted(tx, visit)


async def _admitted(tx: Tx, visit: VisitRow) -> Admitted | None:
    person = await iam.holder_of_session(tx, visit.session_id, visit.owner_id)
    await tx.set_tenant(visit.owner_id)
    row = await instances.one(tx, visit.instance_id)
    if person is None or row is None or row.state != State.RUNNING or row.kind != "web":
        return None
    if not iam.check(person, "instance.open", iam.Target(visit.owner_id, row.project_id)).allowed:
        return None
    sandbox = await provisioning.sandbox(tx, row.allocation_id)
    if not sandbox.runs:
        return None
    return Admitted(row.id, visit.owner_id, DoorAddress(sandbox.host, sandbox.port, sandbox.host_key))


async def used(database: Database, admitted: Admitted) -> None:
    """Its idle time begins anew."""
    async with database.tx("worker", WHO) as tx:
        await tx.set_tenant(admitted.owner_id)
        await instances.touch(tx, admitted.instance_id)


async def forget_expired(database: Database) -> None:
    async with database.tx("worker", WHO) as tx:
        await visits.forget(tx)


def _hash(token: str) -> bytes:
    """256 random bits need no slow hash, and none with a key."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
