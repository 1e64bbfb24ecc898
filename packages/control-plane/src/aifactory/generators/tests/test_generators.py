"""What is made works at once: tried in copies of the repository. What is refused leaves the copy as it was."""

from pathlib import Path

import pytest

from aifactory.generators.__main__ import GENERATORS, ROOT
from aifactory.generators.new_route import new_route
from aifactory.generators.refusal import Refused
from aifactory.generators.tree import DOMAINS, Tree

ROUTE = ("DOMAIN=observability", "RESOURCE=annotations")
ENERGY = {
    "WHAT": "Says what energy a project's machines used.", "TEAM": "sustainability", "OWNER": "Head of energy", "SKILLS": "power metering, PUE",
}  # fmt: skip


@pytest.mark.parametrize(
    ("generator", "arguments", "reason"),
    [
        ("new-route", {"domain": "nowhere", "resource": "things"}, "There are: "),
        ("new-route", {"domain": "observability", "resource": "telemetry"}, "no plural"),
        ("new-route", {"domain": "observability", "resource": "volumes"}, "has a home already"),
        ("new-route", {"domain": "observability", "resource": "incidents"}, "already"),
        ("new-route", {"domain": "platform_control", "resource": "notices"}, "below projects"),
        ("new-route", {"domain": "observability", "resource": "../x"}, "is no name"),
        ("new-route", {"domain": "observability", "resource": "notes", "prefix": "node"}, "PREFIX="),
        ("new-route", {"domain": "observability", "resource": "notes", "prefix": "N0"}, "cannot begin ids"),
        ("new-route", {"domain": "observability", "resource": "notes", "noun": "notes"}, "must differ"),
        ("new-flow", {"domain": "storage_network", "flow": "delete_volume"}, "shape of `make new-route`"),
        ("new-flow", {"domain": "observability", "flow": "expire"}, "must be a verb and"),
        ("new-adapter", {"domain": "observability", "adapter": "grafana", "port": "grafana"}, "must differ"),
        ("new-adapter", {"domain": "storage_network", "adapter": "weka", "port": "object_store"}, "already"),
        ("new-domain", {"domain": "billing", "resource": "things", **{k.lower(): v for k, v in ENERGY.items()}}, "already"),
        ("new-domain", {"domain": "energy", "resource": "reports", "below": "iam", **{k.lower(): v for k, v in ENERGY.items()}}, "too low"),
        ("new-domain", {"domain": "energy", "resource": "reports", **{k.lower(): v for k, v in ENERGY.items()}, "what": 'a "b"'}, "WHAT="),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_reason_before_anything_is_written(generator, arguments, reason):
    with pytest.raises(Refused, match=reason):
        GENERATORS[generator].make(Tree(ROOT), **arguments)


def test_a_refusal_on_the_command_line_says_what_it_takes(copy):
    assert "RESORUCE: there is no such argument" in copy.refused(
        "new-route", "DOMAIN=observability", "RESORUCE=annotations"
    )
    missing = copy.refused("new-route", "DOMAIN=observability")
    assert "RESOURCE is missing" in missing and "make new-route DOMAIN=" in missing
    assert "make new-domain" in copy.refused("new-anything")
    assert copy.git("status", "--short") == ""


def test_nothing_that_is_there_is_overwritten(copy):
    mine = copy.root / DOMAINS / "observability/annotation.py"
    mine.write_text("# mine\n")
    assert "observability/annotation.py is there already" in copy.refused("new-route", *ROUTE)
    assert mine.read_text() == "# mine\n"
    assert copy.git("status", "--short").split() == ["??", str(mine.relative_to(copy.root))]


@pytest.mark.timeout(900)
def test_when_the_contracts_cannot_be_built_the_tree_is_as_it_was(copy):
    """A route that has lost its permission cannot be declared: so the build fails, after everything was written."""
    template = copy.root / "docs/how-to/templates/route/routes.py.tmpl"
    template.write_text(template.read_text().replace(', permission="§{noun}.read"', "", 1))
    copy.git("commit", "-qam", "a broken template")
    refused = copy.refused(
        "new-route", "DOMAIN=product", "RESOURCE=launch_templates", "PREFIX=ltp"
    )  # would move store.py
    assert "permission" in refused
    assert copy.git("status", "--short") == ""
    assert not (copy.root / DOMAINS / "product/store").exists()


@pytest.mark.timeout(900)  # on a machine that does much else
def test_a_new_domain_with_its_resource_passes_its_own_tests_and_its_walls(copy):
    """The sample of what the heavy test below does with all of them."""
    copy.make("new-domain", DOMAIN="sustainability", RESOURCE="energy_reports", **ENERGY)
    made = _changed(copy.git("status", "--short", "-uall"), copy.root)
    copy.holds("-m", "ruff", "check", "--quiet", *made)
    copy.holds("-m", "ruff", "format", "--check", "--quiet", *made)
    copy.holds("-m", "pytest", "-n", "0", "-q", f"{DOMAINS}/sustainability", "tests/architecture/test_alignment.py")


@pytest.mark.heavy
@pytest.mark.timeout(2400)
def test_everything_that_can_be_made_passes_every_wall(copy):
    copy.make("new-route", DOMAIN="observability", RESOURCE="annotations")
    copy.make("new-flow", DOMAIN="observability", FLOW="expire_annotation")
    copy.make("new-adapter", DOMAIN="observability", ADAPTER="grafana", PORT="dashboards")
    copy.make("new-route", DOMAIN="observability", RESOURCE="saved-views")
    copy.make("new-flow", DOMAIN="observability", FLOW="publish_saved_view", PORT="dashboards")
    copy.make(
        "new-adapter", DOMAIN="app_platform", ADAPTER="registry", PORT="image_registry"
    )  # into a ports.py that is there
    copy.make("new-route", DOMAIN="product", RESOURCE="launch_templates", PREFIX="ltp")  # store.py becomes a folder
    copy.make("new-route", DOMAIN="provisioning", RESOURCE="reservation_wishes", NOUN="reservation_wish", PREFIX="rwi")
    copy.make("new-flow", DOMAIN="provisioning", FLOW="grant_reservation_wish")
    copy.make("new-domain", DOMAIN="sustainability", RESOURCE="energy_reports", **ENERGY)
    assert "has a flow already" in copy.refused("new-flow", "DOMAIN=observability", "FLOW=hide_annotation")
    for verb in ("create", "store"):
        assert f"has a `{verb}` already" in copy.refused(
            "new-flow", "DOMAIN=sustainability", f"FLOW={verb}_energy_report"
        )
    copy.holds("-m", "ruff", "check", "--quiet", ".")
    copy.holds("-m", "ruff", "format", "--check", "--quiet", ".")
    copy.holds("-m", "mypy", *(str(path) for path in sorted(copy.root.glob("packages/*/src"))), "deploy/src")
    copy.holds("-m", "aifactory.contracts", "check")
    made = [name for name in _changed(copy.git("status", "--short", "-uall"), copy.root) if "/tests/test_" in name]
    assert len(made) == 10, made
    copy.holds(
        "-m", "pytest", "-n", "0", "-q", *made, "tests/architecture", "tests/authz", "tests/contract/test_bundles.py"
    )


def _changed(status: str, root: Path) -> list[str]:
    names = [line[3:] for line in status.splitlines()]
    return [name for name in names if name.endswith(".py") and (root / name).is_file()]


def test_a_new_route_of_every_room_above_iam_can_be_staged():
    for domain in ("billing", "storage_network", "provisioning", "app_platform", "observability", "product"):
        tree = Tree(ROOT)
        new_route(tree, domain, "annotations")
        tree.tidy()
        assert len([path for path in tree.fresh if f"/{domain}/" in path]) >= 9
