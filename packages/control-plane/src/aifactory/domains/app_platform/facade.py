"""The door to apps and their instances."""

from aifactory.domains.app_platform import catalogue
from aifactory.domains.app_platform.catalogue import AppView, ParameterView
from aifactory.domains.app_platform.flow_run_instance import RunInstance
from aifactory.domains.app_platform.inference.gateways import create_token as create_gateway_token
from aifactory.domains.app_platform.inference.local_model import offer_local_model
from aifactory.domains.app_platform.inference.snapshot import refresh as refresh_snapshots
from aifactory.domains.app_platform.instance import KIND, MAX_LIVE_PER_ALLOCATION, Instance, Wanted, name_of
from aifactory.domains.app_platform.parameters import check_parameters
from aifactory.domains.app_platform.proxy import admission
from aifactory.domains.app_platform.proxy.admission import OpenView
from aifactory.domains.app_platform.proxy.server import Proxy
from aifactory.domains.app_platform.store import instances as store
from aifactory.domains.app_platform.store.instances import InstanceFilter
from aifactory.domains.app_platform.views import InstanceTransition, InstanceView, LogsView, instance_view, logs_view
from aifactory.domains.billing import facade as billing
from aifactory.domains.iam import facade as iam
from aifactory.domains.platform_control import facade as platform_control
from aifactory.domains.provisioning import facade as provisioning
from aifactory.events.app_platform import InstanceRequested
from aifactory.kernel import flow as flows
from aifactory.kernel.db import Tx
from aifactory.kernel.errors import conflict, not_found
from aifactory.kernel.pagination import Page

__all__ = [
    "AppView",
    "InstanceFilter",
    "InstanceTransition",
    "InstanceView",
    "LogsView",
    "OpenView",
    "ParameterView",
    "Proxy",
    "Wanted",
    "app",
    "apps",
    "create",
    "create_gateway_token",
    "end_with_allocation",
    "events",
    "list_instances",
    "logs",
    "offer_local_model",
    "open_account",
    "open_in_browser",
    "refresh_snapshots",
    "show",
    "stop",
]


async def apps(tx: Tx) -> list[AppView]:
    """Every app that can be launched, in its newest version. Needs no tenant."""
    return await catalogue.every(tx)


async def app(tx: Tx, name: str) -> AppView:
    """Needs no tenant. 404 for one that is not there, or that no trusted publisher signed."""
    return await catalogue.one(tx, name)


async def create(tx: Tx, wanted: Wanted) -> InstanceView:
    """Records a launch; the flow starts it on the allocation's node and tells instance_started or instance_ended.

    404 for an app or allocation that is not there, 409 `allocation_not_active` and `too_many_instances`, 422 for
    parameters that do not fit the app's schema.
    """
    sandbox = await provisioning.sandbox(tx, wanted.allocation_id)
    await iam.require(tx, "instance.create", sandbox.project_id)
    manifest = await catalogue.manifest(tx, wanted.app, wanted.version)
    parameters = check_parameters(manifest.parameters, wanted.parameters or {})
    if not sandbox.runs:
        raise conflict(
            "allocation_not_active",
            f"Allocation {sandbox.allocation_id} is {sandbox.state}; apps run in active ones.",
            "Wait until it is active, or launch another allocation.",
        )
    if len(await store.live_on(tx, sandbox.allocation_id)) >= MAX_LIVE_PER_ALLOCATION:
        raise conflict(
            "too_many_instances",
            f"{MAX_LIVE_PER_ALLOCATION} instances run in {sandbox.allocation_id} already.",
            "Stop one of them, or use another allocation.",
        )
    instance_id = tx.ids.new("inst")
    autostop = wanted.autostop_minutes or manifest.autostop_minutes
    await store.insert(
        tx,
        id=instance_id,
        project_id=sandbox.project_id,
        region_id=sandbox.region_id,
        name=name_of(wanted, instance_id),
        labels=wanted.labels or {},
        allocation_id=sandbox.allocation_id,
        app=manifest.name,
        app_version=manifest.version,
        kind=manifest.kind,
        parameters=parameters,
        autostop_minutes=autostop if manifest.kind == "web" else None,
    )
    await flows.start(tx, RunInstance, instance_id, tx.tenant_id, why="launched by its user")
    details = {"app": manifest.name, "version": manifest.version, "allocation_id": sandbox.allocation_id}
    await tx.audit("instance.create", instance_id, project_id=sandbox.project_id, details=details)
    event = InstanceRequested(instance_id, sandbox.project_id, sandbox.allocation_id, manifest.name, manifest.version)
    await tx.emit(event, instance_id, 1)
    return instance_view(await _visible(tx, instance_id))


