"""Where the rows of studies are kept: one SQLite file, or a database behind a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chainrule._util.argument_checks import check_arguments
from chainrule._util.lazy_names import import_when_used

if TYPE_CHECKING:
    from chainrule.study.store.base import Store, StoreError, StudyRecord
else:
    __getattr__, __dir__ = import_when_used(__name__, {".base": "Store StoreError StudyRecord"})

__all__ = ["Store", "StoreError", "StudyRecord", "open_store"]


@check_arguments
def open_store(where: str | Path, *, read_only: bool = False, create: bool = True) -> Store:
    """The store at a path, in memory (``":memory:"``) or behind a URL (``postgresql://…``).

    A new one is made where there is none, if ``create``, with the first that is written. A viewer
    opens ``read_only``: it never holds up who writes, and nothing is made.

    Raises StoreError for what is no store, a damaged one or a newer format, OSError naming the
    place where it cannot be reached, ImportError where a URL needs a package that is missing.
    """
    if isinstance(where, str) and "://" in where:
        from chainrule.study.store.sql import SqlStore

        return SqlStore(where, read_only=read_only, create=create)
    from chainrule.study.store.sqlite import SqliteStore

    return SqliteStore(where, read_only=read_only, create=create)
