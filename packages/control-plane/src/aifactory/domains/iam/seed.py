"""The people of the development identity provider, under ids that never change. Safe to run again."""

from dataclasses import dataclass

from aifactory.domains.iam.installation import DEVELOPMENT_ISSUER_NAME
from aifactory.domains.iam.registration import found_tenant
from aifactory.domains.iam.store import people, tenants
from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class SeededPerson:
    email: str
    name: str
    user_id: str
    tenant_id: str
    tenant_name: str
    operator: bool = False


def _fixed(prefix: str, word: str) -> str:
    return f"{prefix}_{word:0>26}"


DEMO = SeededPerson("demo@example.com", "Demo", _fixed("usr", "dem0"), _fixed("tnt", "dem0"), "Demo")
OTHER = SeededPerson("other@example.com", "Other", _fixed("usr", "0ther"), _fixed("tnt", "0ther"), "Other")
ADMIN = SeededPerson("admin@example.com", "Admin", _fixed("usr", "adm1n"), _fixed("tnt", "0perat0r"), "Operator", True)
SEEDED = (DEMO, OTHER, ADMIN)


async def seed(tx: Tx) -> None:
    """Worker transaction."""
    for person in SEEDED:
        await people.insert_user(tx, person.user_id, person.email, person.name)
        await people.insert_identity(tx, DEVELOPMENT_ISSUER_NAME, person.email, person.user_id)
        await tx.set_tenant(person.tenant_id)
        if await tenants.tenant(tx, person.tenant_id) is None:
            await found_tenant(tx, person.tenant_id, person.tenant_name, person.user_id)
        if person.operator:
            await people.insert_operator(tx, person.user_id, tx.principal.id)
    await tx.set_tenant(None)
