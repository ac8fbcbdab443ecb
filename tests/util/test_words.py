"""Numbers with what they count, in every message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import chainrule
from chainrule._util.words import count_noun

SOURCES = sorted(Path(chainrule.__file__).parent.rglob("*.py"))
PLURAL = re.compile(r" (?!in |is\b|as\b|has\b|was\b|axes\b)([a-z]+ )?[a-z]{2,}s\b")


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_345, "12,345 rows")]
)
def test_one_thing_is_no_plural(n, said):
    assert count_noun(n, "row") == said


@pytest.mark.parametrize("noun", ["batch", "class", "search", "box"])
def test_a_noun_that_hisses_has_a_longer_plural(noun):
    assert count_noun(3, noun) == f"3 {noun}es"
    assert count_noun(3, "epoch") == "3 epochs"


def plurals_by_hand(source: Path) -> Iterator[str]:
    """``{len(rows)} rows`` of an f-string, which says 1 rows of one."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for value, text in pairwise(parts):
            if (
                isinstance(value, ast.FormattedValue)
                and isinstance(text, ast.Constant)
                and ast.unparse(value.value).startswith("len(")
                and PLURAL.match(str(text.value))
            ):
                yield f"{source}:{node.lineno}: {ast.unparse(value.value)}{text.value}"


def test_no_length_stands_before_a_plural_that_is_written_by_hand():
    assert not [found for source in SOURCES for found in plurals_by_hand(source)]


def test_one_that_does_is_found(tmp_path):
    (tmp_path / "one.py").write_text('def f(x):\n    return f"{len(x)} rows of {len(x)} is"\n')
    assert len([*plurals_by_hand(tmp_path / "one.py")]) == 1
