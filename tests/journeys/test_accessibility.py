"""Every page has one heading, is accessible in both themes, fits a phone, and keeps its content policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Watched, chromium, sign_in, visitor
from house import House
from playwright.sync_api import Browser

# Without a group of their own, so that each part of the tour runs where there is time for it.
pytestmark = pytest.mark.timeout(300)

PUBLIC = ["/", "/catalog", "/models", "/pricing", "/regions", "/signin", "/launch"]
TENANT = [
    "/home", "/launch", "/launch?step=access", "/launch?step=review", "/allocations", "/apps", "/instances", "/volumes", "/buckets", "/ssh-keys", "/keys", "/projects",
    "/statement", "/audit", "/evidence", "/device", "/catalog", "/pricing", "/regions",
    "/networks",
    "/security-groups",
    "/published-ports",
    "/models", "/token-usage",
]  # fmt: skip
OPERATOR = [
    "/admin", "/admin/nodes", "/admin/health", "/admin/incidents", "/admin/prices", "/admin/tenants", "/admin/dead-letters",
    "/admin/certificates", "/admin/domains", "/admin/evidence", "/admin/runbooks", "/admin/runbooks/provisioning/node-stuck",
    "/admin/models", "/admin/models?new=1", "/admin/upstreams", "/admin/upstreams?new=1", "/admin/gateways", "/admin/gateways?new=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_every_public_page(running_house: House, chrome: Browser) -> None:
    with visitor(chrome, running_house.url) as visit:
        walk(visit, PUBLIC)


@pytest.mark.parametrize("pages", [TENANT[::2], TENANT[1::2]], ids=["even", "odd"])
def test_every_page_of_a_tenant(running_house: House, chrome: Browser, pages: list[str]) -> None:
    with visitor(chrome, running_house.url) as visit:
        visit.go("/signin")
        sign_in(visit, "demo@example.com")
        walk(visit, pages)


@pytest.mark.parametrize("pages", [OPERATOR[::2], OPERATOR[1::2]], ids=["even", "odd"])
def test_every_page_of_an_operator(running_house: House, chrome: Browser, pages: list[str]) -> None:
    with visitor(chrome, running_house.url) as visit:
        visit.go("/signin?next=/admin/nodes")
        sign_in(visit, "admin@example.com")
        node = visit.page.locator("a[href^='/admin/nodes/node_']").first.get_attribute("href")
        walk(visit, [*pages, str(node)])


def walk(visit: Watched, paths: list[str]) -> None:
    found = []
    for path in paths:
        visit.go(path)
        found += visit.found_wrong()
    assert not found, "\n".join(found)
