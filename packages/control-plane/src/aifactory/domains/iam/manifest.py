"""What iam brings into the house."""

from pathlib import Path

from aifactory.domains.iam import (
    routes_audit,
    routes_auth,
    routes_device,
    routes_keys,
    routes_members,
    routes_projects,
    routes_quotas,
    routes_ssh_keys,
    routes_tenants,
)
from aifactory.domains.iam.demo import open_demo
from aifactory.domains.iam.seed import seed
from aifactory.domains.iam.sessions import forget_expired
from aifactory.domains.iam.smoke import SMOKE
from aifactory.events import iam as events
from aifactory.kernel.manifest import Manifest
from aifactory.kernel.schedules import Schedule

MANIFEST = Manifest(
    "iam",
    Path(__file__).parent,
    routers=(
        routes_auth.router,
        routes_device.router,
        routes_projects.router,
        routes_members.router,
        routes_keys.router,
        routes_ssh_keys.router,
        routes_quotas.router,
        routes_audit.router,
        routes_audit.operator_router,
        routes_tenants.router,
    ),
    schedules=(Schedule("iam.forget_expired", 600, forget_expired),),
    events=events,
    smoke=SMOKE,
    permissions={
        "project.read": "see the projects one has a role in",
        "project.create": "divide the tenant into projects",
        "project.edit": "rename a project, change its labels",
        "project.delete": "delete a project that holds nothing",
        "member.read": "see who holds which role",
        "member.manage": "give and take roles up to one's own",
        "key.read": "see one's API keys, or all as an admin",
        "key.create": "make API keys within one's own rights",
        "key.revoke": "revoke API keys",
        "ssh_key.read": "see the tenant's SSH keys",
        "ssh_key.create": "add SSH keys",
        "ssh_key.delete": "remove SSH keys",
        "quota.read": "see limits and use",
        "audit.read": "read and verify the tenant's audit log",
        "platform.tenant.read": "operators: see all tenants and their quotas",
        "platform.tenant.suspend": "operators: suspend a tenant, and resume it",
        "platform.quota.edit": "operators: set a project's limits",
        "platform.audit.read": "operators: read and verify every audit chain",
    },
    seed=seed,
    demo=open_demo,
)
