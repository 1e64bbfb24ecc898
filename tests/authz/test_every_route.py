"""Every route, tried by everybody: what is not granted is refused, leaves nothing but its audit record, and tells nothing.

You added a route? Say in expectations.toml who may use it. You changed a role? Then these lists change with it, in review.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from authz.expectations import Expectation, expectations
from authz.house_of_two import EVERYBODY, MACHINES, House, open_house, principals
from fastapi.routing import APIRoute

from aifactory.contracts.sources import openapi_bundle
from aifactory.contracts.validate import ResponseValidator
from aifactory.domains.iam import facade as iam
from aifactory.kernel.edge import Access
from aifactory.manifests import MANIFESTS

ALL = expectations()
NOWHERE = "0" * 26
OWNED = [entry for entry in ALL if entry.object]


@pytest_asyncio.fixture(scope="module")
async def house(postgres_server, tmp_path_factory) -> AsyncIterator[House]:
    name = postgres_server.fresh()
    folder = Path(tmp_path_factory.mktemp("authz"))
    async with open_house(postgres_server.url(name, "aif_api_login"), postgres_server.url(name), folder) as opened:
        yield opened
    postgres_server.drop(name)


def routes() -> dict[str, APIRoute]:
    found = {}
    for manifest in MANIFESTS:
        for router in (*manifest.routers, *manifest.agent_routers):
            for route in router.routes:
                for method in route.methods:
                    found[f"{method} {route.path}"] = route
    return found


def filled(entry: Expectation, ids: dict[str, str], made_up: bool = False) -> str:
    """The path with tenant A's object in it, or with a well-formed id that never was. `object` is the last one of the
    path; those that it is part of are found by their names, e.g. {bucket_id}."""
    asked = f"{entry.path}?{entry.query}={{id}}" if entry.query else entry.path
    names = re.findall(r"\{([^}]+)\}", asked)

    def value(match: re.Match[str]) -> str:
        if match[1] != names[-1] and (parent := ids.get(match[1].removesuffix("_id"))):
            return parent
        if entry.object and not made_up:
            return ids[entry.object]
        prefix = ids[entry.object].split("_")[0] if entry.object else "nil"
        return f"{prefix}_{NOWHERE}"

    return re.sub(r"\{([^}]+)\}", value, asked)


def those_who_try(entry: Expectation) -> list[str]:
    return [who for who in EVERYBODY if who not in MACHINES or entry.path.startswith("/internal/")]


def test_every_route_has_an_expectation_and_no_other():
    expected, there = [entry.route for entry in ALL], routes()
    missing, gone = sorted(set(there) - set(expected)), sorted(set(expected) - set(there))
    assert not missing, f"say in tests/authz/expectations.toml who may use these routes: {missing}"
    assert not gone, f"take these out of tests/authz/expectations.toml, no route is there: {gone}"
    assert len(expected) == len(set(expected)), "a route has two expectations"


def test_every_object_of_an_expectation_is_in_the_house_of_two(house):
    """Otherwise nobody could try the route on something of tenant A."""
    missing = {entry.object for entry in ALL if entry.object} - set(house.objects)
    assert not missing, (
        f"tests/authz/house_of_two.py::_furnish makes one of each kind in tenant A; add {sorted(missing)}"
    )


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.route)
def test_the_expectation_is_what_the_roles_say(entry):
    """Two lists, written apart: the roles' permissions and the routes' expectations. They must agree."""
    access = routes()[entry.route].access
    permission, operator_permission = access.permission, access.operator_permission
    if permission in ("public", "signed_in", *MACHINES):
        return
    granted = {
        who
        for who, principal in principals().items()
        if who not in ("anonymous", "other", *MACHINES)
        and any(iam.decide_anywhere(principal, each).allowed for each in (permission, operator_permission) if each)
    }
    assert granted == set(entry.who)


async def test_refused_calls_are_refused_and_change_nothing_but_the_audit_of_denials(house):
    before, audited = house.fingerprints(), house.audit_count()
    wrong, denials = [], 0
    for entry in ALL:
        for who in those_who_try(entry):
            if who in entry.who or routes()[entry.route].access.permission == "public":
                continue
            answer = await house.ask(who, entry.method, filled(entry, house.objects), entry.body)
            signed_in = who not in ("anonymous", *MACHINES) and not entry.path.startswith("/internal/")
            if answer.status_code != (403 if signed_in else 401):
                wrong.append(f"{entry.route} as {who}: {answer.status_code}")
            denials += who not in ("anonymous", *MACHINES)
            assert answer.headers["content-type"] == "application/problem+json", entry.route
    assert not wrong, wrong
    changed = {name for name, value in house.fingerprints().items() if value != before[name]}
    assert changed == {"kernel.audit"}
    decisions = [decision for decision, _ in house.audit_since(audited)]
    assert decisions == ["denied"] * denials


def _without_what_may_differ(text: str, *ids: str) -> str:
    for known in ids:
        text = text.replace(known, "<id>")
    return re.sub(r'"request_id": ?"[^"]*"', '"request_id":"<request>"', text)


@pytest.mark.parametrize("entry", OWNED, ids=lambda entry: entry.route)
async def test_a_foreign_id_answers_exactly_like_one_that_never_was(house, entry):
    """Status, headers and every byte, but for the request's id and the id that was asked for."""
    theirs, nobodys = filled(entry, house.objects), filled(entry, house.objects, made_up=True)
    foreign = await house.ask("other", entry.method, theirs, entry.body)
    unknown = await house.ask("other", entry.method, nobodys, entry.body)
    ids = (house.objects[entry.object], f"{house.objects[entry.object].split('_')[0]}_{NOWHERE}")
    assert foreign.status_code == unknown.status_code == 404
    assert _without_what_may_differ(foreign.text, *ids) == _without_what_may_differ(unknown.text, *ids)
    for name in set(foreign.headers) | set(unknown.headers):
        if name not in ("x-request-id", "date", "content-length"):
            assert foreign.headers.get(name) == unknown.headers.get(name), name


