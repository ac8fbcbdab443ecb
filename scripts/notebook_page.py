"""A notebook as a page of the site: its text, its code, and what each cell has put out."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import nbformat

__all__ = ["render_notebook"]


def render_notebook(path: Path) -> str:
    """The page as Markdown; images are within it. Raises ValueError for a cell that failed."""
    notebook = nbformat.read(path, as_version=4)
    return "\n\n".join(part for cell in notebook.cells for part in render_cell(cell)) + "\n"


def render_cell(cell: Any) -> list[str]:
    """The parts of a cell."""
    if cell.cell_type != "code":
        return [cell.source]
    shown = [render_output(output, cell.source) for output in cell.outputs]
    return [f"```python\n{cell.source}\n```", *filter(None, shown)]


def render_output(output: Any, source: str) -> str:
    """What a cell has put out, in the richest of its forms; "" for nothing."""
    if output.output_type == "error":
        raise ValueError(f"a cell of the notebook failed: {output.ename}: {output.evalue}")
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    data: Mapping[str, Any] = output.data
    if image := data.get("image/png"):
        made_by = escape(source.strip().splitlines()[-1], quote=True)
        image = "".join(image.split())
        return f'<img alt="{made_by}" src="data:image/png;base64,{image}">'
    if html := data.get("text/html"):
        return f'<div class="output">{html}</div>'
    return f"```text\n{data['text/plain']}\n```" if "text/plain" in data else ""
