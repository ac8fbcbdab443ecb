"""The derivations in the page: formulas are set, and nothing in them needs a script or a style."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

import pytest

from chainrule.web.playground.derivations import find_derivation, render_derivation
from chainrule.web.playground.glass import DERIVATIONS

PAGES = sorted(Path(__file__).parents[3].glob("docs/derivations/*.md"))


@pytest.fixture
def converter():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("mdit_py_plugins")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_formula_of_every_page_is_set(converter, page):
    text = page.read_text(encoding="utf-8")
    html = render_derivation(text)
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    without_code = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)
    shown = unescape(re.sub(r"<[^>]*>", "", without_code))
    assert html.count("<math") == len(re.findall(r"\$\$.*?\$\$|\$[^$]+\$", prose, re.DOTALL))
    assert not re.findall(r"\\[a-zA-Z]+|\$", shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_allowed_by_the_policy_and_its_links_lead_nowhere(converter, page):
    html = render_derivation(page.read_text(encoding="utf-8"))
    assert not re.search(r"<script|\son\w+=|\sstyle=|href=|<h[12]\b", html)


def test_html_in_a_page_is_text(converter):
    assert "<b>" not in render_derivation("one <b>bold</b> word")


def test_where_nothing_sets_formulas_the_page_stands_as_it_is_written(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    html = render_derivation("# A page\n\n$x < y$")
    assert "with pip install &#x27;chainrule[app]&#x27; formulas are set" in html
    assert "$x &lt; y$" in html


def test_every_layer_that_is_offered_has_its_page():
    assert all(find_derivation(name) for name in {*DERIVATIONS.values(), "activations"})
