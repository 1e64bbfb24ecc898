"""The main job in a browser: find a price, configure, sign in, launch, log in, release, read the bill."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browser import Watched, chromium, next_step, sign_in, visitor
from house import House
from playwright.sync_api import Browser, expect

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("portal")]

START_SECONDS = 60


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_a_visitor_launches_logs_in_releases_and_reads_the_bill(running_house: House, chrome: Browser) -> None:
    public_key = running_house.ssh_key("portal").read_text().strip()
    with visitor(chrome, running_house.url) as visit:
        configure_before_signing_in(visit, public_key)
        come_back_signed_in(visit, public_key)
        allocation = launch(visit)
        use_it(visit)
        assert visit.found_wrong() == []
        release(visit)
        read_the_bill(visit, allocation)
        assert visit.found_wrong() == []


def configure_before_signing_in(visit: Watched, public_key: str) -> None:
    page = visit.page
    visit.go("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("GPU cloud")
    expect(page.get_by_text("€0.12").first).to_be_visible()
    page.get_by_role("link", name="Catalogue").first.click()
    page.get_by_role("link", name=re.compile("^Launch CPU slice")).click()
    next_step(visit, "Access")
    page.get_by_role("textbox", name="Name - optional").fill("from-portal")
    page.get_by_role("textbox", name="Public key").fill(public_key)
    page.get_by_role("textbox", name="Name of the key - optional").fill("portal-key")
    next_step(visit, "Storage")
    page.get_by_role("radio", name="Create a volume").check()
    page.get_by_role("textbox", name="Volume name").fill("portal-data")
    page.get_by_role("spinbutton", name="Size in GB").fill("1")
    page.get_by_role("button", name="The same from a terminal or a program").click()
    expect(page.get_by_role("region", name="Command for this launch")).to_contain_text("--volume portal-data:1")
    next_step(visit, "Network")
    next_step(visit, "Review and launch")
    page.get_by_role("button", name="Sign in and launch").click()
    expect(page.get_by_text("Your launch is kept")).to_be_visible()


def come_back_signed_in(visit: Watched, public_key: str) -> None:
    page = visit.page
    sign_in(visit, "demo@example.com")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review and launch")
    expect(page.get_by_text("from-portal", exact=True)).to_be_visible()
    expect(page.get_by_text("portal-data, 1 GB, new")).to_be_visible()
    expect(page.get_by_text("Your credit available")).to_be_visible()
    expect(page.get_by_text("Quota: GB of volumes", exact=True)).to_be_visible()
    page.get_by_role("button", name="Change access").click()
    expect(page.get_by_role("textbox", name="Public key")).to_have_value(public_key)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review and launch")


def launch(visit: Watched) -> str:
    """Presses the button and follows the stages without a reload. Answers with the allocation's id."""
    page = visit.page
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/allocations/alloc_*")
    stages = page.get_by_role("list", name="Stages of from-portal")
    expect(stages.get_by_role("listitem").filter(has_text="Active: done")).to_be_visible(timeout=START_SECONDS * 1000)
    expect(stages.get_by_role("listitem").filter(has_text="Verifying access: done")).to_contain_text(" s")
    return page.url.rsplit("/", 1)[1]


def use_it(visit: Watched) -> None:
    page = visit.page
    expect(page.get_by_role("region", name="SSH command", exact=True)).to_contain_text("ssh ")
    expect(page.get_by_role("button", name="Copy: SSH command")).to_be_visible()
    page.get_by_role("button", name="Check the host key yourself").click()
    expect(page.get_by_role("region", name="Command that saves the host key")).to_contain_text("ssh-ed25519")
    expect(page.get_by_text("/volumes/portal-data")).to_be_visible()
    cost = page.locator(".big-number").first
    before = cost.inner_text()
    expect(cost).not_to_have_text(before, timeout=15_000)
    assert visit.violations() == []


def release(visit: Watched) -> None:
    page = visit.page
    page.get_by_role("button", name="Release").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Release")).to_be_disabled()
    dialog.get_by_role("textbox").fill("from-portal")
    dialog.get_by_role("button", name="Release").click()
    stages = page.get_by_role("list", name="Stages of from-portal")
    expect(stages.get_by_role("listitem").filter(has_text="Released: done")).to_be_visible(timeout=START_SECONDS * 1000)


def read_the_bill(visit: Watched, allocation: str) -> None:
    page = visit.page
    page.get_by_role("link", name="See it on the statement").click()
    row = page.get_by_role("table", name="Lines of the statement").get_by_role("row").filter(has_text="from-portal")
    expect(row).to_contain_text(re.compile(r"0\.\d{4,9}"))
    row.get_by_role("link", name="from-portal").click()
    page.wait_for_url(f"**/allocations/{allocation}")


def test_a_problem_is_shown_where_it_happened_and_nothing_is_lost(running_house: House, chrome: Browser) -> None:
    with visitor(chrome, running_house.url) as visit:
        page = visit.page
        visit.go("/signin?next=/launch?step=access")
        sign_in(visit, "other@example.com")
        page.get_by_role("textbox", name="Name - optional").fill("kept")
        page.get_by_role("radio", name="Paste a new key").check()
        key = page.get_by_role("textbox", name="Public key")
        key.fill("-----BEGIN OPENSSH PRIVATE KEY-----")
        page.get_by_role("button", name="Skip to review").click()
        expect(page.get_by_text("This is a private key")).to_be_visible()
        expect(key).to_be_focused()
        key.fill("ssh-ed25519 AAAA")
        page.get_by_role("button", name="Skip to review").click()
        page.get_by_role("button", name="Launch", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access")
        expect(page.get_by_text("Not launched")).to_be_visible()
        expect(page.get_by_role("textbox", name="Name - optional")).to_have_value("kept")
        with page.expect_response(lambda it: it.request.method == "DELETE" and it.status == 204):
            page.get_by_role("button", name="Start over").click()
        assert [one for one in visit.complaints if "422" not in one] == []
        visit.complaints.clear()


def test_public_pages_can_be_read_without_javascript(running_house: House, chrome: Browser) -> None:
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("/", "/catalog", "/pricing", "/regions"):
        page.goto(running_house.url + path)
        expect(page.get_by_role("cell", name="0.12 EUR")).to_be_visible()
    context.close()


def test_an_address_inside_needs_a_sign_in_and_is_reached_after_it(running_house: House, chrome: Browser) -> None:
    with visitor(chrome, running_house.url) as visit:
        visit.go("/allocations?filter=state=active")
        assert "/signin" in visit.page.url
        sign_in(visit, "demo@example.com")
        assert visit.page.url.endswith("/allocations?filter=state%3Dactive")


def test_the_theme_follows_the_system_until_it_is_chosen(running_house: House, chrome: Browser) -> None:
    with visitor(chrome, running_house.url, theme="dark") as visit:
        visit.go("/")
        expect(visit.page.locator("body")).to_have_class(re.compile("awsui-dark-mode"))
        visit.page.get_by_role("button", name="Use the light theme").click()
        visit.go("/catalog")
        expect(visit.page.locator("body")).not_to_have_class(re.compile("awsui-dark-mode"))
