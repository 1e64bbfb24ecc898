"""A real browser for journeys: the system's Chromium, watched for errors and refused content while it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

REPOSITORY = Path(__file__).parents[2]
AXE = REPOSITORY / "portal/node_modules/axe-core/axe.min.js"
CHROMIUM = Path(__file__).parent / "chromium-on-a-still-network"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 390, "height": 844}
SCREEN: ViewportSize = {"width": 1440, "height": 900}
SERIOUS = ("serious", "critical")
RUN_AXE = "axe.run(document, %s).then(found => JSON.stringify(found.violations))"
ALL_RULES = {"resultTypes": ["violations"]}
expect.set_options(timeout=20_000)  # milliseconds: what is expected comes; how soon decides no test
# The second theme changes colours and nothing else: only these rules can judge it differently.
COLOUR_RULES = ALL_RULES | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@dataclass
class Watched:
    """A page, and everything that went wrong on it: script errors, console errors, content the CSP refused."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.settle()

    def overhear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location['url']}, on {self.page.url})")

    def settle(self) -> None:
        """Until the app has taken over, the page has its heading, and nothing in it says that it is loading."""
        self.page.locator(".theme-button, #top-bar").first.wait_for()
        self.page.locator("h1").first.wait_for()
        expect(self.page.locator("body")).not_to_contain_text("Loading", timeout=15_000, use_inner_text=True)

    def violations(self, rules: dict[str, Any] = ALL_RULES) -> list[str]:
        """What axe finds serious or critical. Injected through the debugger, so that the page keeps its CSP."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        run = {"expression": RUN_AXE % json.dumps(rules), "awaitPromise": True, "returnByValue": True}
        answer = session.send("Runtime.evaluate", run)["result"]
        session.detach()
        found: list[dict[str, Any]] = json.loads(answer["value"])
        return [
            f"{self.page.url} {one['id']} ({one['impact']}): {node['target']}"
            for one in found
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]

    def wear(self, theme: str) -> None:
        """The light or the dark theme, at once: without the short fade that would leave colours half way."""
        self.page.emulate_media(reduced_motion="reduce")
        self.page.evaluate(
            f"document.body.classList.toggle('awsui-dark-mode', {'true' if theme == 'dark' else 'false'})"
        )

    def found_wrong(self) -> list[str]:
        """Not exactly one heading of the first level, what axe says in either theme, wider than a phone."""
        headings = self.page.get_by_role("heading", level=1).count()
        found = [] if headings == 1 else [f"{self.page.url}: {headings} headings of the first level"]
        for theme, rules in (("light", ALL_RULES), ("dark", COLOUR_RULES)):
            self.wear(theme)
            found += [f"{theme}: {one}" for one in self.violations(rules)]
        self.page.set_viewport_size(PHONE)
        wider = self.sideways()
        self.page.set_viewport_size(SCREEN)
        return found + ([f"{self.page.url} is {wider} px wider than a phone"] if wider else [])

    def sideways(self) -> int:
        """By how many pixels the page stays wider than the window, once it has had time to arrange itself."""
        width = 0
        for _ in range(30):
            width = int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
            if width <= 0:
                return 0
            self.page.wait_for_timeout(100)
        return width


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(browser: Browser, base: str, *, theme: str = "light", width: int = 1440) -> Iterator[Watched]:
    """Somebody with a fresh profile. Nothing may have gone wrong on any page by the end of the visit."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if theme == "dark" else "light"
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    watched = Watched(page, base)
    page.on("pageerror", lambda error: watched.complaints.append(f"script: {error}"))
    page.on("console", watched.overhear)
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " event => console.error(`CSP refused ${event.violatedDirective} ${event.blockedURI}`))"
    )
    try:
        yield watched
        assert watched.complaints == [], "\n".join(watched.complaints)
    finally:
        context.close()


def sign_in(visit: Watched, email: str) -> None:
    """From wherever a sign-in button is shown, through the identity provider, back to the page one came from."""
    visit.page.get_by_role("link", name="Continue with single sign-on").click()
    visit.page.get_by_role("button", name=email).click()
    visit.page.wait_for_url(lambda url: url.startswith(visit.base) and "/dev-issuer/" not in url)
    visit.settle()


def next_step(visit: Watched, step: str) -> None:
    """Onward in the launch, to the step of this heading."""
    visit.page.get_by_role("button", name="Next", exact=True).click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(step)
