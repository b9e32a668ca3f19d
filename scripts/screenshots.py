"""Take the pictures of the documentation from a running simulation, with the distribution's Chromium.

Run `make up` in another terminal for some minutes, so that there is something to see, then
`.venv/bin/python scripts/screenshots.py`.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from claims_sim.settings import load_settings
from claims_sim.store import control

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_LOCATION = "locations/claims_sim"


def main() -> None:
    """Write `docs/images/*.png`."""
    up = control.get_status(load_settings().state_dir, "up") or {}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if "url" not in up or not chromium:
        sys.exit("Nothing is up in this state folder, or there is no Chromium: see the head of this script.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        _live_page(browser, up["page"])
        ui = up["url"]
        _shot(browser, f"{ui}/{_LOCATION}/asset-groups/claims_sim", "lineage", 2300, 900, scale=0.75)
        _shot(browser, f"{ui}/assets/synthetic_claims_batch?view=overview", "batch", 1500, 1000)
        _shot(
            browser,
            f"{ui}/assets/claims_distribution_profile?view=overview",
            "profile",
            1500,
            1250,
            opens="[Show Markdown]",
        )
        _shot(browser, f"{ui}/assets/claims_live_stream?view=checks", "checks", 1500, 800)
        _shot(browser, f"{ui}/assets/ml_scores?view=overview", "scores", 1500, 1900, scale=0.8)
        _shot(browser, f"{ui}/assets/claims_history?view=partitions", "history", 1500, 700)
        _shot(browser, f"{ui}/{_LOCATION}/jobs/simulate_claims", "job", 1500, 700)
        _shot(browser, f"{ui}/runs", "runs", 1500, 800)
        browser.close()


def _live_page(browser: Browser, url: str) -> None:
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme, locale="en-GB")
        page.goto(url)
        page.wait_for_selector(".claims tbody tr")
        page.wait_for_selector(".chart svg", timeout=60_000)
        page.wait_for_timeout(1_500)
        page.screenshot(path=IMAGES / f"live-page-{scheme}.png", full_page=True)
        if scheme == "light":
            risky = page.locator(".claims tbody tr:has(.risk.high) button")
            (risky if risky.count() else page.locator(".claims tbody tr button")).first.click()
            page.wait_for_selector("dialog.detail .facts.small")
            page.screenshot(path=IMAGES / "claim.png")
        page.close()


def _shot(browser: Browser, url: str, name: str, width: int, height: int, *, scale: float = 1, opens: str = "") -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page.goto(url)
    page.wait_for_timeout(9_000)  # the UI draws its graph in a worker and has no sign of being done
    expect(page.get_by_text("In Progress", exact=True)).to_have_count(0, timeout=60_000)
    if opens:  # the dialog alone: the page behind it shows paths of this machine
        page.get_by_text(opens).first.click()
        page.wait_for_timeout(1_500)
        page.get_by_role("dialog").screenshot(path=IMAGES / f"{name}.png")
    else:
        page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
