"""Takes the pictures of docs/pictures against a running house: python tests/journeys/pictures.py http://127.0.0.1:8042 [NAME…]"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from browser import REPOSITORY, Watched, chromium, next_step, sign_in, visitor
from playwright.sync_api import Browser, expect
from portal_models import SIMULATED, add_upstream, call, make_key, send_offer, simulated_model_server, write_offer

PICTURES = REPOSITORY / "docs/pictures"
SIZES = {1440: 900, 390: 844}
SCALES = {1440: 2 / 3, 390: 1}
COLOURS = 128
WANTED = sys.argv[2:]  # all, when none is named
# The most frequent colours stay, every other pixel takes the nearest of them: these are mostly flat areas.
FEW_COLOURS = """async ([png, most]) => {
  const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const pen = new OffscreenCanvas(image.width, image.height).getContext('2d');
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  const count = new Map(), at = i => data[i] << 16 | data[i + 1] << 8 | data[i + 2];
  for (let i = 0; i < data.length; i += 4) count.set(at(i), (count.get(at(i)) ?? 0) + 1);
  const palette = [...count].sort((a, b) => b[1] - a[1]).slice(0, most).map(([colour]) => colour);
  const known = new Map(palette.map((colour, index) => [colour, index]));
  const apart = (a, b) => [16, 8, 0].reduce((sum, bit) => sum + ((a >> bit & 255) - (b >> bit & 255)) ** 2, 0);
  const nearest = wanted => palette.reduce((best, one, i) => apart(one, wanted) < apart(palette[best], wanted) ? i : best, 0);
  const index = colour => known.get(colour) ?? known.set(colour, nearest(colour)).get(colour);
  const pixels = Array.from({length: data.length / 4}, (_, i) => index(at(4 * i)));
  return JSON.stringify({width: image.width, height: image.height, palette, pixels});
}"""


def main(base: str) -> None:
    with chromium() as chrome:
        allocation = something_running(chrome, base)
        models_in_use(chrome, base)
        for theme in ("light", "dark"):
            take_all(chrome, base, theme, allocation)


def something_running(chrome: Browser, base: str) -> str:
    """The address of an active machine of the demonstration tenant, launched the way a visitor launches one."""
    with visitor(chrome, base) as visit:
        page = visit.page
        visit.go("/signin?next=/home")
        sign_in(visit, "demo@example.com")
        running = page.get_by_role("table", name="Running allocations").get_by_role("link", name="training")
        if running.count():
            return str(running.first.get_attribute("href"))
        a_network_with_a_rule(visit)
        visit.go("/launch?sku=local.cpu.1&step=access")
        page.get_by_role("textbox", name="Name - optional").fill("training")
        page.get_by_role("textbox", name="Public key").fill(public_key())
        next_step(visit, "Storage")
        page.get_by_role("radio", name="Create a volume").check()
        page.get_by_role("textbox", name="Volume name").fill("dataset")
        next_step(visit, "Network")
        page.get_by_role("button", name=re.compile("^Network")).click()
        page.get_by_role("option", name=re.compile("research")).click()
        page.get_by_role("button", name=re.compile("Choose security groups")).click()
        page.get_by_role("option", name=re.compile("web")).click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Skip to review").click()
        page.get_by_role("button", name="Launch", exact=True).click()
        page.wait_for_url("**/allocations/alloc_*")
        stages = page.get_by_role("list", name="Stages of training")
        expect(stages.get_by_role("listitem").filter(has_text="Active: done")).to_be_visible(timeout=60_000)
        return page.url.removeprefix(base)


MODELS = {
    "talk": {
        "Name": "Simulated talk",
        "Price in, EUR": "0.10",
        "Price out, EUR": "0.30",
        "Context, in tokens": "131072",
    },
    "think": {
        "Name": "Simulated thought",
        "Price in, EUR": "1.25",
        "Price out, EUR": "5",
        "Context, in tokens": "65536",
    },
    "small": {
        "Name": "Simulated and small",
        "Price in, EUR": "0",
        "Price out, EUR": "0.025",
        "Context, in tokens": "8192",
    },
}


def models_in_use(chrome: Browser, base: str) -> None:
    """Three models of a simulated server, called by the demonstration tenant with a key of its own."""
    with visitor(chrome, base) as visit:
        visit.go("/signin?next=/admin/upstreams")
        sign_in(visit, "admin@example.com")
        if visit.page.get_by_text("simulated", exact=True).count():
            return
        add_upstream(visit, "simulated", f"http://127.0.0.1:{simulated_model_server()}/v1")
        for name, facts in MODELS.items():
            told = {
                "Id": f"simulated-{name}",
                "Description - optional": "Says the same word again and again, at the pace of a real one.",
            }
            write_offer(visit, "simulated", SIMULATED | told | facts)
            send_offer(visit)
    with visitor(chrome, base) as visit:
        visit.go("/signin?next=/models")
        sign_in(visit, "demo@example.com")
        gateway = str(visit.page.request.get(f"{base}/api/v3/models").json()["base_url"])
        for key, calls in {"batch": {"talk": 9, "small": 4}, "assistant": {"think": 3, "talk": 2}}.items():
            secret = make_key(visit, key)
            for name, times in calls.items():
                call(gateway, secret, f"simulated-{name}", times)


def a_network_with_a_rule(visit: Watched) -> None:
    page, dialog = visit.page, visit.page.get_by_role("dialog")
    for path, button, name in (
        ("/networks", "Create network", "research"),
        ("/security-groups", "Create security group", "web"),
    ):
        visit.go(path)
        page.get_by_role("button", name=button).click()
        dialog.get_by_role("textbox", name="Name").fill(name)
        dialog.get_by_role("button", name=button).click()
        page.get_by_role("link", name=name, exact=True).wait_for()
    page.get_by_role("link", name="web", exact=True).click()
    page.get_by_role("button", name="Add rule").click()
    dialog.get_by_role("textbox", name="Ports - optional").fill("443")
    dialog.get_by_role("button", name="Add rule").click()
    page.get_by_text("TCP 443 from everybody").wait_for()


def first_of(visit: Watched, path: str) -> str:
    """The address of the first thing in a list."""
    visit.go(path)
    return str(visit.page.locator(f"a[href^='{path}/']").first.get_attribute("href"))


def public_key() -> str:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@laptop", "-f", made], check=True)
        return made.with_suffix(".pub").read_text().strip()


def take_all(chrome: Browser, base: str, theme: str, allocation: str) -> None:
    with visitor(chrome, base, theme=theme) as visit:
        for name, path in {"landing": "/", "catalogue": "/catalog", "models": "/models"}.items():
            take(visit, name, path, theme)
        take(visit, "call", "/models", theme, choose_a_model)
        visit.go("/signin")
        sign_in(visit, "demo@example.com")
        for name, path in {"home": "/home", "active": allocation, "statement": "/statement"}.items():
            take(visit, name, path, theme)
        for step in ("hardware", "access", "storage", "network", "review"):
            take(visit, f"launch-{step}", f"/launch?sku=local.cpu.1&volume=results:20&step={step}", theme)
        take(visit, "network", first_of(visit, "/networks"), theme)
        take(visit, "security-group", first_of(visit, "/security-groups"), theme)
        take(visit, "members", "/members", theme)
        take(visit, "token-usage", "/token-usage", theme)
        take(visit, "palette", "/home", theme, type_into_palette)
        take(visit, "happened", "/allocations?sort=-created", theme, ring_the_bell)
        take(visit, "several", "/gallery", theme, act_on_several)
    with visitor(chrome, base, theme=theme) as operator:
        operator.go("/signin?next=/admin")
        sign_in(operator, "admin@example.com")
        places = {"overview": "/admin", "fleet": "/admin/nodes?sort=name"}
        places |= {"offered-models": "/admin/models", "upstreams": "/admin/upstreams", "gateways": "/admin/gateways"}
        for name, path in places.items():
            take(operator, name, path, theme)
        take(operator, "offer", "/admin/models?new=1", theme)


def choose_a_model(visit: Watched) -> None:
    visit.page.get_by_role("button", name="How to call it: Simulated thought").click()


def ring_the_bell(visit: Watched) -> None:
    visit.page.get_by_role("button", name="What happened", exact=True).click()


def act_on_several(visit: Watched) -> None:
    """The gallery's dialog: one of its samples always fails, one is left out."""
    visit.page.get_by_role("button", name="Destroy several").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("2 samples")
    dialog.get_by_role("button", name="Destroy", exact=True).click()
    dialog.get_by_role("button", name="Try again (1)").wait_for()
    visit.page.evaluate("window.scrollTo(0, 0)")


