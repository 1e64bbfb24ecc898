"""What the routes of iam accept and answer beside the views. Unknown members are refused."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aifactory.domains.iam.views import (
    ApiKeyView,
    AuditEntryView,
    MemberView,
    NamedRef,
    ProjectView,
    QuotaView,
    SshKeyView,
    TenantQuotaView,
    TenantView,
)
from aifactory.kernel.instant import Instant

Id = Annotated[str, StringConstraints(min_length=5, max_length=60, pattern=r"^[a-z]+_[a-z0-9]+$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
NO_NUL = r"^[^\x00]*$"  # the database takes no NUL; any other odd id is simply not found
PathId = Annotated[str, Path(max_length=80, pattern=NO_NUL)]
ProjectFilter = Annotated[str | None, Query(max_length=80, pattern=NO_NUL)]
TextFilter = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]
Label = Annotated[str, StringConstraints(max_length=63, pattern=r"^[^\x00-\x1f\x7f]*$")]
Labels = Annotated[dict[Label, Label], Field(default_factory=dict, max_length=32)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProjectWrite(Body):
    """A project's name: lower-case letters, digits and inner hyphens, unique in the tenant."""

    name: str = Field(min_length=1, max_length=63)
    labels: Labels


class MemberCreate(Body):
    """`project_id` left out: the role is on the whole tenant."""

    email: str = Field(min_length=3, max_length=254, pattern=r"^[!-?A-~]{1,64}@[!-?A-~]{1,189}$")
    role: str = Field(max_length=40, pattern=NO_NUL)
    project_id: Id | None = None


class ApiKeyCreate(Body):
    """`scopes`: roles or permissions; `member` when left out. `expires_at`: in 90 days when left out, 366 at most."""

    name: Name
    scopes: list[Annotated[str, StringConstraints(max_length=60)]] | None = Field(None, max_length=8)
    expires_at: Instant | None = None
    project_id: Id | None = None
    labels: Labels


class SshKeyCreate(Body):
    """`public_key`: one line as in a .pub file; ed25519, ecdsa, or RSA from 3072 bits."""

    name: Name
    public_key: str = Field(min_length=1, max_length=8192)
    labels: Labels


class QuotaWrite(Body):
    limit: int = Field(strict=True, ge=0, le=1_000_000_000)


class StateChange(Body):
    """`reason` is kept in the tenant's audit log, and of a suspension shown to operators."""

    reason: Annotated[
        str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
    ]


class DeviceToken(Body):
    device_code: str = Field(min_length=1, max_length=100)


class DeviceDecision(Body):
    user_code: str = Field(min_length=1, max_length=20)


class SessionAnswer(BaseModel):
    """Who is signed in; the same shape with `authenticated: false` for a visitor."""

    authenticated: bool
    principal: dict[str, str] | None
    tenant: NamedRef | None
    tenants: list[NamedRef]
    projects: list[NamedRef]
    roles: list[str]
    permissions: list[str]
    csrf_token: str | None
    operator: bool


class GrantEvidence(BaseModel):
    """One of the caller's grants, and whether the decision used it; for keys also the scopes that narrow it."""

    role: str | None = None
    object: str | None = None
    grants_permission: bool | None = None
    used: bool | None = None
    scopes: list[str] | None = None


class ExplanationAnswer(BaseModel):
    """A decision about the caller, with the tuples it was taken from."""

    permission: str
    object: str
    allowed: bool
    because: str
    evidence: list[GrantEvidence]


class ProjectPage(BaseModel):
    items: list[ProjectView]
    next_cursor: str | None


class MemberPage(BaseModel):
    items: list[MemberView]
    next_cursor: str | None


class ApiKeyPage(BaseModel):
    items: list[ApiKeyView]
    next_cursor: str | None


class SshKeyPage(BaseModel):
    items: list[SshKeyView]
    next_cursor: str | None


class QuotaPage(BaseModel):
    """`tenant`: what all projects may hold together; empty for those who see only some of them."""

    items: list[QuotaView]
    next_cursor: str | None = None
    tenant: list[TenantQuotaView] = []


class TenantPage(BaseModel):
    items: list[TenantView]
    next_cursor: str | None


class AuditPage(BaseModel):
    items: list[AuditEntryView]
    next_cursor: str | None
