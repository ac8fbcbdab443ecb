"""The page in a browser: headless Chromium, as Debian packages it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from chainrule.report import build_table, render_page
from chainrule.study import StudyResult
from tests.report.conftest import declared, final_rows, made, row, without_search

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


def browse(folder: Path, page: str, script: str = "") -> tuple[str, list[str]]:
    """The title that the script set, and the lines of the console."""
    path = folder / "page.html"
    path.write_text(f"{page}<script>{script}</script>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    options += ["--virtual-time-budget=3000", "--enable-logging=stderr", "--v=0"]
    done = subprocess.run(
        [str(CHROMIUM), *options, f"--user-data-dir={folder / 'profile'}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    return title.group(1) if title else "", [x for x in done.stderr.splitlines() if "CONSOLE" in x]


@pytest.fixture(scope="module")
def page(result) -> str:
    return render_page(result)


def test_it_renders_without_a_word_on_the_console(page, tmp_path):
    assert browse(tmp_path, page) == ("toy: results", [])


def test_an_error_would_be_seen(page, tmp_path):
    _, console = browse(tmp_path, page, "throw new Error('planted')")
    assert len(console) == 1


SORT = """
const table = document.getElementById("results"), head = table.tHead.rows[0].cells[%d];
for (let i = 0; i < %d; i++) head.querySelector("button").click();
document.title = [head.getAttribute("aria-sort"), ...[...table.tBodies[0].rows].map(
  (row) => row.cells[0].textContent)].join(" ");
"""


@pytest.mark.parametrize(
    ("column", "clicks", "expected"),
    [
        (1, 1, "descending conv mlp-sharing mlp conv-sharing"),
        (1, 2, "ascending conv-sharing mlp mlp-sharing conv"),
        (1, 3, "none mlp mlp-sharing conv conv-sharing"),
        (0, 1, "ascending conv conv-sharing mlp mlp-sharing"),
        (3, 1, "ascending mlp mlp-sharing conv conv-sharing"),
        (3, 2, "descending mlp mlp-sharing conv conv-sharing"),
    ],
)
def test_it_sorts_the_best_first_then_the_worst_then_as_it_was(
    page, tmp_path, column, clicks, expected
):
    """The fourth column is known of one arm alone, which comes first either way."""
    assert browse(tmp_path, page, SORT % (column, clicks)) == (expected, [])


LONG = """
const table = document.getElementById("comparisons"), heads = table.tHead.rows[0].cells;
const i = [...heads].findIndex((head) => head.textContent === "p");
heads[i].querySelector("button").click();
setTimeout(() => {
  document.title = [...table.tBodies[0].rows].map((row) => row.cells[i].textContent).join(" ");
}, 500);
"""


def test_sorting_a_long_table_brings_all_of_its_rows(result, tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.report.html.page.SHOWN_ROWS", 1)
    found = build_table(result, "comparisons").drop_empty_columns()
    place = [column.title for column in found.columns].index("p")
    cells = sorted((row[place] for row in found.cells), key=lambda cell: cell.order)
    expected = " ".join(cell.text for cell in cells)
    assert browse(tmp_path, render_page(result), LONG) == (escape(expected), [])


SAVED = """
URL.createObjectURL = (blob) => {
  blob.text().then((text) => { document.title = text.slice(0, 8); });
  return "#";
};
document.querySelector("a[download='toy-curve-grid.csv.gz']").click();
"""


def test_a_file_that_is_compressed_in_the_page_is_saved_as_it_is(page, tmp_path):
    assert browse(tmp_path, page, SAVED) == ("arm,curv", [])


SWITCH = """
const svg = document.querySelector("svg[data-told]"), figure = svg.closest("figure");
const [first, second] = svg.querySelectorAll(".key"), line = svg.querySelector(".curve");
second.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
const off = second.getAttribute("aria-pressed");
const told = JSON.parse(svg.dataset.told), box = svg.getScreenCTM();
const at = new DOMPoint(told.left + told.width, told.curves[0].y.at(-1)).matrixTransform(box);
svg.dispatchEvent(new PointerEvent("pointermove", { clientX: at.x, clientY: at.y }));
document.title = [first.getAttribute("aria-pressed"), off, line.classList.contains("near"),
  figure.querySelector(".readout").textContent.split(":")[0]].join(" ");
"""


def test_a_curve_is_switched_off_by_its_name_and_read_off_by_the_pointer(page, tmp_path):
    assert browse(tmp_path, page, SWITCH) == ("true false true mlp, epoch 5", [])


def test_heads_can_be_reached_by_the_keyboard(page, tmp_path):
    script = """
    const buttons = [...document.querySelectorAll("th button")];
    buttons[1].focus();
    document.title = [document.activeElement === buttons[1], buttons[1].tabIndex].join(" ");
    """
    assert browse(tmp_path, page, script) == ("true 0", [])


def test_a_figure_is_saved_as_a_file_that_stands_alone(page, tmp_path):
    script = """
    URL.createObjectURL = (blob) => { blob.text().then((text) => {
      const read = new DOMParser().parseFromString(text, "image/svg+xml");
      document.title = [read.documentElement.tagName, read.querySelector("parsererror")].join(" ");
    }); return "data:,"; };
    HTMLAnchorElement.prototype.click = () => {};
    document.querySelector("button.svg").click();
    """
    assert browse(tmp_path, page, script) == ("svg ", [])


def big() -> StudyResult:
    """16 arms x 30 rounds of 25 epochs, 48 candidates each."""
    levels = [f"network-no-{i:03}" for i in range(8)]
    space = {
        "optimizer.lr": [1e-5, 1e-3, 1e-1],
        "net.hidden": [50, 100, 200, 300],
        "loss.weight": [0.25, 0.5, 0.75, 1.0],
    }
    study = declared(levels, rounds=30, epochs=25, space=space, reported={})
    curves = {
        f"{side}_{kind}": [0.1 + 0.7 / (e + 1.234567) for e in range(25)]
        for side in ("train", "test")
        for kind in ("loss", "accuracy")
    }
    rows = [
        row(r.arm, "final", 2, r.round, r.metrics["accuracy"], curves=curves)
        for r in final_rows(study, 30)
    ]
    settings = [
        {"optimizer.lr": a, "net.hidden": b, "loss.weight": c}
        for a in space["optimizer.lr"]
        for b in space["net.hidden"]
        for c in space["loss.weight"]
    ]
    rows += [
        row(arm.name, "search", i, -1, 0.5 + i / 123, setting=setting)
        for arm in study.all_arms
        for i, setting in enumerate(settings)
    ]
    return StudyResult(study, rows)


NARROW = """<!DOCTYPE html><title></title>
<script>addEventListener("message", (event) => { document.title = event.data; })</script>
<iframe src="inner.html" width="360" height="800" style="border: 0"></iframe>"""


def test_the_largest_page_is_small_and_does_not_scroll_sideways_on_a_phone(tmp_path):
    page = render_page(big())
    assert len(page.encode()) < 2_000_000
    tell = "parent.postMessage(innerWidth - document.documentElement.scrollWidth >= 0, '*')"
    inner = f"{page}<script>{tell}</script>"
    (tmp_path / "inner.html").write_text(inner, encoding="utf-8")
    assert browse(tmp_path, NARROW) == ("true", [])


@pytest.mark.parametrize(
    "found",
    [StudyResult(declared(), []), made(without_search(), rounds=1, search=False)],
    ids=["nothing yet", "one round"],
)
def test_a_study_with_little_to_show_renders_too(found, tmp_path):
    assert browse(tmp_path, render_page(found)) == ("toy: results", [])