async def test_asking_for_foreign_things_changes_nothing(house):
    before = house.fingerprints()
    for entry in OWNED:
        await house.ask("other", entry.method, filled(entry, house.objects), entry.body)
    changed = {name for name, value in house.fingerprints().items() if value != before[name]}
    assert changed <= {"kernel.audit"}


async def test_lists_hold_nothing_of_another_tenant(house):
    """Everything the other tenant can list, page or report, searched for tenant A's ids."""
    for entry in ALL:
        if (
            entry.method != "GET"
            or "{" in entry.path
            or entry.query
            or "tenant_admin" not in entry.who
            or entry.path.startswith("/internal/")
        ):
            continue
        answer = await house.ask("other", "GET", entry.path)
        assert answer.status_code < 400 or entry.path.startswith("/api/v3/auth/"), f"{entry.route}: {answer.text}"
        for kind, known in house.objects.items():
            assert known not in answer.text, f"{entry.route} shows tenant A's {kind}"


async def test_no_cache_keeps_what_somebody_was_told(house):
    """Whatever is answered to somebody who is known may be stored nowhere, or privately under an ETag of its own."""
    wrong = []
    for entry in ALL:
        if entry.method != "GET" or entry.path.startswith("/internal/"):
            continue
        for who in entry.who:
            answer = await house.ask(who, "GET", filled(entry, house.objects))
            kept = answer.headers.get("cache-control", "")
            private = "no-store" in kept or ("private" in kept and "etag" in answer.headers)
            if not private and access_of(entry).permission != "public":
                wrong.append(f"{entry.route} as {who}: {kept!r}")
            if "Authorization" not in answer.headers.get("vary", "") or "Cookie" not in answer.headers["vary"]:
                wrong.append(f"{entry.route} as {who} varies by {answer.headers.get('vary')!r}")
    assert not wrong, wrong


def access_of(entry: Expectation) -> Access:
    return routes()[entry.route].access


async def test_operators_rights_end_where_tenants_begin(house):
    """The platform's role reaches no tenant's route, and a tenant's highest role none of the platform's."""
    for entry in ALL:
        if entry.who == ("platform_admin",):
            assert (
                await house.ask("tenant_admin", entry.method, filled(entry, house.objects), entry.body)
            ).status_code == 403
        elif "platform_admin" not in entry.who and not entry.path.startswith("/internal/"):
            assert (
                await house.ask("platform_admin", entry.method, filled(entry, house.objects), entry.body)
            ).status_code == 403


async def test_those_who_may_get_an_answer_that_the_contract_knows(house):
    """Last, because it changes things: each role that may is let in, and whatever it is told is declared."""
    validator = ResponseValidator(openapi_bundle())
    wrong = []
    for entry in sorted(ALL, key=lambda entry: entry.method == "DELETE"):
        for who in entry.who:
            path = filled(entry, house.objects)
            answer = await house.ask(who, entry.method, path, entry.body)
            elsewhere = path.startswith(
                ("/api/v3/auth/", "/internal/")
            )  # these also judge the credential, which is made up here
            if (answer.status_code in (401, 403) or answer.status_code >= 500) and not elsewhere:
                wrong.append(f"{entry.route} as {who}: {answer.status_code} {answer.text[:200]}")
            try:
                validator.check(
                    entry.method,
                    path.partition("?")[0],
                    answer.status_code,
                    answer.headers.get("content-type", ""),
                    answer.content,
                )
            except AssertionError as violation:
                wrong.append(str(violation))
    assert not wrong, "\n".join(dict.fromkeys(wrong))
    assert len(validator.seen) > len(ALL) / 2
