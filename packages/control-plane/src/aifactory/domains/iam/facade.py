"""The door to identity: who asks, what they may do and why, how much they may hold, and the record of it all.

Each function is documented where it lives; its module is the noun it belongs to.
"""

from aifactory.domains.iam.api_keys import create as create_api_key
from aifactory.domains.iam.api_keys import list_keys as list_api_keys
from aifactory.domains.iam.api_keys import revoke as revoke_api_key
from aifactory.domains.iam.api_keys import show as api_key
from aifactory.domains.iam.audit_log import entries as audit_entries
from aifactory.domains.iam.audit_log import evidence as audit_evidence
from aifactory.domains.iam.audit_verification import AuditVerification
from aifactory.domains.iam.audit_verification import verify as verify_audit
from aifactory.domains.iam.authorization import Decision, Target, check
from aifactory.domains.iam.authorization import holds_somewhere as decide_anywhere
from aifactory.domains.iam.dev_issuer import development_issuer, refuse_unless_loopback
from aifactory.domains.iam.device_login import DeviceLogin
from aifactory.domains.iam.device_login import DeviceToken as DeviceTokenView
from aifactory.domains.iam.device_login import begin as begin_device_login
from aifactory.domains.iam.device_login import collect as collect_device_token
from aifactory.domains.iam.device_login import decide as decide_device_login
from aifactory.domains.iam.door import Door, mount_development_issuer
from aifactory.domains.iam.gateway_keys import GatewayKey, gateway_keys, gateway_pepper
from aifactory.domains.iam.installation import Installation, public_url
from aifactory.domains.iam.installation import use as use_installation
from aifactory.domains.iam.members import add as add_member
from aifactory.domains.iam.members import list_members
from aifactory.domains.iam.members import remove as remove_member
from aifactory.domains.iam.members import show as member
from aifactory.domains.iam.next_path import safe_next
from aifactory.domains.iam.permission_gate import Explanation, explain, require, visible_projects
from aifactory.domains.iam.projects import create as create_project
from aifactory.domains.iam.projects import default_project, list_projects
from aifactory.domains.iam.projects import delete as delete_project
from aifactory.domains.iam.projects import edit as edit_project
from aifactory.domains.iam.projects import show as project
from aifactory.domains.iam.quotas import release as release_quota
from aifactory.domains.iam.quotas import reserve as reserve_quota
from aifactory.domains.iam.quotas import set_limit as set_quota_limit
from aifactory.domains.iam.quotas import set_tenant_limit as set_tenant_quota_limit
from aifactory.domains.iam.quotas import tenant_usage as tenant_quota_usage
from aifactory.domains.iam.quotas import total_of_tenant as quota_total_of_tenant
from aifactory.domains.iam.quotas import usage as quota_usage
from aifactory.domains.iam.quotas import usage_of_tenant as quota_usage_of_tenant
from aifactory.domains.iam.seed import ADMIN, DEMO, OTHER, SEEDED, SeededPerson
from aifactory.domains.iam.sessions import COOKIE as SESSION_COOKIE
from aifactory.domains.iam.sessions import (
    LIFETIMES,
    authenticate,
    close_session,
    holder_of_session,
    session_of,
    session_view,
    verify_csrf,
)
from aifactory.domains.iam.sign_in import ATTEMPT_SECONDS, LOGIN_COOKIE, at_public_address
from aifactory.domains.iam.sign_in import begin as begin_sign_in
from aifactory.domains.iam.sign_in import finish as finish_sign_in
from aifactory.domains.iam.ssh_keys import create as create_ssh_key
from aifactory.domains.iam.ssh_keys import delete as delete_ssh_key
from aifactory.domains.iam.ssh_keys import ensure as ensure_ssh_key
from aifactory.domains.iam.ssh_keys import list_keys as list_ssh_keys
from aifactory.domains.iam.ssh_keys import material as ssh_key_material
from aifactory.domains.iam.ssh_keys import show as ssh_key
from aifactory.domains.iam.tenants import list_tenants
from aifactory.domains.iam.tenants import resume as resume_tenant
from aifactory.domains.iam.tenants import show as tenant
from aifactory.domains.iam.tenants import suspend as suspend_tenant
from aifactory.domains.iam.views import (
    ApiKeyView,
    AuditEntryView,
    MemberView,
    NamedRef,
    NewApiKeyView,
    ProjectView,
    QuotaView,
    SessionView,
    SshKeyView,
    TenantQuotaView,
    TenantView,
    UserView,
)

SEEDED_TENANTS = tuple(person.tenant_id for person in SEEDED)  # demo, other, operator
SESSION_SECONDS = LIFETIMES["portal"].absolute_seconds

__all__ = [
    "ADMIN",
    "ATTEMPT_SECONDS",
    "DEMO",
    "LOGIN_COOKIE",
    "OTHER",
    "SEEDED",
    "SEEDED_TENANTS",
    "SESSION_COOKIE",
    "SESSION_SECONDS",
    "ApiKeyView",
    "AuditEntryView",
    "AuditVerification",
    "Decision",
    "DeviceLogin",
    "DeviceTokenView",
    "Door",
    "Explanation",
    "GatewayKey",
    "Installation",
    "MemberView",
    "NamedRef",
    "NewApiKeyView",
    "ProjectView",
    "QuotaView",
    "SeededPerson",
    "SessionView",
    "SshKeyView",
    "Target",
    "TenantQuotaView",
    "TenantView",
    "UserView",
    "add_member",
    "api_key",
    "at_public_address",
    "audit_entries",
    "audit_evidence",
    "authenticate",
    "begin_device_login",
    "begin_sign_in",
    "check",
    "close_session",
    "collect_device_token",
    "create_api_key",
    "create_project",
    "create_ssh_key",
    "decide_anywhere",
    "decide_device_login",
    "default_project",
    "delete_project",
    "delete_ssh_key",
    "development_issuer",
    "edit_project",
    "ensure_ssh_key",
    "explain",
    "finish_sign_in",
    "gateway_keys",
    "gateway_pepper",
    "holder_of_session",
    "list_api_keys",
    "list_members",
    "list_projects",
    "list_ssh_keys",
    "list_tenants",
    "member",
    "mount_development_issuer",
    "project",
    "public_url",
    "quota_total_of_tenant",
    "quota_usage",
    "quota_usage_of_tenant",
    "refuse_unless_loopback",
    "release_quota",
    "remove_member",
    "require",
    "reserve_quota",
    "resume_tenant",
    "revoke_api_key",
    "safe_next",
    "session_of",
    "session_view",
    "set_quota_limit",
    "set_tenant_quota_limit",
    "ssh_key",
    "ssh_key_material",
    "suspend_tenant",
    "tenant",
    "tenant_quota_usage",
    "use_installation",
    "verify_audit",
    "verify_csrf",
    "visible_projects",
]