async def show(tx: Tx, instance_id: str) -> InstanceView:
    return instance_view(await _readable(tx, instance_id))


async def list_instances(tx: Tx, page: Page, only: InstanceFilter) -> bytes:
    """`{items, next_cursor}` as JSON bytes: of the projects in which the caller may see instances."""
    return await store.list_json(tx, page, only, iam.visible_projects(tx, "instance.read"))


async def logs(tx: Tx, instance_id: str, since: int = 0) -> LogsView:
    """What it printed from byte `since` on: at most the last MiB, as of the last look at it."""
    row = await _readable(tx, instance_id)
    return logs_view(row.id, await store.output(tx, row.id), since)


async def events(tx: Tx, instance_id: str) -> list[InstanceTransition]:
    """Every transition of its flow: who, why, how long."""
    row = await _readable(tx, instance_id)
    return [InstanceTransition(**vars(item)) for item in await flows.transitions(tx, KIND, row.id)]


async def stop(tx: Tx, instance_id: str, reason: str = "") -> InstanceView:
    """Records the wish; the node ends it and everything it started, and instance_ended tells. Twice is once."""
    row = await _visible(tx, instance_id)
    await iam.require(tx, "instance.stop", row.project_id)
    await _request_stop(tx, row, reason or "stopped by its user")
    return instance_view(await _visible(tx, instance_id))


async def open_in_browser(tx: Tx, instance_id: str) -> OpenView:
    """An address that lets one browser in, once, within a minute, for as long as the caller's sign-in lasts.

    409 `not_a_web_app`, `instance_not_running`, or `sign_in_needed` for an API key, behind which there is no sign-in.
    """
    row = await _visible(tx, instance_id)
    await iam.require(tx, "instance.open", row.project_id)
    if row.kind != "web":
        raise conflict("not_a_web_app", f"{row.app} is a batch app.", "Read its logs instead.")
    if row.state != "running":
        raise conflict(
            "instance_not_running", f"The instance is {row.state}.", "Wait until it is running, or launch it anew."
        )
    session_id = iam.session_of(tx.principal)
    if session_id is None:
        raise conflict("sign_in_needed", "A browser is let in for a person's sign-in.", "Sign in, or use `aif login`.")
    await tx.audit("instance.open", row.id, project_id=row.project_id)
    return await admission.ticket(tx, row, session_id)


async def open_account(tx: Tx) -> None:
    """The transaction's tenant has somebody who pays, with nothing in the wallet yet, where it had nobody. Worker role."""
    for region in await platform_control.regions(tx):
        await billing.payer(tx, region.currency)


async def end_with_allocation(tx: Tx, allocation_id: str) -> None:
    """Its sandbox is gone: so is everything that ran in it."""
    for instance_id in await store.live_on(tx, allocation_id):
        await flows.wake(tx, KIND, instance_id)


async def _request_stop(tx: Tx, row: Instance, reason: str) -> None:
    """First the flow's row, then the instance's: the order in which the flow's steps lock them."""
    if row.ended or row.stop_requested_at is not None:
        return
    await flows.intend(tx, KIND, row.id, "stopped", reason)
    if await store.request_stop(tx, row.id, reason):
        await tx.audit("instance.stop", row.id, project_id=row.project_id, reason=reason)


async def _readable(tx: Tx, instance_id: str) -> Instance:
    row = await _visible(tx, instance_id)
    await iam.require(tx, "instance.read", row.project_id)
    return row


async def _visible(tx: Tx, instance_id: str) -> Instance:
    row = await store.one(tx, instance_id)
    if row is None:
        raise not_found("instance", instance_id)
    return row
