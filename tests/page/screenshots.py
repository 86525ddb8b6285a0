"""Take the screenshots of docs/images: `python -m tests.page.screenshots [NAME …]`."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from benchmarks.http.client import PATHS
from tests.page.chromium import chromium
from tests.serving import ROOT, Serve, running_server

IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 200_000
N_COLORS = 256
DESKTOP: dict[str, Any] = {"viewport": {"width": 1100, "height": 760}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5}

# Name: the window and the task.
PICTURES: dict[str, tuple[dict[str, Any], str]] = {
    "demo-entities": (DESKTOP | {"locale": "en-US"}, "ner"),
    "demo-entities-dark": (DESKTOP | {"locale": "en-US", "color_scheme": "dark"}, "ner"),
    "demo-sentiment": (DESKTOP | {"locale": "en-US"}, "sentiment"),
    "demo-translation": (DESKTOP | {"locale": "en-US"}, "translation"),
    "demo-translation-zh-dark": (
        DESKTOP | {"locale": "zh-CN", "color_scheme": "dark"},
        "translation",
    ),
    "demo-phone": (PHONE | {"locale": "en-US"}, "ner"),
}
N_POLLS, POLL_MS = (
    24,
    5000,
)  # polls of the status strip, with traffic in between; the clock is simulated


def shoot(browser: Browser, serve: Serve, options: dict[str, Any], task: str) -> bytes:
    """Take one screenshot, as PNG."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.clock.install()
    page.goto(f"{serve.base}/#{task}")
    page.wait_for_selector(".state[data-state=ready]")
    for step in range(N_POLLS):
        for _ in range(round(20 + 12 * math.sin(step / 3) + 6 * math.sin(step * 2))):
            serve.post(PATHS[task], "Ann lives in Rome.")
        with page.expect_response("**/metrics"):
            page.clock.run_for(POLL_MS)
    page.clock.resume()
    page.locator(f"#panel-{task} button[type=submit]").click()
    page.locator(f"#panel-{task} .answer").wait_for()
    if task == "ner":
        page.locator("mark").nth(1).focus()
    page.wait_for_timeout(400)
    page.evaluate("scrollTo(0, 0)")
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": options["viewport"]["width"], "height": height})
    picture: bytes = page.screenshot()
    context.close()
    return picture


def squeeze(picture: bytes) -> bytes:
    """Reduce a PNG to a palette of N_COLORS colors."""
    image = (
        Image.open(io.BytesIO(picture)).convert("RGB").quantize(N_COLORS, dither=Image.Dither.NONE)
    )
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(PICTURES)
    with (
        TemporaryDirectory() as name,
        chromium() as browser,
        running_server(Path(name), ROOT / "bundles", SEQSERVE_TOPOLOGY="embedded") as serve,
    ):
        for picture in wanted:
            small = squeeze(shoot(browser, serve, *PICTURES[picture]))
            if len(small) > MAX_BYTES:
                raise SystemExit(f"{picture}: {len(small)} bytes; at most {MAX_BYTES}")
            (IMAGES / f"{picture}.png").write_bytes(small)
            print(f"{picture}.png: {len(small) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
