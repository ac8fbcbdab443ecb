"""The playground as it is used: in a browser, with a mouse and with keys."""

from __future__ import annotations

import json
import os
import signal
from urllib.parse import quote

import pytest

from chainrule.web.playground.catalog import START
from tests.web.browser import (
    app_process,
    chromium,
    measured_thread,
    open_page,
    read_number,
    running_app,
    wait_until,
)
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


def chosen_seed(page):
    return page.locator(".seed-choice select").first.input_value()


def test_after_fifty_epochs_the_loss_has_fallen(page):
    about = page.locator("#side-0 .about")
    assert about.text_content().endswith("test samples. Not trained yet.")
    page.click("#step")
    wait_until(lambda: read_number(page, "epoch") == 1)
    first = read_number(page, "loss")
    play(page, 50)
    assert read_number(page, "loss") < first / 2
    assert page.text_content("#play") == "▶ Play"
    assert "test samples. Trained on the path: " in about.text_content()


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
    page.get_by_role("heading", name="Activations").wait_for()


def test_the_seed_is_chosen_where_its_weights_and_units_are_shown(page):
    play(page, 3)
    page.locator(".weight canvas.cells").first.click(position={"x": 30, "y": 5})
    title, seed = page.locator("#glass-title"), page.locator("dialog .seed-choice select")
    title.wait_for()
    before = title.text_content()
    seed.focus()
    page.keyboard.press("ArrowDown")
    wait_until(lambda: title.text_content() not in (before, None))
    assert seed.evaluate("(choice) => choice === document.activeElement")
    assert seed.input_value() == chosen_seed(page) == "1"
    page.keyboard.press("Escape")
    page.get_by_label("Units and weights of seed").first.select_option("5")
    page.locator(".layer-row canvas.cells").first.click()
    page.locator("#glass-title", has_text="Unit").wait_for()
    assert seed.input_value() == "5"


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
        wait_until(lambda: read_number(other, "pictures") >= 1)
        other.goto(page.url)
        wait_until(lambda: other.get_by_label("Data", exact=True).last.input_value() == "moons")


def test_a_link_to_code_runs_it_only_when_one_says_so(browser, address):
    setting = json.loads(json.dumps(SMALL))
    setting["sides"][0] |= {
        "net": {"name": "own_net.py:small"},
        "loss": {"name": "CrossEntropyLoss"},
    }
    with open_page(browser, address) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        page.goto(page.url.partition("#")[0] + "#setting=" + quote(json.dumps(setting)))
        page.get_by_text("The link names code on this machine: own_net.py:small").wait_for()
        wait_until(lambda: read_number(page, "pictures") >= 1)
        assert page.get_by_role("button", name="0: Linear(2, 25)").is_visible()
        page.get_by_role("button", name="Run it").click()
        page.get_by_role("button", name="0: Linear(2, 2)").wait_for()


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out_and_what_is_used_is_near_the_thumb(browser, address, scheme):
    with open_page(browser, address, **PHONE, color_scheme=scheme) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        play(page, 3)
        for button in ("#play", "#step", "#reset"):
            box = page.locator(button).bounding_box()
            assert box["y"] > 740 / 2
            assert box["height"] >= 44
        assert not page.locator("#settings").is_visible()
        assert not page.locator("#speed").is_visible()
        page.click("#fold")
        page.click("#more")
        box = page.locator("#settings").bounding_box()
        assert box["y"] < page.locator(".maps").first.bounding_box()["y"]
        assert page.locator("#speed").is_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_a_formula_of_a_derivation_is_set(page):
    pytest.importorskip("latex2mathml")
    page.get_by_role("button", name="0: Linear(2, 25)").click()
    page.get_by_role("button", name="The derivation: linear").click()
    page.locator("dialog math").first.wait_for()
    assert page.locator("dialog math mfrac").first.bounding_box()["height"] > 20


def test_any_entry_of_a_weight_that_is_too_large_to_be_drawn_is_reached(page):
    page.get_by_label("units of layer 1, Linear").fill("300")
    page.get_by_label("units of layer 3, Linear").fill("200")
    page.get_by_label("units of layer 3, Linear").press("Enter")
    page.get_by_text("2.weight 200 × 300: too many to draw").wait_for()
    page.get_by_label("Entry of 2.weight, axis 0").fill("199")
    page.get_by_label("Entry of 2.weight, axis 1").fill("299")
    page.get_by_label("Entry of 2.weight, axis 1").press("Enter")
    page.get_by_role("heading", name="2.weight[199, 299]").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("The first 64 of 300 units.").first.wait_for()
    page.get_by_label("Unit", exact=True).first.fill("299")
    page.get_by_label("Unit", exact=True).first.press("Enter")
    page.get_by_role("heading", name="Unit 299 of layer 0").wait_for()


