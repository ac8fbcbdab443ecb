"""The room in a browser, as a reader uses it: headless Chromium, as Debian packages it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chainrule.study import run, run_datasets
from chainrule.web import StudyStores, build_application, open_socket, page_address
from tests.report.tables.test_datasets import ARMS
from tests.study.results.test_datasets_result import disks
from tests.study.small import small
from tests.study.store.conftest import postgres, server  # noqa: F401 (fixtures)
from tests.web.conftest import TOKEN

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]

STUDY = """
name = "watched"
rounds = 12
epochs = 500
batch_size = 10
cohort_size = 1
loss = "CrossEntropyLoss"

[data]
name = "disk_points"
train = 1000
test = 300

[net]
name = "disk_net"
hidden = 20

[optimizer]
name = "Adam"
lr = 0.003

[arms.narrow]

[arms.wide]
net.hidden = 40
"""


@contextmanager
def serve(stores: StudyStores) -> Iterator[str]:
    """The printed address of an app that shows these stores."""
    import uvicorn

    listener = open_socket(port=None)
    application = build_application(TOKEN, stores=stores)
    answering = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=answering.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield page_address(listener, TOKEN)
    answering.should_exit = True
    thread.join(10)


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The printed address of an app that shows the stores of the folder."""
    with serve(StudyStores(folder)) as address:
        yield address


@contextmanager
def browse(address: str, but: str | None = None) -> Iterator[Any]:
    """A page that has the cookie; what its console says ends the test, ``but`` for one thing."""
    from playwright.sync_api import sync_playwright

    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        yield page
        browser.close()
    assert [line for line in said if but is None or but not in line] == []


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    with browse(address) as page:
        yield page


def open_room(page, address, query=""):
    page.goto(address.split("?")[0] + f"studies{query}")


def test_the_list_finds_sorts_and_removes(page, address):
    open_room(page, address)
    page.get_by_role("link", name="searched/1").wait_for()
    assert page.locator("tbody tr").count() == 3
    page.get_by_role("button", name="trainings").click()
    assert page.locator("tbody th").first.inner_text() == "searched/1"
    page.get_by_label("Find").fill("hot")
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("button", name="Remove kept/2").click()
    page.get_by_role("button", name="Keep it").click()
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("button", name="Remove kept/2").click()
    page.get_by_role("button", name="Remove for ever").click()
    page.get_by_text("No study is so called.").wait_for()


def test_a_curve_is_switched_off_and_stays_so(page, address):
    open_room(page, address, "?store=searched&study=1&tab=Curves")
    button = page.locator(".legend button", has_text="wide").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    page.get_by_role("tab", name="Results").click()
    page.get_by_role("tab", name="Curves").click()
    button.wait_for()
    assert button.get_attribute("aria-pressed") == "false"
    page.locator(".u-over").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".readout").first.inner_text().startswith("epoch 1: narrow")
    page.locator(".u-over").first.hover()
    assert "narrow" in page.locator(".readout").first.inner_text()
    assert "wide" not in page.locator(".readout").first.inner_text()


def test_every_tab_is_reached_by_the_keyboard(page, address):
    open_room(page, address, "?store=kept&study=1")
    page.get_by_role("tab", name="Results").focus()
    for name in ("Curves", "Comparisons", "Trouble", "Declaration", "narrow", "wide", "Results"):
        page.keyboard.press("ArrowRight")
        page.locator("[role=tab][aria-selected=true]", has_text=name).wait_for()
        assert page.evaluate("document.activeElement.textContent") == name
        assert page.locator("h3").count() == 0  # below the study's h1 a tab begins with h2


def test_two_declarations_are_compared(page, address):
    open_room(page, address, "?store=kept&study=1&tab=Declaration")
    choice = page.get_by_label("Compare with the declaration of")
    page.locator("option", has_text="kept/2, hot").wait_for(state="attached")
    choice.select_option(label="kept/2, hot")
    page.locator(".added", has_text='name = "small"').wait_for()


