"""The live page in a real browser, over a real server, while claims are made."""

import re
from contextlib import closing, contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from claims_sim import pipeline
from claims_sim.definitions import defs
from claims_sim.llm.opening import budget_of
from claims_sim.scoring.rules import RULES
from claims_sim.settings import load_settings
from claims_sim.store import control
from claims_sim.store.control import Facts
from claims_sim_tests import servers
from claims_sim_tests.states import NEXT_AT, take_over

# There is no screen and no graphics card: painting for one would take most of the browser's time.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser():
    servers.need("Chromium", servers.chromium_binary())
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=servers.chromium_binary(), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def simulation(grown):
    """A simulation of twenty claims."""
    return grown(1, 20, api_rate=0)


@pytest.fixture
def server(simulation):
    with servers.api_beside(simulation) as started:
        yield started


@pytest.fixture(scope="module")
def still_server(small_source, grown_state, tmp_path_factory):
    """A server over twenty claims, for tests that look and change nothing."""
    state = tmp_path_factory.mktemp("still") / "state"
    take_over(grown_state(1, 20, api_rate=0), state)
    made = load_settings(state_dir=state, source=small_source, author="statistical", batch_size=20, api_rate=0)
    started = servers.start_api(made)
    yield started
    started.stop()


@pytest.fixture
def still_page(browser, still_server):
    with opened_page(browser, still_server) as opened:
        yield opened


@pytest.fixture
def page(browser, server):
    with opened_page(browser, server) as opened:
        yield opened


@contextmanager
def opened_page(browser, server):
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    opened.goto(f"http://127.0.0.1:{server.port}/")
    yield opened
    context.close()
    assert faults == []


def make_batch(simulation) -> list[str]:
    """One batch through the whole chain; its claim ids."""
    return pipeline.run_tick(simulation, NEXT_AT).batch.log["claim_id"].to_pylist()


def rows(page: Page):
    return page.locator(".claims tbody tr")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]


def test_the_first_view_shows_claims_figures_and_charts(still_page):
    page = still_page
    expect(rows(page)).to_have_count(20)
    expect(page.get_by_role("status").first).to_have_text("live")
    expect(page.locator(".tiles")).to_contain_text("20")
    expect(page.locator(".chart svg")).to_have_count(2)
    expect(page.locator(".rows")).to_have_count(2)


@pytest.mark.slow
def test_what_the_model_has_cost_today_is_shown_beside_its_limit(browser, simulation):
    limited = simulation.model_copy(update={"author": "llm", "llm_tokens_per_day": 1_000})
    budget_of(limited, Facts(limited.state_dir)).reserve("some model", 650, 200, is_ours=True)
    with servers.api_beside(limited) as server, opened_page(browser, server) as page:
        expect(page.locator(".tiles")).to_contain_text("850 tokens today")
        expect(page.get_by_role("meter", name="Spent today, of 1000")).to_have_attribute("value", "850")
        assert serious(page) == []


def test_a_claim_appears_without_reloading_and_opens_in_full(page, simulation):
    expect(rows(page)).to_have_count(20)
    ids = make_batch(simulation)
    expect(page.locator("tr.new")).to_have_count(20)
    page.locator("tr.new button").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("How it was made")
    expect(dialog).to_contain_text("profile-chain")
    assert any(claim_id in dialog.inner_text() for claim_id in ids)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_filters_hold_for_what_is_there_and_for_what_arrives(page, simulation):
    expect(rows(page)).to_have_count(20)
    page.get_by_label("Service").select_option("RJTL")
    expect(rows(page).filter(has_text="RITL")).to_have_count(0)
    before = rows(page).count()
    assert 0 < before < 20
    make_batch(simulation)
    expect(page.locator("tr.new")).not_to_have_count(0)
    assert set(rows(page).locator("td:nth-child(2)").all_inner_texts()) == {"RJTL"}
    page.get_by_role("button", name="Clear filters").click()
    expect(rows(page)).to_have_count(40)


@pytest.mark.slow
def test_a_slow_answer_takes_away_no_claim_that_came_meanwhile(page, simulation):
    expect(rows(page)).to_have_count(20)

    def late(route):
        answer = route.fetch()
        make_batch(simulation)
        page.wait_for_timeout(4_000)  # time enough for the batch to arrive by the stream
        route.fulfill(response=answer)

    page.route("**/claims?*service_type=RJTL*", late)
    page.get_by_label("Service").select_option("RJTL")
    expect(rows(page).filter(has_text="RITL")).to_have_count(0)
    expect(page.locator("tr.new")).not_to_have_count(0)
    newest = page.locator("tr.new").count()
    page.unroute_all(behavior="wait")
    assert page.locator("tr.new").count() == newest
    shown = page.evaluate(
        "fetch('claims?limit=60&service_type=RJTL').then((a) => a.json()).then((d) => d.claims.length)"
    )
    expect(rows(page)).to_have_count(shown)


