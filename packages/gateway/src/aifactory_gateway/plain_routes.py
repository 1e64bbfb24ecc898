"""What the gateway answers by itself: the list of models, health, and numbers for a Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_gateway.http_head import RequestHead
from aifactory_gateway.refusal import Refusal
from aifactory_protocol.gateway import GatewayModel

if TYPE_CHECKING:
    from aifactory_gateway.caller import Caller
    from aifactory_gateway.gateway import Gateway

_JSON = b"content-type: application/json\r\n"
_MODELS = b"/v1/models"


def answer(gateway: Gateway, caller: Caller, head: RequestHead, path: bytes) -> None:
    """Raises Refusal."""
    if head.method != b"GET":
        raise Refusal(404, "unknown_path", f"There is no {head.method.decode()} {path.decode()[:200]} here.")
    if path == _MODELS or path.startswith(_MODELS + b"/"):
        caller.answer(200, _JSON, msgspec.json.encode(_models(gateway, head, path[len(_MODELS) + 1 :].decode())))
    elif path == b"/healthz":
        caller.answer(200, _JSON, b'{"status":"ok"}')
    elif path == b"/readyz":
        caller.answer(200, _JSON, msgspec.json.encode(_readiness(gateway)))
    elif path == b"/metrics" and caller.is_local:
        caller.answer(200, b"content-type: text/plain; version=0.0.4\r\n", _metrics(gateway))
    else:
        raise Refusal(404, "unknown_path", f"There is no {path.decode()[:200]} here; the API begins at /v1.")


def _models(gateway: Gateway, head: RequestHead, name: str) -> dict[str, Any]:
    key = gateway.catalogue.holder(head.headers, gateway.wall())
    visible = gateway.catalogue.visible_models(key)
    if not name:
        return {"object": "list", "data": [_model(model) for model in visible]}
    for model in visible:
        if model.id == name:
            return _model(model)
    raise Refusal(404, "model_not_found", f"There is no model {name[:200]!r} for this key.", param="model")


def _model(model: GatewayModel) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": int(model.created_at.timestamp()), "owned_by": "aifactory"}


def _readiness(gateway: Gateway) -> dict[str, Any]:
    version = gateway.catalogue.snapshot.version
    if not version:
        raise Refusal(503, "no_snapshot", "The gateway has not learned its keys and models yet.", retry_after_seconds=1)
    if gateway.is_stopping:
        raise Refusal(503, "stopping", "The gateway is stopping.")
    return {"status": "ready", "snapshot": version}


def _metrics(gateway: Gateway) -> bytes:
    lines = [
        "# TYPE aifactory_gateway_callers gauge",
        f"aifactory_gateway_callers {len(gateway.callers)}",
        "# TYPE aifactory_gateway_requests_running gauge",
        f"aifactory_gateway_requests_running {gateway.journal.running}",
        "# TYPE aifactory_gateway_upstream_busy gauge",
    ]
    lines += [f'aifactory_gateway_upstream_busy{{upstream="{id}"}} {pool.busy}' for id, pool in gateway.pools.items()]
    return ("\n".join(lines) + "\n").encode()
