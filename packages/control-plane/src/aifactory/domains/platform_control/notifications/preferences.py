"""Who of a tenant is told of what by mail."""

from aifactory.domains.platform_control.notifications import mail, settings
from aifactory.domains.platform_control.notifications.consumer import MAIL_OFF
from aifactory.domains.platform_control.notifications.views import PreferencesView, PreferenceView
from aifactory.domains.platform_control.notifications.webhooks import whole_tenant
from aifactory.domains.platform_control.store import webhooks as store
from aifactory.kernel.db import Tx


async def show(tx: Tx) -> PreferencesView:
    """Every kind, also those that nobody is told of."""
    whole_tenant(tx, "notification.read")
    rows = {row.kind: row for row in await store.preferences(tx)}
    enabled = settings.mail_is_on()
    items = [_view(template, rows.get(kind)) for kind, template in mail.KINDS.items()]
    return PreferencesView(enabled, "" if enabled else MAIL_OFF, items)


async def put(tx: Tx, kind: str, recipients: list[str]) -> PreferencesView:
    """From this commit on these addresses are told of that kind; none: nobody is. Raises 422 for what is no address."""
    whole_tenant(tx, "notification.manage")
    addresses = mail.checked_recipients(kind, recipients)
    await store.set_preference(tx, kind, addresses)
    await tx.audit("notification.set", kind, details={"recipients": addresses})
    return await show(tx)


def _view(template: mail.Template, row: store.PreferenceRow | None) -> PreferenceView:
    told = row.recipients if row else []
    event_type = template.event.TYPE  # type: ignore[attr-defined]  # set by @event
    by, at = (row.updated_by, row.updated_at) if row else (None, None)
    return PreferenceView(template.kind, template.about, event_type, told, by, at)
