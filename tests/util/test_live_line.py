"""A line that changes in its place: in a notebook, on a terminal, nowhere."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from chainrule import nn, optim
from chainrule._util import live_line
from chainrule._util.live_line import LiveLine, find_screen, in_notebook
from chainrule.data import disk
from chainrule.study import Study, run
from chainrule.train import fit
from tests.cli.conftest import TINY


@pytest.fixture
def cell(monkeypatch):
    """What was shown below a notebook's cell, one text after the other in the same place."""
    shown = []

    def display(data, *, raw, display_id):
        assert raw
        assert display_id
        shown.append(data.get("text/plain", ""))
        return SimpleNamespace(update=lambda data, raw: shown.append(data.get("text/plain", "")))

    ipython, module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=True)
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(live_line, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(live_line, "MIN_SECONDS", 0.0)
    return shown


def test_nobody_looks():
    assert not in_notebook()
    assert find_screen() is None
    line = LiveLine(None)
    line.update("a")
    line.close()


def test_a_shell_without_a_kernel_is_no_notebook(cell, monkeypatch):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    assert not in_notebook()


def test_a_cell_has_one_line_which_is_gone_at_the_end(cell):
    line = LiveLine(find_screen())
    line.update("one")
    line.update("two")
    line.close()
    assert cell == ["one", "two", ""]


def test_what_comes_too_soon_is_left_out(cell, monkeypatch):
    monkeypatch.setattr(live_line, "MIN_SECONDS", 60.0)
    line = LiveLine(find_screen())
    line.update("one")
    line.update("two")
    assert cell == ["one"]


def test_what_is_over_soon_says_nothing(cell, monkeypatch):
    monkeypatch.setattr(live_line, "FIRST_SECONDS", 60.0)
    line = LiveLine(find_screen())
    line.update("one")
    line.close()
    assert cell == []


def test_a_line_that_showed_nothing_takes_nothing_away(cell):
    LiveLine(find_screen()).close()
    assert cell == []


def test_a_training_says_in_a_notebook_how_far_it_is(cell):
    net = nn.Linear(2, 2).initialize(0)
    options = {"criterion": nn.CrossEntropyLoss(), "optimizer": optim.SGD(net, lr=0.1)}
    fit(net, disk(20), disk(20, seed=1), epochs=2, **options)
    assert cell[0].startswith("training: epoch 2/2, loss 0.")  # both in one call of the kernel
    assert cell[1:] == [""]
    fit(net, disk(20), epochs=1, progress=False, **options)
    assert cell[2:] == []


def test_a_run_says_in_a_notebook_how_far_it_is(cell):
    study = Study.from_toml(TINY).quick_form()
    run(study)
    assert cell[0].startswith(f"{study.name}: 0 of ")
    assert any("s left" in text for text in cell)
    assert cell[-1] == ""
    cell.clear()
    run(study, on_progress=lambda _: None)
    assert cell == []


def test_a_run_says_on_a_terminal_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(live_line, "FIRST_SECONDS", 0.0)
    run(Study.from_toml(TINY).quick_form())
    shown = capsys.readouterr().err
    assert " of " in shown
    assert shown.endswith("\r\x1b[K")
