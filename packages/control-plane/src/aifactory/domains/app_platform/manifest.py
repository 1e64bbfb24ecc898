"""What app_platform brings into the house."""

from pathlib import Path

from aifactory.domains.app_platform.adapters.app_door import SshAppDoor
from aifactory.domains.app_platform.consumers import end_with_allocation, open_account_of_key, refresh_snapshots
from aifactory.domains.app_platform.flow_run_instance import RunInstance
from aifactory.domains.app_platform.inference import snapshot, usage
from aifactory.domains.app_platform.ports import APP_DOOR
from aifactory.domains.app_platform.proxy.admission import forget_expired
from aifactory.domains.app_platform.routes import (
    apps,
    gateway_internal,
    gateways,
    instances,
    models,
    token_usage,
    upstreams,
)
from aifactory.domains.app_platform.seed import seed
from aifactory.domains.app_platform.smoke import SMOKE
from aifactory.events import app_platform as events
from aifactory.kernel.manifest import Manifest
from aifactory.kernel.schedules import Schedule

MANIFEST = Manifest(
    "app_platform",
    Path(__file__).parent,
    routers=(
        apps.router,
        instances.router,
        models.router,
        models.admin_router,
        upstreams.router,
        gateways.router,
        gateways.tokens_router,
        token_usage.router,
    ),
    agent_routers=(gateway_internal.router,),
    flows=(RunInstance,),
    consumers=(end_with_allocation, open_account_of_key, refresh_snapshots),
    schedules=(Schedule("app_platform.forget_expired_visits", 600, forget_expired), snapshot.REFRESH, usage.BOOK),
    events=events,
    smoke=SMOKE,
    permissions={
        "inference.use": "call models at the gateway, with a key that has this scope",
        "instance.read": "see the app instances of a project, with their output",
        "instance.create": "launch apps in the project's allocations",
        "instance.open": "use the web apps of a project's instances in the browser",
        "instance.stop": "end app instances of a project",
        "token_usage.read": "see which key and project used how many tokens of which model",
        "platform.inference.read": "see models with their routes, upstreams and gateways",
        "platform.inference.write": "offer models, name upstreams, enrol and retire gateways",
    },
    ports={APP_DOOR: SshAppDoor},
    seed=seed,
)
