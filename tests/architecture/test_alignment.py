"""One name per domain, the same everywhere: routes, tables, events, flows, schedules, consumers, pages, runbooks, smoke checks.

You broke this test? Each message names the file to open; docs/how-to/mend-a-broken-wall.md says what each rule wants.
"""

from collections import Counter
from itertools import chain

import pytest
from architecture.tree import CONTROL_PLANE, DOMAINS, ROOT, files
from fastapi.routing import APIRoute

from aifactory.domains import BOTTOM_UP
from aifactory.domains.platform_control.domains import read_domain
from aifactory.events import REGISTRY
from aifactory.kernel.flow import check_table
from aifactory.manifests import MANIFESTS

BY_NAME = {manifest.domain: manifest for manifest in MANIFESTS}
ROOMS = sorted(
    {
        name.removeprefix(DOMAINS).split("/")[0]
        for name in files()
        if name.startswith(DOMAINS) and name.removeprefix(DOMAINS).count("/")
    }
)
FREE = {"public", "signed_in", "agent", "gateway"}


def routes(manifest):
    return [
        route
        for router in (*manifest.routers, *manifest.agent_routers)
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


def all_names(what):
    return [name for manifest in MANIFESTS for name in what(manifest)]


def doubled(names):
    return [name for name, count in Counter(names).items() if count > 1]


def test_every_room_is_in_the_house_in_the_order_of_the_walls():
    assert sorted(BY_NAME) == ROOMS, "every folder in domains/ stands in aifactory/manifests.py, and no other"
    order = [name for name in reversed(BOTTOM_UP) if name in BY_NAME]
    assert [manifest.domain for manifest in MANIFESTS] == order, (
        "manifests.py and BOTTOM_UP in domains/__init__.py disagree"
    )


@pytest.mark.parametrize("domain", ROOMS)
def test_a_room_has_what_every_room_has(domain):
    room = ROOT / DOMAINS / domain
    view = read_domain(room / "domain.toml")
    assert view.name == domain, f"{domain}/domain.toml: `name` is the folder's"
    assert (
        view.what and view.team and view.owner and view.skills and view.coverage and view.scale_trigger and view.slos
    ), f"{domain}/domain.toml leaves something out: docs/how-to/describe-a-domain.md"
    for path in view.paths:
        assert (ROOT / path).exists(), f"{domain} owns {path}, which is not there"
    assert f"{DOMAINS}{domain}/" in view.paths, f"{domain}/domain.toml: `paths` begins with the room's own folder"
    readme = (room / "README.md").read_text()
    assert (len(readme.splitlines()) >= 8 and "facade.py" in readme) or domain == "product", (
        "a README says where to start reading"
    )
    assert list((room / "runbooks").glob("*.md")), (
        f"{domain}/runbooks/ is empty: a room without a runbook cannot be operated"
    )
    assert list((room / "tests").rglob("test_*.py")), f"{domain}/tests/ has no test_*.py"
    manifest = BY_NAME[domain]
    assert manifest.folder == room
    assert manifest.smoke, f"{domain}/smoke.py: a room without a smoke check cannot be asked whether it is well"
    assert routes(manifest) or manifest.pages, f"{domain}/manifest.py: neither routers nor pages, so there is no way in"


def test_routes_belong_to_one_domain_and_are_permissioned():
    paths = all_names(lambda m: [(method, route.path) for route in routes(m) for method in route.methods])
    assert not doubled(paths), f"two routes answer: {doubled(paths)}"
    declared = set(all_names(lambda m: m.permissions))
    for manifest in MANIFESTS:
        own = declared if manifest.domain == "product" else set(manifest.permissions)  # pages show what others permit
        for route in routes(manifest):
            access = route.access
            assert access.domain == manifest.domain and list(route.tags) == [manifest.domain], (
                f"{route.path}: Routes(…) names another domain than the manifest that mounts it"
            )
            assert access.permission in FREE or access.permission in own, (
                f"{route.path}: {access.permission} is not among the permissions in {manifest.domain}/manifest.py"
            )
            other = access.operator_permission
            assert other is None or (other in own and other.startswith("platform.")), (
                f"{route.path}: the operators' permission {other} begins with `platform.` and stands in {manifest.domain}/manifest.py"
            )


def test_permissions_belong_to_one_domain_and_each_opens_something():
    twice = doubled(all_names(lambda m: m.permissions))
    assert not twice, f"two manifests declare {twice}"
    for manifest in MANIFESTS:
        used = {route.access.permission for other in MANIFESTS for route in routes(other)} | {
            check.permission for check in manifest.smoke
        }
        unused = set(manifest.permissions) - used
        text = "\n".join(path.read_text() for path in manifest.folder.rglob("*.py") if path.name != "manifest.py")
        assert not {name for name in unused if f'"{name}"' not in text}, (
            f"{manifest.domain} declares permissions that open nothing: use them in a route, or take them out of manifest.py and iam/roles.py"
        )


def test_paths_are_not_shared_between_domains():
    """A resource path has one home; pages are the product's."""
    homes = {}
    for manifest in MANIFESTS:
        for route in routes(manifest):
            resource = "/".join(route.path.split("/")[: 5 if "/admin/" in route.path or "/pages/" in route.path else 4])
            assert homes.setdefault(resource, manifest.domain) == manifest.domain, (
                f"{resource} belongs to {homes[resource]}: choose another path, or move the route there"
            )
            if "/pages/" in route.path:
                assert manifest.domain == "product", f"{route.path}: pages lie in domains/product/pages"


def test_events_are_named_after_the_domain_that_publishes_them():
    for name, event in REGISTRY.items():
        if event.__module__.startswith("aifactory.events."):
            assert name.split(".")[0] == event.__module__.removeprefix("aifactory.events."), (
                f"{name} is published by {event.__module__}: an event begins with its domain's name"
            )
    for manifest in MANIFESTS:
        module = ROOT / CONTROL_PLANE / "events" / f"{manifest.domain}.py"
        assert module.exists() == (manifest.events is not None), (
            f"{manifest.domain}: events/{manifest.domain}.py and `events=` in its manifest.py go together"
        )
    modules = {
        name.removeprefix(CONTROL_PLANE + "events/").removesuffix(".py")
        for name in files()
        if name.startswith(CONTROL_PLANE + "events/")
    }
    strangers = modules - {"__init__", "kernel"} - set(BY_NAME)
    assert not strangers, f"events/ has modules of no domain: {strangers}"


def test_flows_consumers_schedules_and_pages_are_named_after_their_domain():
    for manifest in MANIFESTS:
        own = (
            [flow.kind for flow in manifest.flows]
            + [c.name for c in manifest.consumers]
            + [s.name for s in manifest.schedules]
        )
        assert all(name.split(".")[0] == manifest.domain for name in own), (
            f"{manifest.domain}: what a room brings begins with its name: {own}"
        )
    for what in (
        lambda m: [f.kind for f in m.flows],
        lambda m: [c.name for c in m.consumers],
        lambda m: [s.name for s in m.schedules],
        lambda m: m.pages,
        lambda m: [s.name for s in m.smoke],
    ):
        assert not doubled(all_names(what)), f"these names are given twice: {doubled(all_names(what))}"


def test_every_flow_says_what_to_do_and_has_a_runbook_for_being_stuck():
    for manifest in MANIFESTS:
        for flow in manifest.flows:
            assert check_table(flow) == [], f"the table of {flow.__name__} has holes: {check_table(flow)}"
            noun = flow.kind.partition(".")[2].replace("_", "-")
            assert (manifest.folder / "runbooks" / f"{noun}-stuck.md").is_file(), (
                f"{flow.kind} needs {manifest.domain}/runbooks/{noun}-stuck.md: for each state, what an operator does"
            )


def test_smoke_checks_ask_for_routes_that_are_there():
    paths = {route.path for manifest in MANIFESTS for route in routes(manifest)}
    for check in chain.from_iterable(manifest.smoke for manifest in MANIFESTS):
        assert check.path in paths or check.path in (
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/asyncapi.json",
            "/",
            "/catalog",
        ), f"no route answers what this smoke check asks: {check}"


def test_smoke_checks_are_asked_by_somebody_who_may_and_name_runbooks_that_are_there():
    permissions = set(all_names(lambda m: m.permissions)) | {"public", "signed_in"}
    for manifest in MANIFESTS:
        for check in manifest.smoke:
            assert check.permission in permissions, f"nobody can hold the permission of {check}"
            domain, _, name = check.runbook.partition("/")
            assert not name or (ROOT / DOMAINS / domain / "runbooks" / f"{name}.md").is_file(), (
                f"there is no domains/{domain}/runbooks/{name}.md, which this names: {check}"
            )


def test_runbooks_belong_to_a_room():
    strays = [name for name in files() if "/runbooks/" in name and not name.startswith(DOMAINS)]
    assert not strays, f"move them into a domain's runbooks/: {strays}"
