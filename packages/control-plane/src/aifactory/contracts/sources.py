"""Where the contracts come from: the manifests' routers, the registered events, the domain.toml files."""

from aifactory.contracts import asyncapi, openapi
from aifactory.contracts.openapi import Json
from aifactory.domains.platform_control.facade import domains
from aifactory.events import REGISTRY
from aifactory.events import kernel as _kernel_events  # noqa: F401  registers the kernel's events
from aifactory.manifests import MANIFESTS


def openapi_bundle() -> Json:
    """The public API as this code serves it."""
    tags = [{"name": view.name, "description": view.what} for view in domains().items]
    return openapi.build([router for manifest in MANIFESTS for router in manifest.routers], tags)


def asyncapi_bundle() -> Json:
    """The events as this code publishes and consumes them. Events that tests register are not ours to publish."""
    owned = {manifest.domain for manifest in MANIFESTS} | {"kernel"}
    events = {name: cls for name, cls in REGISTRY.items() if name.split(".")[0] in owned}
    return asyncapi.build(events, [consumer for manifest in MANIFESTS for consumer in manifest.consumers])
