"""Who asks: the roles of a running house, each with a credential that it really got by signing in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from house import House

from aifactory.domains.iam import facade as iam

A, B = iam.DEMO.tenant_id, iam.OTHER.tenant_id
GUEST_ROLES = ("viewer", "billing_viewer", "member", "project_admin")
# The most powerful come last: what they change or delete is then needed no more.
ROLES = ("anonymous", *GUEST_ROLES, "stranger", "tenant_admin", "platform_admin")
_PERSONS = {"stranger": iam.OTHER, "tenant_admin": iam.DEMO, "platform_admin": iam.ADMIN}


@dataclass(frozen=True)
class Credential:
    """`spare`: another sign-in of the same person, for what ends the one that it is used with."""

    role: str
    token: str = ""
    spare: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def acting_as(house: House, role: str) -> Iterator[Credential]:
    """Guests are the other tenant's person, holding that role in tenant A for as long as this lasts."""
    if role == "anonymous":
        yield Credential(role)
        return
    email = _PERSONS.get(role, iam.OTHER).email
    if role not in GUEST_ROLES:
        yield Credential(role, house.token(email), house.token(email, "-spare"))
        return
    admin = house.api(iam.DEMO.email)
    heads = {"Idempotency-Key": f"acting-as-{role}"}
    admin.post("/members", json={"email": email, "role": role}, headers=heads).raise_for_status()
    spare = house.token(email, f"-spare-{role}")  # a sign-in after the invitation, which it takes up
    try:
        yield Credential(role, house.token(email), spare, {"X-Aif-Tenant": A})
    finally:
        for member in admin.get("/members", params={"limit": 200}).json()["items"]:
            if member["email"] == email:  # who may add members has added itself once more
                admin.delete(f"/members/{member['id']}", headers={"Idempotency-Key": f"no-longer-{member['id']}"})
