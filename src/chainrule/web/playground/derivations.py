"""The pages that derive the layers' gradients, as parts of a page: their formulas are MathML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

__all__ = ["find_derivation", "render_derivation"]

HOMES = (
    Path(__file__).parents[1] / "derivations",  # in a wheel
    Path(__file__).parents[4] / "docs" / "derivations",  # in a checkout
)

HEADING_SHIFT = 2
"""The page stands in a dialog, whose own headings are of the second order."""


def find_derivation(name: str) -> Path | None:
    """The file of a page; None where there is none of that name."""
    for home in HOMES:
        if (path := home / f"{name}.md") in home.glob("*.md"):
            return path
    return None


def render_derivation(text: str) -> str:
    """A page in Markdown as HTML that needs no script and no style of its own; links are text.

    Where what sets the formulas is not installed, the page as it is written, and a line above it.
    """
    try:
        markdown = make_markdown()
    except ImportError as error:
        missing = f"{error.name} is missing: with pip install 'chainrule[app]' formulas are set."
        return f'<p class="note">{escape(missing)}</p><pre class="text">{escape(text)}</pre>'
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADING_SHIFT)}"
        for inner in token.children or ():
            if inner.type in ("link_open", "link_close"):
                inner.tag, inner.attrs = "span", {}
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def make_markdown() -> MarkdownIt:
    """What reads a page, formulas between dollars too. Raises ImportError without the extra app."""
    from latex2mathml.converter import convert
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def set_formula(latex: str, options: Mapping[str, Any]) -> str:
        return str(convert(latex, display="block" if options["display_mode"] else "inline"))

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return markdown.use(dollarmath_plugin, renderer=set_formula, double_inline=True)
