"""The notebook of the site, and what a notebook shows of our objects: once, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from scripts.notebook_page import render_notebook

from tests.test_docs import same

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def run_cells(sources, folder):
    """The outputs of each cell, of a new kernel."""
    client = pytest.importorskip("nbclient").NotebookClient
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(folder)}}
    client(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    return [cell.outputs for cell in cells]


def code_cells():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(outputs):
    """What each output has; a line of progress that is gone leaves one that has nothing."""
    found = [sorted(output.get("data", {"stream": output.get("text")})) for output in outputs]
    return [kind for kind in found if kind]


def test_it_was_run_from_top_to_bottom():
    cells = code_cells()
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert {output.output_type for cell in cells for output in cell.outputs} <= {
        "display_data",
        "execute_result",
    }


def test_its_page_has_code_tables_and_images():
    page = render_notebook(NOTEBOOK)
    cells = code_cells()
    assert page.count("```python\n") == len(cells)
    images = [kind for cell in cells for kind in kinds(cell.outputs) if "image/png" in kind]
    assert page.count('src="data:image/png;base64,') == len(images) > 0
    assert "<table>" in page


def test_a_page_says_where_a_cell_failed(tmp_path):
    error = nbformat.v4.new_output("error", ename="NameError", evalue="no x", traceback=[])
    stream = nbformat.v4.new_output("stream", text="said\n")
    for output, shown in ((stream, "```text\nsaid\n```"), (error, None)):
        cell = nbformat.v4.new_code_cell("x", outputs=[output])
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
        if shown:
            assert shown in render_notebook(tmp_path / "one.ipynb")
        else:
            with pytest.raises(ValueError, match="a cell of the notebook failed: NameError: no x"):
                render_notebook(tmp_path / "one.ipynb")


@pytest.mark.slow
def test_its_cells_give_what_it_shows(tmp_path):
    cells = code_cells()
    for cell, outputs in zip(cells, run_cells([c.source for c in cells], tmp_path), strict=True):
        assert kinds(outputs) == kinds(cell.outputs), cell.source
        kept = [output for output in outputs if output.data]
        for now, shown in zip(kept, cell.outputs, strict=True):
            assert same(now.data["text/plain"], shown.data["text/plain"]), cell.source


NET = """
from chainrule import nn, report, data
net = nn.Linear(2, 2).initialize(0)
"""

CELLS = {
    "report.plane(net)": [["image/png", "text/plain"]],
    "figure, axes = report.plane(net)": [],
    "figure": [["image/png", "text/plain"]],
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nreport.plane(net, ax=ax)": [
        ["image/png", "text/plain"]
    ],
    "report.activations(['ReLU'])": [["image/png", "text/plain"]],
    "report.plane(net);": [],
    "net": [["text/html", "text/plain"]],
}


@pytest.mark.slow
def test_a_figure_is_shown_once(tmp_path):
    _, *found = run_cells([NET, *CELLS], tmp_path)
    assert dict(zip(CELLS, map(kinds, found), strict=True)) == CELLS
