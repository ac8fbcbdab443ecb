"""The tables of a page, which lie between markers that name the command that makes them."""

from __future__ import annotations

import re

from benchmarks.rows import Measured, markdown, rows_table
from benchmarks.targets import targets_table

__all__ = ["fill", "sections"]


def sections(measured: Measured) -> dict[str, str]:
    """Name of a marker → what stands there."""
    about = f"{measured.date}, at commit {measured.commit}, as one run. {measured.machine}"
    return {
        "targets": markdown(targets_table(measured.rows)),
        "rows": f"{about}\n\n{markdown(rows_table(measured.rows))}",
    }


def fill(page: str, measured: Measured) -> str:
    """The page with its tables anew. Raises ValueError where it lacks a marker."""
    for name, table in sections(measured).items():
        pattern = re.compile(f"(<!-- begin {name}:[^>]*-->).*?(<!-- end {name} -->)", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"the page has no <!-- begin {name}: … --> with its end")
        page = pattern.sub(lambda found, t=table: f"{found[1]}\n\n{t}\n\n{found[2]}", page)
    return page
