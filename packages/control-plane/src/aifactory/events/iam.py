"""What iam tells the other domains: people, memberships, projects and keys that came, changed or went."""

from dataclasses import dataclass

from aifactory.events import event


@event("iam.user_signed_in", 1)
@dataclass(frozen=True)
class UserSignedIn:
    """A person has a new session. `first_time`: the user was created by this sign-in."""

    user_id: str
    session_id: str
    kind: str
    first_time: bool


@event("iam.tenant_created", 1)
@dataclass(frozen=True)
class TenantCreated:
    """A tenant exists, with its default project; its first admin is `user_id`."""

    tenant_id: str
    name: str
    user_id: str


@event("iam.tenant_suspended", 1)
@dataclass(frozen=True)
class TenantSuspended:
    """It begins nothing new until it is resumed; what runs goes on."""

    tenant_id: str
    reason: str


@event("iam.tenant_resumed", 1)
@dataclass(frozen=True)
class TenantResumed:
    """A suspended tenant may do again what its roles say."""

    tenant_id: str
    reason: str


@event("iam.project_created", 1)
@dataclass(frozen=True)
class ProjectCreated:
    project_id: str
    tenant_id: str
    name: str


@event("iam.project_deleted", 1)
@dataclass(frozen=True)
class ProjectDeleted:
    project_id: str
    tenant_id: str


@event("iam.member_invited", 1)
@dataclass(frozen=True)
class MemberInvited:
    """Somebody has the role from their next sign-in on; `iam.member_added` under the same aggregate tells of it."""

    tenant_id: str
    member_id: str
    role: str
    object: str


@event("iam.member_added", 1)
@dataclass(frozen=True)
class MemberAdded:
    """`object` is `tenant:tnt_…` or `project:prj_…`."""

    tenant_id: str
    user_id: str
    role: str
    object: str


@event("iam.member_removed", 1)
@dataclass(frozen=True)
class MemberRemoved:
    """The role ended with the transaction that published this."""

    tenant_id: str
    user_id: str
    role: str
    object: str


@event("iam.api_key_created", 1)
@dataclass(frozen=True)
class ApiKeyCreated:
    """Never carries the secret or its hash."""

    key_id: str
    tenant_id: str
    user_id: str
    scopes: list[str]
    expires_at: str


@event("iam.api_key_revoked", 1)
@dataclass(frozen=True)
class ApiKeyRevoked:
    """Gateways drop the key within a second of this."""

    key_id: str
    tenant_id: str
    user_id: str


@event("iam.quota_limit_changed", 1)
@dataclass(frozen=True)
class QuotaLimitChanged:
    tenant_id: str
    project_id: str
    resource: str
    limit: int


@event("iam.tenant_quota_limit_changed", 1)
@dataclass(frozen=True)
class TenantQuotaLimitChanged:
    """What all projects of the tenant may hold together."""

    tenant_id: str
    resource: str
    limit: int
