"""What leaves this domain: frozen dataclasses, one per noun."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from aifactory.kernel.resource import Condition


@dataclass(frozen=True)
class NamedRef:
    """An id with the name that people know it by."""

    id: str
    name: str


@dataclass(frozen=True)
class UserView:
    id: str
    email: str
    name: str


@dataclass(frozen=True)
class TenantView:
    """`state` is `active` or `suspended`; `state_reason` says why it is suspended."""

    id: str
    tenant_id: str
    name: str
    labels: dict[str, str]
    state: str
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    state_reason: str = ""
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class ProjectView:
    """`project_id` is its own id, so that it reads like every other resource."""

    id: str
    tenant_id: str
    project_id: str
    name: str
    is_default: bool
    labels: dict[str, str]
    state: str
    generation: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class MemberView:
    """One role of one person: on the whole tenant, or on `project_id`.

    `state` `invited`: from their next sign-in on; until then `user_id` and `name` are empty, whoever it is.
    """

    id: str
    tenant_id: str
    project_id: str | None
    user_id: str
    email: str
    name: str
    role: str
    object: str
    created_at: datetime
    created_by: str
    state: str = "member"


@dataclass(frozen=True)
class ApiKeyView:
    """A key without its secret. It acts for `user_id`, within `scopes` and what that person may do at the moment."""

    id: str
    tenant_id: str
    project_id: str | None
    user_id: str
    name: str
    hint: str
    scopes: list[str]
    labels: dict[str, str]
    state: str
    generation: int
    expires_at: datetime
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class NewApiKeyView(ApiKeyView):
    """The one time that the secret is seen. A replayed answer has None and the code `secret_already_shown`."""

    secret: str | None = field(default=None, repr=False)
    code: str | None = None


@dataclass(frozen=True)
class SshKeyView:
    id: str
    tenant_id: str
    name: str
    public_key: str
    kind: str
    fingerprint: str
    labels: dict[str, str]
    state: str
    generation: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    project_id: str | None = None
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class QuotaView:
    """`limit` and `used` are whole numbers of the resource's unit: pieces, vCPUs, or gigabytes for volume_gb and bucket_gb."""

    tenant_id: str
    project_id: str
    resource: str
    limit: int
    used: int
    generation: int


@dataclass(frozen=True)
class TenantQuotaView:
    """What all projects of the tenant may hold together, and hold; units as in QuotaView."""

    tenant_id: str
    resource: str
    limit: int
    used: int
    generation: int


@dataclass(frozen=True)
class SessionView:
    """Who is signed in, in which tenant, and what they may do there: what the portal's shell needs."""

    authenticated: bool
    user: UserView | None = None
    kind: str = "anonymous"
    tenant: NamedRef | None = None
    tenants: tuple[NamedRef, ...] = ()
    projects: tuple[NamedRef, ...] = ()
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    csrf_token: str | None = None
    operator: bool = False


@dataclass(frozen=True)
class AuditEntryView:
    id: str
    tenant_id: str
    project_id: str | None
    actor_id: str
    actor_kind: str
    actor_name: str
    action: str
    target_id: str
    decision: str
    reason: str
    request_id: str
    occurred_at: datetime
    details: Annotated[dict[str, Any], Field(json_schema_extra={"x-free-form": "each action adds facts of its own"})]
