"""Ctrl-C at any line while rows are kept: the same rows can be kept again, and all are there."""

from __future__ import annotations

import contextlib
import inspect
import sys
from itertools import count
from pathlib import Path
from types import FrameType

import pytest

from chainrule.study import open_store
from chainrule.study.store import sql, sqlite
from tests.study.store.rows import DECLARATION, PROVENANCE, row, text

WATCHED = {inspect.getfile(module) for module in (sql, sqlite, contextlib)}


class InterruptAt:
    """In here the n-th line of the store's own files, from 0, is not run: Ctrl-C came before it."""

    def __init__(self, n: int) -> None:
        self.left = n

    def _trace(self, frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            self.left -= 1
            if self.left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._trace

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)


def keep(store, *rounds: int) -> int:
    """The number of the study that has the rows by now."""
    study = store.open_study("pairs", "abc", DECLARATION, PROVENANCE, [row(0)]).id
    store.add(study, [row(r) for r in rounds])
    return study


@pytest.mark.parametrize(
    "prefix", ["", pytest.param("sqlite+pysqlite:///", marks=pytest.mark.slow)], ids=["path", "url"]
)
def test_at_any_line_it_leaves_the_store_whole_and_open(tmp_path: Path, prefix: str) -> None:
    for n in count():
        where = f"{prefix}{tmp_path / str(n)}.sqlite"
        with open_store(where) as store:
            try:
                with InterruptAt(n):
                    keep(store, 1)
                break
            except KeyboardInterrupt:  # while it is dealt with
                study = keep(store, 1)
                assert len(text(store.rows(study))) == 2
        with open_store(where, read_only=True) as store:
            assert len(text(store.rows(study))) == 2
    assert n > 20
