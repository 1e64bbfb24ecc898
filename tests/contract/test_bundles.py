"""The committed contracts are what the code says, are valid, and take nothing away from the last commit.

You broke this test? `python -m aifactory.contracts build`, and read docs/how-to/change-a-contract.md if it refuses.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from architecture.tree import ROOT
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from aifactory.api.health import add_contracts
from aifactory.contracts import bundle, sources
from aifactory.contracts.breaking import openapi_breaks
from aifactory.contracts.openapi import operations

# Where a contract may say nothing about what is sent, with the reason beside it in the code. This list only becomes shorter.
FREE_FORMS = {
    "components.schemas.AuditEntryView.properties.details",
    "components.schemas.Problem.additionalProperties",
}


def free_forms(value: Any, where: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(value, dict):
        if "x-free-form" in value:
            yield ".".join(where)
        for name, part in value.items():
            yield from free_forms(part, (*where, str(name)))
    elif isinstance(value, list):
        for part in value:
            yield from free_forms(part, where)


def committed(path: str):
    return yaml.load((ROOT / path).read_text(), Loader=yaml.CSafeLoader)


def test_the_contracts_are_fresh_valid_and_break_nobody():
    assert bundle.check(ROOT, "HEAD") == []


def test_the_openapi_bundle_is_valid_by_the_specification():
    OpenAPIV31SpecValidator(committed(bundle.OPENAPI)).validate()


@pytest.mark.parametrize("file", [bundle.OPENAPI, bundle.ASYNCAPI])
def test_nothing_is_free_of_form_but_what_was_decided(file):
    assert set(free_forms(committed(file))) <= FREE_FORMS


def test_each_operation_names_the_statuses_of_its_refusals_and_no_default():
    for method, path, operation in operations(committed(bundle.OPENAPI)):
        statuses = set(operation["responses"])
        assert {"400", "401", "403", "404", "413", "421", "422", "429", "500", "503"} <= statuses, (method, path)
        assert all(status.isdigit() for status in statuses), (method, path)


def test_an_edit_that_is_refused_without_its_etag_says_so():
    for method, path, operation in operations(committed(bundle.OPENAPI)):
        needed = [part["required"] for part in operation.get("parameters", []) if part["name"] == "If-Match"]
        assert ("428" in operation["responses"]) == any(needed), (method, path)


def test_generating_twice_gives_the_same():
    assert bundle.generated() == bundle.generated()


def test_each_operation_and_event_lies_in_exactly_one_fragment():
    fragments = [committed(str(path.relative_to(ROOT))) for path in (ROOT / "contracts/fragments").glob("*.yaml")]
    operations = [
        (path, method) for fragment in fragments for path, item in fragment["paths"].items() for method in item
    ]
    events = [name for fragment in fragments for name in fragment["events"]]
    whole = committed(bundle.OPENAPI)["paths"]
    assert sorted(operations) == sorted((path, method) for path, item in whole.items() for method in item)
    assert sorted(events) == sorted(committed(bundle.ASYNCAPI)["channels"])


def test_a_planted_removal_from_the_whole_bundle_is_found():
    before, after = committed(bundle.OPENAPI), committed(bundle.OPENAPI)
    del after["components"]["schemas"]["AllocationView"]["properties"]["access"]
    assert any("access: removed" in found for found in openapi_breaks(before, after))


@pytest_asyncio.fixture
async def served() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    add_contracts(app, sources.openapi_bundle, sources.asyncapi_bundle)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(("path", "file"), [("/openapi.json", bundle.OPENAPI), ("/asyncapi.json", bundle.ASYNCAPI)])
async def test_a_running_house_serves_what_is_committed(served, path, file):
    assert (await served.get(path)).json() == json.loads(json.dumps(committed(file)))