@pytest.mark.slow
def test_paused_the_list_stands_still_and_nothing_is_missed(page, simulation):
    expect(rows(page)).to_have_count(20)
    page.get_by_role("button", name="Pause").click()
    make_batch(simulation)
    expect(page.get_by_role("button", name=re.compile("Resume"))).to_contain_text("20 new")
    expect(rows(page)).to_have_count(20)
    page.get_by_role("button", name=re.compile("Resume")).click()
    expect(rows(page)).to_have_count(40)


def test_an_injection_is_confirmed_started_and_stopped(page, simulation):
    page.get_by_label("Kind").select_option("cloned_claim")
    page.get_by_role("button", name="Start …").click()
    confirmation = page.get_by_role("dialog")
    expect(confirmation).to_contain_text("600 claims")
    confirmation.get_by_role("button", name="Cancel").click()
    assert not pipeline.injection_state(simulation)["running"]
    page.get_by_role("button", name="Start …").click()
    confirmation.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Running until")).to_contain_text("cloned claim")
    state = pipeline.injection_state(simulation)
    assert (state["running"], state["per_s"], state["anomaly_rate"], state["anomaly_mix"]) == (
        True,
        2,
        0.3,
        "cloned_claim",
    )
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start …")).to_be_visible()
    assert not pipeline.injection_state(simulation)["running"]


def test_a_server_that_goes_and_comes_back_loses_no_claim(browser, simulation):
    server = servers.start_api(simulation)
    try:
        with opened_page(browser, server) as page:
            expect(page.get_by_role("status").first).to_have_text("live")
            server.kill()
            expect(page.get_by_role("status").first).to_have_text("connection lost")
            expect(page.get_by_role("alert").first).to_contain_text("tries again by itself")
            make_batch(simulation)
            server.start()
            expect(page.get_by_role("status").first).to_have_text("live")
            expect(rows(page)).to_have_count(40)
    finally:
        server.stop()