def test_a_click_on_a_curve_chooses_its_seed_and_the_strip_shows_it(page):
    play(page, 5)
    page.locator(".chart .u-over").first.click(position={"x": 100, "y": 40})
    wait_until(lambda: chosen_seed(page) != "0")
    page.get_by_label("Of which seeds").select_option("seed")
    page.get_by_text(f"Seed {chosen_seed(page)}. From").wait_for()
    page.locator(".strip-field").hover()
    page.get_by_text("(").first.wait_for()
    assert "mean" in page.locator("#strip .readout").text_content()


def test_the_strip_is_read_by_keys_and_goes_to_an_epoch(page):
    page.get_by_label("Speed").select_option("10")
    play(page, 4)
    last = int(read_number(page, "epoch"))
    strip = page.locator(".strip-field")
    strip.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    said = page.locator("#strip .readout").text_content()
    assert said.startswith(f"1 ReLU, epoch {last - 1}: mean ")
    page.keyboard.press("Enter")
    wait_until(lambda: page.text_content("#epoch") == f"{last - 1} of {last}")


def test_a_damaged_link_is_told(browser, address):
    with open_page(browser, address) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        page.goto(page.url.partition("#")[0] + "#setting=" + quote('{"seeds": 3}'))
        page.get_by_text("The link's setting is damaged").wait_for()
        wait_until(lambda: read_number(page, "pictures") >= 1)


def test_a_reload_while_it_trains_begins_anew(page):
    page.click("#play")
    wait_until(lambda: read_number(page, "epoch") >= 5)
    page.reload()
    wait_until(lambda: read_number(page, "pictures") >= 1)
    assert read_number(page, "epoch") == 0
    play(page, 2)


def test_a_server_that_is_killed_is_told(browser, tmp_path):
    with app_process(tmp_path) as (address, process), open_page(browser, address) as page:
        wait_until(lambda: read_number(page, "pictures") >= 1)
        page.click("#play")
        wait_until(lambda: read_number(page, "epoch") >= 3)
        process.kill()
        page.get_by_text("The connection to the app is gone").wait_for()
        assert page.text_content("#play") == "▶ Play"


SLEEPY = """
import time
from chainrule import nn

class Sleepy(nn.Module):
    def forward(self, x):
        time.sleep(60 if self.training else 0)
        return x, lambda g: g

def net():
    return nn.Sequential(nn.Linear(2, 2), Sleepy())
"""
CONVOLUTIONS = [["Conv2d", 16, 3], "ReLU", ["MaxPool2d", 2], ["Conv2d", 32, 3], "ReLU"]
LONG_EPOCHS = {
    "convolutions": {
        "data": {"name": "digit_images", "train": 500, "test": 500, "standardize": "all"},
        "seeds": 64,
        "net": {"name": "sequential_net", "layers": CONVOLUTIONS},
    },
    "a net that sleeps": {"net": {"name": "sleepy.py:net"}},
}


@pytest.mark.parametrize("name", LONG_EPOCHS)
def test_control_c_ends_the_server_cleanly_in_the_middle_of_a_long_epoch(browser, tmp_path, name):
    (tmp_path / "sleepy.py").write_text(SLEEPY, encoding="utf-8")
    changes = dict(LONG_EPOCHS[name])
    side = {**START["sides"][0], "net": changes.pop("net")}
    setting = {**START, **changes, "sides": [side]}
    with app_process(tmp_path) as (address, process):
        with open_page(browser, address) as page:
            wait_until(lambda: read_number(page, "pictures") >= 1)
            page.goto(page.url.partition("#")[0] + "#setting=" + quote(json.dumps(setting)))
            if "sleeps" in name:
                page.get_by_role("button", name="Run it").click()
                page.get_by_role("button", name="1: Sleepy").wait_for()
            else:
                page.get_by_role("button", name="0: Conv2d").wait_for()
            page.click("#play")
            page.wait_for_timeout(2000)
            os.kill(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert (process.returncode, said) == (0, "Ctrl-C stops it.\nstopped\n")


YARDSTICK = (
    "() => { let x = 0; for (let i = 0; i < 3e6; i++) x += Math.sqrt(i) * i % 7; return x; }"
)
"""Some 35 ms of JavaScript; a picture takes about 8 where this takes so long."""


def test_ten_pictures_a_second_leave_the_browser_most_of_its_time(page):
    """By the processor's time of the page's thread, which another program does not lengthen."""
    with measured_thread(page) as seconds:
        page.click("#play")
        wait_until(lambda: read_number(page, "pictures") >= 20)
        start, first = seconds(), read_number(page, "pictures")
        wait_until(lambda: read_number(page, "pictures") >= first + 60)
        page.click("#play")
        spent = (seconds() - start) / (read_number(page, "pictures") - first)
        wait_until(lambda: read_number(page, "playing") == 0)
        yardsticks = []
        for _ in range(5):
            start = seconds()
            page.evaluate(YARDSTICK)
            yardsticks.append(seconds() - start)
    assert spent < 0.45 * min(yardsticks)
