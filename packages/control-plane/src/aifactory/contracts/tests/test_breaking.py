"""Each way of breaking a client is planted once and found; each harmless change is planted and let through."""

import copy
from collections.abc import Callable

import pytest

from aifactory.contracts import asyncapi, openapi
from aifactory.contracts.breaking import asyncapi_breaks, openapi_breaks
from aifactory.contracts.lint import lint_asyncapi, lint_openapi
from aifactory.domains.platform_control.manifest import MANIFEST
from aifactory.events import platform_control as events

REGIONS = "/api/v3/regions"
REVOKE = "/api/v3/admin/certificates/{certificate_id}/revoke"
CERTIFICATES = "/api/v3/admin/certificates"


def bundle():
    return openapi.build(MANIFEST.routers)


def schema(document, name):
    return document["components"]["schemas"][name]


def parameters(document, path, method="get"):
    return document["paths"][path][method]["parameters"]


def drop_path(document):
    del document["paths"][REGIONS]


def drop_operation(document):
    del document["paths"][CERTIFICATES]["get"]


def drop_response_field(document):
    del schema(document, "RegionView")["properties"]["currency"]


def drop_request_field(document):
    del schema(document, "Revocation")["properties"]["reason"]


def drop_enum_value(document):
    schema(document, "CertificateView")["properties"]["state"]["enum"].remove("revoked")


def new_required_request_field(document):
    schema(document, "Revocation")["properties"]["ticket"] = {"type": "string"}
    schema(document, "Revocation")["required"].append("ticket")


def response_field_changes_type(document):
    schema(document, "RegionView")["properties"]["simulated"] = {"type": "string"}


def response_field_may_be_null(document):
    schema(document, "RegionView")["properties"]["name"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def response_field_may_be_missing(document):
    schema(document, "RegionView")["required"].remove("currency")


def request_becomes_shorter(document):
    schema(document, "Revocation")["properties"]["reason"]["maxLength"] = 100


def new_required_parameter(document):
    parameters(document, CERTIFICATES).append(
        {"in": "query", "name": "region", "required": True, "schema": {"type": "string"}}
    )


def parameter_removed(document):
    parameters(document, CERTIFICATES)[:] = [p for p in parameters(document, CERTIFICATES) if p["name"] != "node_id"]


def success_status_changes(document):
    responses = document["paths"][REVOKE]["post"]["responses"]
    responses["202"] = responses.pop("200")


def public_route_needs_sign_in(document):
    document["paths"][REGIONS]["get"]["security"] = [{"key": []}]


def operation_renamed(document):
    document["paths"][REGIONS]["get"]["operationId"] = "platform_control_regions"


BREAKS: list[tuple[Callable, str]] = [
    (drop_path, "removed"),
    (drop_operation, "removed"),
    (drop_response_field, ".currency: removed"),
    (drop_request_field, ".reason: removed"),
    (drop_enum_value, "enum value removed: revoked"),
    (new_required_request_field, ".ticket: is now required"),
    (response_field_changes_type, "may now be string"),
    (response_field_may_be_null, "may now be null"),
    (response_field_may_be_missing, "may now be missing"),
    (request_becomes_shorter, "maxLength is now 100"),
    (new_required_parameter, "new and required"),
    (parameter_removed, "parameter node_id: removed"),
    (success_status_changes, "response 200 removed"),
    (public_route_needs_sign_in, "now needs a sign-in"),
    (operation_renamed, "operationId"),
]


@pytest.mark.parametrize(("plant", "says"), BREAKS, ids=[plant.__name__ for plant, _ in BREAKS])
def test_a_planted_breaking_change_is_found(plant, says):
    after = bundle()
    plant(after)
    found = openapi_breaks(bundle(), after)
    assert any(says in what for what in found), found


def new_optional_request_field(document):
    schema(document, "Revocation")["properties"]["ticket"] = {"type": "string"}


def new_response_field(document):
    schema(document, "RegionView")["properties"]["motto"] = {"type": "string"}
    schema(document, "RegionView")["required"].append("motto")


def new_response_enum_value(document):
    schema(document, "CertificateView")["properties"]["state"]["enum"].append("suspended")


def new_path(document):
    document["paths"]["/api/v3/new"] = copy.deepcopy(document["paths"][REGIONS])


def request_becomes_longer(document):
    schema(document, "Revocation")["properties"]["reason"]["maxLength"] = 1000


@pytest.mark.parametrize(
    "plant", [new_optional_request_field, new_response_field, new_response_enum_value, new_path, request_becomes_longer]
)
def test_an_addition_is_let_through(plant):
    after = bundle()
    plant(after)
    assert openapi_breaks(bundle(), after) == []


def test_pages_promise_nothing():
    before = bundle()
    before["paths"][REGIONS]["get"]["x-compatibility"] = "none"
    after = bundle()
    drop_path(after)
    assert openapi_breaks(before, after) == []


def event_bundle():
    return asyncapi.build({"platform_control.certificate_revoked": events.CertificateRevoked})


def test_events_lose_nothing_and_gain_only_what_old_ones_can_lack():
    name = "platform_control.certificate_revoked"
    gone, less, more, fine = event_bundle(), event_bundle(), event_bundle(), event_bundle()
    del gone["components"]["schemas"][name]
    del schema(less, name)["properties"]["reason"]
    schema(more, name)["properties"]["ticket"] = {"type": "string"}
    schema(more, name)["required"].append("ticket")
    schema(fine, name)["properties"]["ticket"] = {"type": "string", "default": ""}
    before = event_bundle()
    assert asyncapi_breaks(before, gone) == [f"event {name}: removed"]
    assert asyncapi_breaks(before, less) == [f"event {name}.reason: removed"]
    assert asyncapi_breaks(before, more) == [f"event {name}.ticket: new without a default; older events lack it"]
    assert asyncapi_breaks(before, fine) == []


def test_our_own_contracts_have_nothing_to_complain_about():
    assert lint_openapi(bundle()) == []
    assert lint_asyncapi(event_bundle()) == []


def test_the_lint_finds_what_it_is_for():
    document = bundle()
    document["paths"][REGIONS]["get"]["responses"]["default"] = {"description": "anything"}
    document["paths"][CERTIFICATES]["get"]["operationId"] = "list certificates"
    document["paths"][CERTIFICATES]["get"]["tags"] = ["iam", "billing"]
    schema(document, "RegionView")["properties"]["details"] = {"type": "object"}
    schema(document, "RegionList")["properties"]["items"] = {}
    schema(document, "RegionView")["properties"]["labels"] = {"type": "object", "patternProperties": {"^a": {}}}
    document["paths"][CERTIFICATES]["get"]["parameters"][0].pop("schema")
    text = "\n".join(lint_openapi(document))
    for expected in (
        "`default` response",
        "operationId",
        "several",
        "RegionView.details: is an object of anything",
        "RegionList.items: has no type",
        "RegionView.labels.*: has no type",
        "RegionView.labels: is an object of anything",
        "parameter node_id: has no type",
    ):
        assert expected in text, text