def test_it_has_no_serious_finding_of_accessibility_light_or_dark(still_page):
    page = still_page
    expect(rows(page)).to_have_count(20)
    expect(page.locator(".chart svg")).to_have_count(2)
    rows(page).locator("button").first.click()
    dialog = page.get_by_role("dialog")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(dialog).to_contain_text("How it was made")
        assert serious(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []


@pytest.mark.slow
def test_it_speaks_indonesian(still_page):
    page = still_page
    page.get_by_label("Language").select_option("id")
    expect(page.get_by_role("heading", name="Klaim yang masuk")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "id"
    assert serious(page) == []


def test_every_check_and_every_rule_has_a_name_in_indonesian(still_page):
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    untold = (
        "async ([checks, rules]) => { const { checkName, flagName } = await import('/page/texts.js');"
        " return [...checks.filter((name) => checkName(name, 'id') === name.replaceAll('_', ' ')),"
        " ...rules.filter((name) => !flagName(name, 'id'))]; }"
    )
    assert len(checks) > 15
    assert still_page.evaluate(untold, [sorted(checks), [rule.name for rule in RULES]]) == []
    assert still_page.evaluate(untold, [["no_such_check"], ["no_such_rule"]]) == ["no_such_check", "no_such_rule"]


def test_without_claims_it_says_what_will_come(browser, settings):
    context = browser.new_context(locale="en-GB")
    with servers.api_beside(settings.model_copy(update={"api_rate": 0})) as started, closing(context):
        opened = context.new_page()
        opened.goto(f"http://127.0.0.1:{started.port}/")
        expect(opened.get_by_text("No claim yet.")).to_be_visible()
        expect(opened.get_by_text("Nothing is producing claims at the moment.")).to_be_visible()
        expect(opened.get_by_role("status").first).to_have_text("connected, not ready")
        opened.get_by_label("Language").select_option("id")
        expect(opened.get_by_role("status").first).to_have_text("tersambung, belum siap")
        assert serious(opened) == []


@pytest.mark.slow
def test_what_is_on_its_way_is_said_to_load(still_page):
    page = still_page
    held = []

    def hold(route):
        held.append(route)

    page.route("**/distribution", hold)
    page.reload()
    expect(page.locator(".compare")).to_contain_text("Loading …")
    held[-1].continue_()
    expect(page.locator(".compare .chart")).to_have_count(4)
    expect(page.get_by_text("Loading …")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.slow
def test_failing_checks_are_all_shown_and_the_passing_ones_are_counted(page, simulation):
    passed = {"passed": True, "severity": "ERROR", "description": ""}
    failed = {"passed": False, "severity": "ERROR", "description": "two rows too many"}
    checks = {f"claims_live_stream/check_{n}": failed if n > 12 else passed for n in range(15)}
    control.put_status(simulation.state_dir, "checks", checks)
    shown = page.locator(".checks li:visible")
    expect(shown).to_have_count(5)
    expect(shown.first).to_contain_text("two rows too many")
    expect(shown.nth(2)).not_to_contain_text("two rows too many")
    page.get_by_text("10 more, all passing").click()
    expect(shown).to_have_count(15)
    assert serious(page) == []


@pytest.mark.slow
def test_the_labels_of_a_row_stand_on_one_line(still_page):
    page = still_page
    expect(rows(page)).to_have_count(20)
    tops = "(labels) => labels.map((label) => Math.round(label.getBoundingClientRect().top))"
    filters = page.locator(".filters label").evaluate_all(tops)
    wish = page.locator(".wish label").evaluate_all(tops)
    assert len(set(filters)) == 1
    assert (wish[0], wish[2]) == (wish[1], wish[3])


@pytest.mark.slow
def test_a_narrow_screen_shows_diagnosis_amount_and_risk_without_scrolling_sideways(still_page):
    page = still_page
    page.set_viewport_size({"width": 420, "height": 900})
    expect(rows(page)).to_have_count(20)
    heads = page.locator(".claims th:visible").all_inner_texts()
    assert heads == ["Arrived", "Diagnosis", "Claimed", "Risk"]
    assert page.locator(".claims .scroll").evaluate("(box) => box.scrollWidth <= box.clientWidth")
    expect(rows(page).first.locator(".narrow")).to_have_text(re.compile(r"^R[IJ]TL · \S.* · \S+$"))
    assert serious(page) == []


@pytest.mark.parametrize(
    ("width", "height"),
    [(1366, 725), *(pytest.param(*size, marks=pytest.mark.slow) for size in ((1440, 789), (1920, 1080)))],
)
def test_a_laptop_and_a_projector_show_everything_in_one_screen(still_page, width, height):
    page = still_page
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_label("Language").select_option("id")
    expect(rows(page)).to_have_count(20)
    expect(page.locator(".chart svg")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollHeight") == height
    for part in (".tile", ".claims .scroll", ".alarm", ".wish button", ".checked", ".plot", ".row.rest"):
        box = page.locator(part).last.bounding_box()
        assert box["height"] > 15, part
        assert box["y"] + box["height"] <= height, part
    shown = page.locator(".rows").last.locator(".row:not(.rest)")
    assert 4 <= shown.count() <= 12
    # The longest name of a province leaves the risk in sight.
    page.evaluate("document.querySelector('td.place').textContent = 'Kepulauan Bangka Belitung'")
    assert (
        page.evaluate("(part => part.scrollWidth - part.clientWidth)(document.querySelector('.claims .scroll'))") <= 0
    )
    assert serious(page) == []


# A middle and a narrow layout; a wide one is above.
@pytest.mark.parametrize(
    "width",
    [1024, 360, *(pytest.param(width, marks=pytest.mark.slow) for width in (1920, 1600, 1440, 1280, 800, 420))],
)
def test_no_width_of_the_screen_hides_a_part_of_the_list(still_page, width):
    page = still_page
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_label("Language").select_option("id")
    expect(rows(page)).to_have_count(20)
    expect(page.locator(".chart svg")).to_have_count(2)
    assert page.locator(".claims .scroll").evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_a_warning_is_shown_as_one_and_a_failure_as_a_failure(page, simulation):
    tile = page.locator(".tile", has_text="Checks")
    for severity, mood in (("WARN", "warn"), ("ERROR", "bad")):
        check = {"passed": False, "severity": severity, "description": "slow"}
        control.put_status(simulation.state_dir, "checks", {"claims_live_stream/one": check})
        expect(tile).to_have_class(re.compile(f"tile {mood}"))


@pytest.mark.slow
def test_a_server_that_cannot_answer_is_not_taken_for_one_without_claims(still_page):
    page = still_page
    page.route("**/claims?limit=*", lambda route: route.fulfill(status=503, json={"detail": "the disk is gone"}))
    page.reload()
    expect(page.get_by_role("alert").first).to_contain_text("the disk is gone")
    expect(page.get_by_text("No claim yet.")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")
    expect(rows(page)).to_have_count(20)


def test_a_server_with_a_key_asks_for_it(browser, simulation):
    locked = simulation.model_copy(update={"api_key": type(simulation.api_key)("a-secret-key")})
    context = browser.new_context(locale="en-GB")
    with servers.api_beside(locked) as started, closing(context):
        opened = context.new_page()
        opened.goto(f"http://127.0.0.1:{started.port}/")
        opened.get_by_label("API key").fill("a-secret-key")
        opened.get_by_role("button", name="Enter").click()
        expect(rows(opened)).to_have_count(20)
        expect(opened.get_by_role("status").first).to_have_text("live")
