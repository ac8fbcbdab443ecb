"""The playground as it is used: in a browser, with a mouse and with keys."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.web.browser import chromium, open_page, read_number, running_app, wait_until
from tests.web.playground.conftest import SMALL

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    text = "from chainrule import nn\ndef small():\n    return nn.Sequential(nn.Linear(2, 2))\n"
    (folder / "own_net.py").write_text(text, encoding="utf-8")
    rows = "".join(f"{i / 10},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(60))
    (folder / "rows.csv").write_text("a,b,answer\n" + rows, encoding="utf-8")
    with running_app(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    with open_page(browser, address) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        yield page


def play(page, epochs):
    page.click("#play")
    wait_until(lambda: read_number(page, "epoch") >= epochs)
    page.click("#play")
    wait_until(lambda: read_number(page, "playing") == 0)


def test_after_fifty_epochs_the_loss_has_fallen(page):
    page.click("#step")
    wait_until(lambda: read_number(page, "epoch") == 1)
    first = read_number(page, "loss")
    play(page, 50)
    assert read_number(page, "loss") < first / 2
    assert page.text_content("#play") == "▶ Play"


def test_the_gradient_of_a_weight_is_shown_as_its_sum(page):
    play(page, 3)
    page.locator(".weight canvas.cells").nth(2).click(position={"x": 30, "y": 30})
    sums = page.locator("dialog table.sums")
    total, grad, difference = (
        float(sums.get_attribute(f"data-{name}")) for name in ("sum", "grad", "difference")
    )
    assert total == pytest.approx(grad, rel=1e-9)
    assert difference == pytest.approx(grad, abs=1e-6)
    assert "null" not in page.text_content("dialog")


def test_weights_units_and_layers_are_reached_by_keys(page):
    cells = page.locator(".weight canvas.cells").first
    cells.focus()
    page.keyboard.press("ArrowRight")
    assert "0.weight: [1, 0]" in cells.get_attribute("aria-label")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.locator(".layer-row canvas.cells").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Unit 0 of layer 0").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="1: ReLU()").click()
    page.get_by_text("class ReLU").wait_for()
    page.get_by_role("button", name="The derivation: activations").click()
    page.get_by_text("# Activations").wait_for()


def test_the_slider_goes_back(page):
    play(page, 10)
    last = int(read_number(page, "epoch"))
    page.locator("#slider").fill("2")
    wait_until(lambda: page.text_content("#epoch") == f"2 of {last}")


def test_layers_are_added_moved_and_removed(page):
    page.get_by_label("Add a layer").select_option("Dropout")
    page.get_by_role("button", name="Move up layer 7, Dropout").click()
    page.get_by_role("button", name="Remove layer 1, Linear").click()
    page.get_by_role("button", name="4: Dropout(p=0.3)").wait_for()


def test_a_layer_is_dragged(page):
    items = page.locator(".layers li:not(.fixed)")
    items.nth(5).drag_to(items.nth(0))
    page.get_by_role("button", name="0: ReLU()").wait_for()


def test_two_settings_stand_side_by_side(page):
    page.get_by_role("button", name="+ A second setting").click()
    page.get_by_label("First weights").nth(1).select_option("Zeros")
    page.get_by_role("heading", name="Second setting").wait_for()
    play(page, 5)
    page.click("#code")
    page.get_by_text('[arms.second.init]\nname = "Zeros"').wait_for()


def test_wrong_input_is_a_message_and_the_page_goes_on(page):
    page.get_by_label("Net").first.select_option("own")
    name = page.get_by_label("Function that makes the net")
    name.last.fill("own_net.py:none")
    name.last.press("Enter")
    page.get_by_role("alert").get_by_text("has no function 'none'").wait_for()
    name.last.fill("own_net.py:small")
    name.last.press("Enter")
    page.get_by_role("button", name="0: Linear(2, 2)").wait_for()


def test_a_csv_file_of_ones_own_is_learned(page):
    page.get_by_label("Data", exact=True).last.select_option("table")
    page.get_by_label("What to tell").last.select_option("answer")
    page.get_by_text("15 test samples").wait_for()
    play(page, 2)


def test_a_lesson_shows_its_setting(page):
    page.get_by_label("Lesson", exact=True).select_option(label="4. Why zero is no beginning")
    page.get_by_role("button", name="Show the setting").click()
    page.get_by_role("heading", name="Second setting").wait_for()


def test_a_link_keeps_the_setting(browser, address, page):
    page.get_by_label("Data", exact=True).last.select_option("moons")
    page.wait_for_url("**moons**")
    with open_page(browser, address) as other:
        other.goto(page.url)
        other.reload()
        wait_until(lambda: read_number(other, "pictures") >= 1)
        assert other.get_by_label("Data", exact=True).last.input_value() == "moons"


def test_a_link_to_code_runs_it_only_when_one_says_so(browser, address):
    setting = json.loads(json.dumps(SMALL))
    setting["sides"][0] |= {
        "net": {"name": "own_net.py:small"},
        "loss": {"name": "CrossEntropyLoss"},
    }
    with open_page(browser, address) as page:
        page.goto(page.url + "#setting=" + quote(json.dumps(setting)))
        page.reload()
        page.get_by_text("The link names code on this machine: own_net.py:small").wait_for()
        wait_until(lambda: read_number(page, "pictures") >= 1)
        assert page.get_by_role("button", name="0: Linear(2, 25)").is_visible()
        page.get_by_role("button", name="Run it").click()
        page.get_by_role("button", name="0: Linear(2, 2)").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out(browser, address, scheme):
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with open_page(browser, address, **phone) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        play(page, 3)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