def type_into_palette(visit: Watched) -> None:
    visit.page.keyboard.press("Control+k")
    visit.page.get_by_role("combobox", name="Search pages, actions and things").fill("key")


def take(visit: Watched, name: str, path: str, theme: str, first: Callable[[Watched], None] | None = None) -> None:
    if WANTED and name not in WANTED:
        return
    for width, height in SIZES.items():
        visit.page.set_viewport_size({"width": width, "height": height})
        visit.go(path)
        if first:
            first(visit)
        visit.page.wait_for_timeout(800)
        (PICTURES / f"{name}-{width}-{theme}.png").write_bytes(small(visit, photograph(visit, width, height)))


def photograph(visit: Watched, width: int, height: int) -> str:
    down = visit.page.evaluate("window.scrollY")
    clip = {"x": 0, "y": down, "width": width, "height": height, "scale": SCALES[width]}
    session = visit.page.context.new_cdp_session(visit.page)
    taken = session.send("Page.captureScreenshot", {"format": "png", "clip": clip})["data"]
    session.detach()
    return str(taken)


def small(visit: Watched, png: str) -> bytes:
    """The same picture with few colours, so that the repository stays small."""
    darkroom = visit.page.context.new_page()
    found = json.loads(darkroom.evaluate(FEW_COLOURS, [png, COLOURS]))
    darkroom.close()
    width, height, pixels = found["width"], found["height"], bytes(found["pixels"])
    rows = b"".join(b"\0" + pixels[line * width : (line + 1) * width] for line in range(height))
    palette = b"".join(colour.to_bytes(3, "big") for colour in found["palette"])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        chunk(b"IHDR", header),
        chunk(b"PLTE", palette),
        chunk(b"IDAT", zlib.compress(rows, 9)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main(sys.argv[1])
