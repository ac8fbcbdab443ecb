"""A figure as SVG that can stand in a page: same bytes each time, its colours those of the page."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["COLORS", "inline_svg"]

COLORS = {
    "#000000": "currentColor",
    "#ffffff": "var(--back, #ffffff)",
    "#0072b2": "var(--blue, #0072b2)",  # too dark for a dark page
    "#56b4e9": "var(--sky, #56b4e9)",  # which the lighter blue would be too near to
}
"""Colour of a figure → what it is in a page, and in a file of its own."""


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """An ``<svg>`` element that a page can hold beside others.

    ``name`` begins its ids, which no other figure of the page may have; ``label`` is read aloud.
    Some colours become those of the page: see ``COLORS``.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "path.simplify": True}):
        # savefig would draw all of it twice, the first time unseen
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_facecolor("none")
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(text, metadata={"Date": None})
    body = re.search(r"<svg.*</svg>", text.getvalue(), re.DOTALL)
    if body is None:
        raise ValueError(f"figure {name}: matplotlib wrote no SVG")
    return _replace_head(_clean_body(body.group(), name), label)


def _clean_body(svg: str, name: str) -> str:
    """Without comments and metadata, and each tag in the page's colours with ids of its own."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    # Within tags alone: what stands between them is text, such as the name of an arm.
    svg = re.sub(r"<[^<>]*>", lambda tag: _rewrite_tag(tag.group(), name, used), svg)
    return re.sub(r">\s+<", ">\n<", svg.replace("<g/>", ""))


def _rewrite_tag(tag: str, name: str, used: set[str]) -> str:
    tag = re.sub(r' id="([^"]+)"', lambda m: m.group() if m.group(1) in used else "", tag)
    tag = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", tag)
    for color, in_page in COLORS.items():
        tag = tag.replace(f": {color}", f": {in_page}")
    tag = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tag)
    tag = re.sub(r"'DejaVu Sans'[^;\"]*", "sans-serif", " ".join(tag.split()))
    return re.sub(r"(\d\.\d\d)\d+", r"\1", tag)  # 0.01 points are too small to see


def _replace_head(svg: str, label: str) -> str:
    """With a role and a label; as wide as the page lets it be."""
    head, _, rest = svg.partition(">")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    width, height = (float(x) * 4 / 3 for x in box.groups()) if box else (800.0, 400.0)
    attributes = (
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{" ".join(["0 0", *(box.groups() if box else ())])}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(label)}"'
    )
    return f"<svg {attributes}>{rest}"
