"""The targets, and the tables of a page that are made of a file of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.cases import CASES
from benchmarks.measuring import DifferenceError
from benchmarks.pages import fill
from benchmarks.rows import Measured, Row, read, write
from benchmarks.targets import TARGETS, targets_table

from benchmarks import cli

WIDE = Row("wide", 1, "PyTorch eager, one thread", 2.5, 2.0, 3.0, 31.0, 77.5, 3.1, 0.6, 1, 2, 5)
LOOP = replace(WIDE, peer="PyTorch eager, default threads", ratio=1.7, low=1.6, high=1.9)
PAGE = """a
<!-- begin targets: x -->
<!-- end targets -->
<!-- begin rows: x -->
old
<!-- end rows -->
b"""
ROOT = Path(__file__).parents[2]


def found(rows, case, against):
    return next(line[2:] for line in targets_table(rows) if line[:2] == (case, against))


def test_the_peer_that_comes_closest_counts():
    assert found([WIDE], "`wide`", "PyTorch eager") == ("2.50 x", "2.00–3.00", "1.8 x", "reached")
    assert found([WIDE, LOOP], "`wide`", "PyTorch eager")[::3] == ("1.70 x", "missed")


def test_a_share_of_the_ceiling_is_no_ratio():
    assert found([WIDE], "`wide`", "the fastest product") == ("60%", "–", "75%", "missed")


def test_what_was_not_measured_is_told():
    assert found([WIDE], "`disk`, K = 1", "JAX jit + scan")[-1] == "not measured"
    assert found([], "`wide`", "the fastest product")[-1] == "not measured"


def test_each_target_is_named_once():
    names = [(target.case, target.against) for target in TARGETS]
    assert len({*names}) == len(names)


def test_a_page_is_filled_between_its_markers():
    measured = Measured("a machine.", "1234567", "2026-11-29", [WIDE])
    page = fill(PAGE, measured)
    assert page.startswith("a\n<!-- begin targets: x -->\n\n| case |")
    assert "2026-11-29, at commit 1234567, as one run. a machine." in page
    assert "old" not in page
    assert fill(page, measured) == page
    with pytest.raises(ValueError, match="the page has no <!-- begin targets"):
        fill("a page", measured)


def test_the_tables_of_the_page_are_those_of_its_file():
    page, rows = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.json"
    if not rows.exists():
        pytest.skip("nothing is measured yet")
    shown = page.read_text(encoding="utf-8")
    assert fill(shown, read(rows)) == shown


def test_table_prints_or_writes(tmp_path, capsys):
    rows, page = tmp_path / "rows.json", tmp_path / "page.md"
    write(Measured("a machine.", "1234567", "2026-11-29", [WIDE]), rows)
    assert cli.main(["table", str(rows)]) == 0
    assert "| wide | 1 |" in capsys.readouterr().out
    page.write_text(PAGE, encoding="utf-8")
    assert cli.main(["table", str(rows), "--page", str(page)]) == 0
    assert "| wide | 1 |" in page.read_text(encoding="utf-8")


def test_of_all_cases_those_after_a_failure_are_run(monkeypatch, tmp_path, capsys):
    def fail(options):
        raise DifferenceError("a peer computes something else")

    for name in CASES:
        monkeypatch.setitem(CASES, name, SimpleNamespace(run=lambda options: [WIDE]))
    monkeypatch.setitem(CASES, "disk", SimpleNamespace(run=fail))
    assert cli.main(["all", "--json", str(tmp_path / "rows.json")]) == 1
    shown = capsys.readouterr()
    assert "benchmarks disk: a peer computes something else" in shown.err
    assert "2.50 x" in shown.out
    assert len(read(tmp_path / "rows.json").rows) == len(CASES) - 3  # without scaling and engines
    assert cli.main(["disk"]) == 1
