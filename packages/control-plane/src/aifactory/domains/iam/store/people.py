"""Users, identities and the questions answered by the owner's functions. Worker transactions, except where it says tenant."""

from dataclasses import dataclass
from typing import Any

from aifactory.domains.iam.views import NamedRef, UserView
from aifactory.kernel.db import Database, Tx
from aifactory.kernel.principal import Principal


@dataclass(frozen=True)
class Holder:
    """Who holds a token, as iam.authenticate() answers. `grants` are [role, object] pairs. `suspended`: its tenant is."""

    user_id: str
    email: str
    name: str
    session_id: str | None
    session_kind: str | None
    key_id: str | None
    key_name: str | None
    scopes: list[str] | None
    tenant_id: str | None
    grants: list[list[str]]
    grant_version: int
    suspended: bool = False


@dataclass(frozen=True)
class IdentityRow:
    user_id: str
    email: str
    name: str
    disabled: bool


HOLDER = """
    select user_id, email, name, session_id, session_kind, key_id, key_name, scopes, tenant_id, grants, grant_version,
           iam.tenant_suspended(tenant_id) as suspended
    from iam.authenticate(%(kind)s, %(token_hash)s, %(tenant_id)s)
"""

HOLDER_OF_SESSION = """
    select a.user_id, a.email, a.name, a.session_id, a.session_kind, a.key_id, a.key_name, a.scopes, a.tenant_id, a.grants,
           a.grant_version, iam.tenant_suspended(a.tenant_id) as suspended
    from iam.sessions s, iam.authenticate(s.kind, s.token_hash, %(tenant_id)s) a where s.id = %(session_id)s
"""

BY_IDENTITY = """
    select u.id as user_id, u.email, u.name, u.disabled_at is not null as disabled
    from iam.identities i join iam.users u on u.id = i.user_id
    where i.issuer = %(issuer)s and i.subject = %(subject)s
"""

INSERT_USER = """
    insert into iam.users (id, email, name) values (%(id)s, %(email)s, %(name)s) on conflict do nothing
"""

INSERT_IDENTITY = """
    insert into iam.identities (id, issuer, subject, user_id)
    values (%(id)s, %(issuer)s, %(subject)s, %(user_id)s)
    on conflict (issuer, subject) do nothing
"""

TOUCH_IDENTITY = """
    update iam.identities set last_used_at = kernel.now() where issuer = %(issuer)s and subject = %(subject)s
"""

INSERT_OPERATOR = """
    insert into iam.platform_relations (id, subject, relation, created_by)
    values (%(id)s, 'user:' || %(user_id)s::text, 'platform_admin', %(created_by)s)
    on conflict (subject, relation) where removed_at is null do nothing
"""

USER = "select id, email, name from iam.users where id = %(id)s"
TENANTS_OF_USER = "select id, name from iam.tenants_of_user(%(user_id)s)"


def holder_question(kind: str, token_hash: bytes, tenant_id: str | None) -> tuple[str, dict[str, Any]]:
    """The statement and its parameters, for whoever asks it together with something else."""
    return HOLDER, {"kind": kind, "token_hash": token_hash, "tenant_id": tenant_id}


async def holder_of(db: Database, who: Principal, kind: str, token_hash: bytes, tenant_id: str | None) -> Holder | None:
    """One round trip and a transaction of its own."""
    statement, values = holder_question(kind, token_hash, tenant_id)
    return await db.ask("worker", who, statement, values, into=Holder)


async def holder_of_session(tx: Tx, session_id: str, tenant_id: str) -> Holder | None:
    """Who holds the session now, as a member of this tenant; None when either is over. Counts as its use."""
    return await tx.one(HOLDER_OF_SESSION, {"session_id": session_id, "tenant_id": tenant_id}, into=Holder)


async def by_identity(tx: Tx, issuer: str, subject: str) -> IdentityRow | None:
    return await tx.one(BY_IDENTITY, {"issuer": issuer, "subject": subject}, into=IdentityRow)


async def insert_user(tx: Tx, user_id: str, email: str, name: str) -> bool:
    """False when the address belongs to somebody already."""
    return await tx.run(INSERT_USER, {"id": user_id, "email": email, "name": name}) == 1


async def insert_identity(tx: Tx, issuer: str, subject: str, user_id: str) -> None:
    values: dict[str, Any] = {"id": tx.ids.new("idt"), "issuer": issuer, "subject": subject, "user_id": user_id}
    await tx.run(INSERT_IDENTITY, values)


async def touch_identity(tx: Tx, issuer: str, subject: str) -> None:
    await tx.run(TOUCH_IDENTITY, {"issuer": issuer, "subject": subject})


async def insert_operator(tx: Tx, user_id: str, created_by: str) -> None:
    await tx.run(INSERT_OPERATOR, {"id": tx.ids.new("rel"), "user_id": user_id, "created_by": created_by})


async def user(tx: Tx, user_id: str) -> UserView | None:
    return await tx.one(USER, {"id": user_id}, into=UserView)


async def tenants_of(tx: Tx, user_id: str) -> list[NamedRef]:
    return await tx.all(TENANTS_OF_USER, {"user_id": user_id}, into=NamedRef)
