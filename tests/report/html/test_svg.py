"""A figure as SVG that can stand in a page."""

from __future__ import annotations

import re

from matplotlib.figure import Figure

from chainrule.report.html.svg import inline_svg
from tests.report.html.reader import Reader


def figure() -> Figure:
    made_here = Figure()
    made_here.subplots().plot([1, 2], label="a")
    made_here.text(0.5, 0.5, ' id="x" <b> fill: #000000')
    return made_here


def test_a_figure_is_the_same_bytes_each_time():
    assert inline_svg(figure(), "a", "b") == inline_svg(figure(), "a", "b")


def test_the_ids_of_two_figures_differ():
    one, other = (set(Reader(inline_svg(figure(), name, "b")).ids) for name in "ac")
    assert one
    assert not one & other


def test_what_is_referred_to_is_there():
    svg = inline_svg(figure(), "a", "b")
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    assert used
    assert used <= set(re.findall(r' id="([^"]+)"', svg))


def test_black_is_the_colour_of_the_page_and_text_stays_text():
    svg = inline_svg(figure(), "a", "b")
    assert "currentColor" in svg
    assert ' id="x" &lt;b&gt; fill: #000000</text>' in svg


def test_the_label_is_escaped():
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in inline_svg(figure(), "a", 'a "b" <c>')
