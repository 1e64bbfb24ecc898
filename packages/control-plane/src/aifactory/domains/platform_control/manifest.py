"""What platform_control brings into the house."""

from pathlib import Path

from aifactory.domains.platform_control.demo import open_demo
from aifactory.domains.platform_control.notifications.consumer import notify
from aifactory.domains.platform_control.notifications.dispatcher import forget_old, send_due
from aifactory.domains.platform_control.routes import (
    certificates,
    dead_letters,
    domains,
    health,
    notifications,
    regions,
    slos,
    webhooks,
)
from aifactory.domains.platform_control.slos.measurement import measure
from aifactory.domains.platform_control.smoke import SMOKE
from aifactory.events import platform_control as events
from aifactory.kernel.manifest import Manifest
from aifactory.kernel.schedules import Schedule

MANIFEST = Manifest(
    "platform_control",
    Path(__file__).parent,
    routers=(
        regions.router,
        domains.router,
        health.router,
        certificates.router,
        dead_letters.router,
        webhooks.router,
        notifications.router,
        slos.router,
    ),
    consumers=(notify,),
    schedules=(
        Schedule("platform_control.send_notifications", 2, send_due),
        Schedule("platform_control.measure_slos", 60, measure),
        Schedule("platform_control.forget_notifications", 3600, forget_old),
    ),
    events=events,
    smoke=SMOKE,
    demo=open_demo,
    permissions={
        "platform.domain.read": "see which domains there are and who answers for them",
        "platform.health.read": "see the health of the platform's components",
        "platform.certificate.read": "see the register of agent certificates",
        "platform.certificate.revoke": "refuse a node's certificate at once",
        "platform.dead_letter.read": "see events that a consumer could not take",
        "platform.dead_letter.replay": "give a consumer an event again",
        "platform.slo.read": "see how the platform keeps what it promises",
        "webhook.read": "see the tenant's webhooks and what was sent to them",
        "webhook.manage": "have the tenant's events posted to an address, test and delete it",
        "notification.read": "see who of the tenant is told of what by mail",
        "notification.manage": "set who of the tenant is told of what by mail",
    },
)
