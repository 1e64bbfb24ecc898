"""Models in a browser: an operator offers one, anyone sees its price, its use is shown to who pays, and its gateway is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Watched, chromium, sign_in, visitor
from house import House, until
from playwright.sync_api import Browser, expect
from portal_models import (
    SIMULATED,
    Counted,
    add_upstream,
    call,
    make_key,
    row,
    send_offer,
    simulated_model_server,
    write_offer,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("portal_models")]
TOLD_MS = 30_000


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def model_house() -> Iterator[House]:
    house = House(slots=1)
    try:
        yield house.up()
    finally:
        house.stop()


def test_a_model_from_its_offer_to_the_tokens_that_it_used(model_house: House, chrome: Browser) -> None:
    gateway = f"http://127.0.0.1:{model_house.ports[1]}/v1"
    with visitor(chrome, model_house.url) as nobody:
        nobody.go("/models")
        expect(nobody.page.get_by_text("No model is offered here yet")).to_be_visible()
        assert nobody.found_wrong() == []
    with visitor(chrome, model_house.url) as operator:
        operator.go("/signin?next=/admin/upstreams")
        sign_in(operator, "admin@example.com")
        add_the_upstream(operator, f"http://127.0.0.1:{simulated_model_server()}/v1")
        offer_the_model(operator)
    with visitor(chrome, model_house.url) as nobody:
        see_its_price(nobody, gateway)
    with visitor(chrome, model_house.url) as tenant:
        tenant.go("/signin?next=/token-usage")
        sign_in(tenant, "demo@example.com")
        expect(tenant.page.get_by_text("No model was called in the last 24 hours")).to_be_visible()
        assert tenant.found_wrong() == []
        secret = make_key(tenant, "batch")
        see_its_use(tenant, call(gateway, secret, "sim", 3))
    with visitor(chrome, model_house.url) as operator:
        operator.go("/signin?next=/admin/gateways")
        sign_in(operator, "admin@example.com")
        see_the_gateway(operator)
        withdraw_the_model(operator)


def add_the_upstream(visit: Watched, url: str) -> None:
    """After one that can be no server."""
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    expect(page.get_by_text("No upstream yet")).to_be_visible()
    add_upstream(visit, "simulated", "http://169.254.169.254/v1")
    expect(dialog.get_by_text("a cloud's metadata lives there").first).to_be_visible()
    assert visit.violations() == []
    assert [one for one in visit.complaints if "422" not in one] == []
    visit.complaints.clear()
    dialog.get_by_role("button", name="Cancel").click()
    add_upstream(visit, "simulated", url)
    expect(row(visit, "simulated")).to_contain_text("Nothing yet")
    assert visit.found_wrong() == []


def offer_the_model(visit: Watched) -> None:
    write_offer(visit, "simulated", SIMULATED)
    assert visit.found_wrong() == []
    send_offer(visit)
    line = row(visit, "Simulated")
    expect(line).to_contain_text("simulated as sim")
    expect(line).to_contain_text("€700.000001")
    assert visit.found_wrong() == []
    visit.go("/admin/upstreams")
    expect(row(visit, "simulated")).to_contain_text("sim")


def see_its_price(visit: Watched, gateway: str) -> None:
    page = visit.page
    until(lambda: _is_listed(visit), 30, "the model is not in the catalogue")
    card = page.get_by_role("list", name="Models").get_by_role("listitem")
    expect(card.get_by_role("heading", name="Simulated")).to_be_visible()
    expect(card).to_contain_text("€300.00")
    expect(card).to_contain_text("€700.000001")
    for language, words in {
        "curl": "Bearer $AIF_API_KEY",
        "Python": 'model="sim"',
        "JavaScript": 'model: "sim"',
    }.items():
        page.get_by_role("tab", name=language).click()
        code = page.get_by_role("region", name=f"{language} for Simulated")
        expect(code).to_contain_text(words)
        expect(code).to_contain_text(gateway)
    assert visit.found_wrong() == []


def _is_listed(visit: Watched) -> bool:
    visit.go("/models")
    return visit.page.get_by_role("list", name="Models").count() == 1


def see_its_use(visit: Watched, counted: Counted) -> None:
    page = visit.page
    visit.go("/token-usage")
    table = page.get_by_role("grid", name="Use in the last 24 hours")
    expect(table).to_contain_text(f"{counted.tokens_out:,}", timeout=TOLD_MS)
    line = row(visit, "batch")
    for words in ("sim", str(counted.requests), f"{counted.tokens_in:,}", "100 %"):
        expect(line).to_contain_text(words)
    assert visit.found_wrong() == []
    page.get_by_role("button", name="By project").click()
    expect(row(visit, "default")).to_contain_text(f"{counted.tokens_out:,}")
    page.get_by_role("button", name="30 days").click()
    expect(page.get_by_role("grid", name="Use in the last 30 days")).to_contain_text(f"{counted.tokens_out:,}")
    assert "by=project" in page.url and "period=month" in page.url
    assert visit.found_wrong() == []
    page.get_by_role("button", name="By model").click()
    row(visit, "sim").get_by_role("link", name="sim").click()
    expect(page.get_by_role("heading", name="How to call Simulated")).to_be_visible()
    assert visit.found_wrong() == []
    visit.go("/statement")
    expect(page.get_by_role("table", name="Running and not billed yet")).to_contain_text(
        f"{counted.tokens_out:,} tokens"
    )
    assert visit.found_wrong() == []


def see_the_gateway(visit: Watched) -> None:
    """As current. What would end it is opened and closed again."""
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    line = page.get_by_role("row").filter(has=page.get_by_role("checkbox")).last
    expect(line).to_contain_text("Enrolled")
    expect(line).to_contain_text("Current", timeout=TOLD_MS)
    assert visit.found_wrong() == []
    line.get_by_role("checkbox").check()
    page.get_by_role("button", name="Retire").click()
    dialog.get_by_role("textbox", name="Why").fill("only looking")
    assert visit.violations() == []
    dialog.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="New gateway token").click()
    dialog.get_by_role("textbox", name="Name of the gateway").fill("edge-2")
    dialog.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("region", name="Enrol the gateway")).to_contain_text("--name edge-2")
    assert visit.found_wrong() == []
    page.get_by_role("button", name="I have saved the token").click()
    expect(page.get_by_role("region", name="Enrol the gateway")).to_have_count(0)


def withdraw_the_model(visit: Watched) -> None:
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    visit.go("/admin/models")
    row(visit, "Simulated").get_by_role("checkbox").check()
    page.get_by_role("button", name="Edit").click()
    dialog.get_by_role("textbox", name="Name", exact=True).fill("Simulated, renamed")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Withdraw").click()
    dialog.get_by_role("textbox").fill("Simulated, renamed")
    dialog.get_by_role("button", name="Withdraw").click()
    expect(row(visit, "Simulated, renamed")).to_contain_text("Withdrawn")
    visit.go("/models")
    expect(page.get_by_text("No model is offered here yet")).to_be_visible()