@pytest.mark.parametrize("width", [390, 1200])
def test_no_tab_is_wider_than_its_page(page, address, width):
    page.set_viewport_size({"width": width, "height": 800})
    open_room(page, address, "?store=searched&study=1")
    for name in page.locator("[role=tab]").all_inner_texts():
        page.get_by_role("tab", name=name).click()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_the_list_is_no_wider_than_a_phone(page, address):
    page.set_viewport_size({"width": 390, "height": 800})
    open_room(page, address)
    page.get_by_role("link", name="searched/1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_fills_while_its_study_runs_and_survives_its_kill(page, address, folder, tmp_path):
    """It is killed half way, which the page says, and is run to its end by another process."""
    (tmp_path / "watched.toml").write_text(STUDY)
    store = folder / "watched.sqlite"
    command = [sys.executable, "-m", "chainrule", "run", "watched.toml", "--store", str(store)]
    open_room(page, address)
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        page.get_by_role("link", name="watched/1").click()
        page.get_by_text("running", exact=True).wait_for()
        page.get_by_role("tab", name="Curves").click()
        page.locator(".u-over").first.wait_for()
        seen = page.get_by_text("trainings ·").inner_text()
        page.wait_for_function(
            "(seen) => !document.body.innerText.includes(seen)", arg=seen.split(" · ")[0]
        )
    finally:
        running.kill()
        running.wait()
    page.get_by_text("not complete", exact=True).wait_for()
    subprocess.run(command, cwd=tmp_path, stderr=subprocess.DEVNULL, check=True, timeout=300)
    page.get_by_text("24 of 24 trainings").wait_for()
    page.get_by_text("complete", exact=True).wait_for()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Curves"


def test_a_store_that_goes_and_comes_back_as_another_is_told_and_shown(address, folder):
    with browse(address, but="status of 400") as page:
        watch_a_store_go(page, address, folder)


def watch_a_store_go(page, address, folder):
    open_room(page, address, "?store=kept&study=1&tab=arm:wide")
    page.get_by_role("heading", name="Wrong").first.wait_for()
    (folder / "kept.sqlite").rename(folder / "kept.away")
    page.get_by_text("no store 'kept'; stores: searched").wait_for()
    page.get_by_text("What stands below was read before.").wait_for()
    page.get_by_role("tab", name="Comparisons").click()
    page.locator("[role=tabpanel]").get_by_text("no store 'kept'").wait_for()
    (folder / "kept.away").rename(folder / "kept.sqlite")
    page.locator("[role=tabpanel] table").first.wait_for()
    page.get_by_text("no store 'kept'").first.wait_for(state="detached")
    page.get_by_role("tab", name="wide").click()
    run(small(arms={"other": {}, "last": {}}, name="new"), store=folder / "next.sqlite")
    (folder / "next.sqlite").rename(folder / "kept.sqlite")
    page.get_by_role("heading", name="new complete").wait_for()
    page.get_by_role("tab", name="other").wait_for()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Results"


def test_a_study_over_data_sets_is_seen_as_a_whole_and_from_its_parts(tmp_path):
    run_datasets(disks(arms=ARMS), store=tmp_path / "disks.sqlite")
    with serve(StudyStores(tmp_path)) as address, browse(address) as page:
        open_room(page, address)
        page.get_by_role("link", name="disks, 3 data sets").click()
        page.get_by_text("All rounds on all 3 data sets are done.").wait_for()
        page.get_by_text("mean rank over 3 data sets (1 is best)").wait_for()
        page.get_by_role("link", name="many").click()
        page.get_by_text("Data set many, one of 3 of").wait_for()
        page.get_by_role("link", name="small", exact=True).click()
        page.get_by_role("heading", name="Over all data sets").wait_for()
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_store_in_a_database_is_shown_as_one_in_a_file(postgres, tmp_path):  # noqa: F811
    run(small(), store=postgres)
    with serve(StudyStores(tmp_path, [postgres])) as address, browse(address) as page:
        open_room(page, address)
        page.get_by_role("link", name="/1").click()
        page.get_by_text("All 3 rounds are done.").wait_for()
        for name in page.locator("[role=tab]").all_inner_texts():
            page.get_by_role("tab", name=name).click()
            page.locator("[role=tabpanel] > *").first.wait_for()
            assert not page.locator(".error").count()
