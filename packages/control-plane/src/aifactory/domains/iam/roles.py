"""Which role holds which permission: the one table. A role or permission that is not here is refused.

A role is held on one object. On a tenant it reaches everything inside, on a project only that project,
on the platform what operators do and nothing of a tenant's.
"""

from collections.abc import Mapping

PLATFORM_PREFIX = "platform."

_SEE = frozenset(
    {
        "allocation.read",
        "bucket.read",
        "bucket_key.read",
        "instance.read",
        "network.read",
        "project.read",
        "published_port.read",
        "quota.read",
        "security_group.read",
        "ssh_key.read",
        "telemetry.read",
        "volume.read",
    }
)
_USE = _SEE | {
    "allocation.create",
    "allocation.release",
    "bucket.create",
    "bucket.delete",
    "bucket_key.create",
    "bucket_key.revoke",
    "inference.use",
    "instance.create",
    "instance.open",
    "instance.stop",
    "key.create",
    "key.read",
    "key.revoke",
    "network.create",
    "network.delete",
    "published_port.create",
    "published_port.delete",
    "security_group.create",
    "security_group.delete",
    "ssh_key.create",
    "ssh_key.delete",
    "token_usage.read",
    "usage.read",
    "volume.create",
    "volume.delete",
    "wallet.read",
}
_RUN_PROJECT = _USE | {"member.manage", "member.read"}
_OWN_KEYS = frozenset({"key.read", "key.revoke"})  # whoever may make no more keys can still see and revoke theirs
_SEE_MONEY = frozenset(
    {"ledger.read", "project.read", "statement.read", "token_usage.read", "usage.read", "wallet.read"}
)
_RUN_TENANT = (
    _RUN_PROJECT
    | _SEE_MONEY
    | {
        "audit.read",
        "evidence.read",
        "notification.manage",
        "notification.read",
        "project.create",
        "project.delete",
        "project.edit",
        "webhook.manage",
        "webhook.read",
    }
)
_OPERATE = frozenset(
    {
        "platform.audit.read",
        "platform.billing.read",
        "platform.billing.write",
        "platform.certificate.read",
        "platform.certificate.revoke",
        "platform.dead_letter.read",
        "platform.dead_letter.replay",
        "platform.domain.read",
        "platform.evidence.read",
        "platform.health.read",
        "platform.incident.read",
        "platform.inference.read",
        "platform.inference.write",
        "platform.node.drain",
        "platform.node.enrol",
        "platform.node.read",
        "platform.prices.read",
        "platform.prices.write",
        "platform.quota.edit",
        "platform.slo.read",
        "platform.slot.sanitize",
        "platform.telemetry.read",
        "platform.tenant.read",
        "platform.tenant.suspend",
    }
)

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": _SEE | _OWN_KEYS,
    "billing_viewer": _SEE_MONEY | _OWN_KEYS,
    "member": _USE,
    "project_admin": _RUN_PROJECT,
    "tenant_admin": _RUN_TENANT,
    "platform_admin": _OPERATE,
}
# What a role means as a key's scope: a key that only looks revokes nothing.
SCOPES: Mapping[str, frozenset[str]] = {**ROLES, "viewer": _SEE, "billing_viewer": _SEE_MONEY}
PERMISSIONS: frozenset[str] = frozenset().union(*ROLES.values())
HOLDERS: Mapping[str, frozenset[str]] = {
    permission: frozenset(role for role, held in ROLES.items() if permission in held) for permission in PERMISSIONS
}
# Else whoever has a leaked key would keep its children when it is revoked.
NEVER_BY_KEY = frozenset({"key.create"})
# What a suspended tenant keeps beside reading: to let go, to pay, to reach what still runs, and to lock others out.
_LET_GO = frozenset(
    {
        "allocation.release",
        "bucket.delete",
        "bucket_key.revoke",
        "instance.open",
        "instance.stop",
        "key.revoke",
        "project.delete",
        "ssh_key.delete",
        "volume.delete",
    }
)
TENANT_ROLES = ("tenant_admin", "project_admin", "member", "viewer", "billing_viewer")
PROJECT_ROLES = ("project_admin", "member", "viewer")


def scope_allows(scopes: tuple[str, ...], permission: str) -> bool:
    """A key's scope is the name of a permission, or of a role and means that role's permissions."""
    return permission not in NEVER_BY_KEY and any(
        scope == permission or permission in SCOPES.get(scope, ()) for scope in scopes
    )


def allowed_while_suspended(permission: str) -> bool:
    """Whatever is new is refused until somebody adds it here."""
    return permission in _LET_GO or permission.endswith(".read") or permission.startswith(PLATFORM_PREFIX)


def is_scope(text: str) -> bool:
    """Keys never operate the platform, and make no keys: neither its role nor its permissions are scopes, nor is that."""
    operates = text.startswith(PLATFORM_PREFIX)
    return text in TENANT_ROLES or (text in PERMISSIONS and not operates and text not in NEVER_BY_KEY)
