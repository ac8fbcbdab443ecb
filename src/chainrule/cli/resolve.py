"""From what was typed to the study, or the store, that is meant."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chainrule._util.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainrule.study import Store, Study, StudyResult

__all__ = [
    "RUNS",
    "echo_err",
    "open_read_only",
    "result_at",
    "store_of",
    "study_of",
]

RUNS = Path("runs")
"""Where stores, figures and pages go unless told."""


def echo_err(text: str) -> None:
    """Say something beside the result: on stderr."""
    typer.echo(text, err=True)


def study_of(given: str) -> Study:
    """A study by its built-in name, its TOML file, or file.py:NAME or package.module:NAME.

    Raises StudyError for what is none, OSError where a file cannot be read.
    """
    from chainrule.recipes.importing import add_import_path
    from chainrule.study import Study, StudyError
    from chainrule.study.builtin import NAMES, find

    if given in NAMES:
        return find(given)
    if given.endswith(".toml"):
        add_import_path(
            Path(given).resolve().parent, Path.cwd()
        )  # it may name functions of one's own
        return Study.load(given)
    if ":" in given:
        return _in_python(given)
    known = f"built-in studies: {', '.join(NAMES)}; or a file that ends in .toml"
    raise StudyError(f"no study {given!r}; {did_you_mean(given, NAMES)}{known}")


def _in_python(given: str) -> Study:
    from chainrule.recipes.importing import import_user_module
    from chainrule.study import Study, StudyError

    source, _, name = given.rpartition(":")
    module = import_module(import_user_module(given).rpartition(":")[0])
    found = getattr(module, name, None)
    if not isinstance(found, Study):
        there = [key for key, value in vars(module).items() if isinstance(value, Study)]
        listed = ", ".join(there) or "none"
        raise StudyError(f"{given}: {name!r} is no Study in {source}; there are: {listed}")
    return found


def store_of(run: str) -> str:
    """The path or URL of the store that RUN names. Raises OSError, which lists those there are."""
    if "://" in run:
        return run
    if run.endswith(".toml"):
        run = study_of(run).name
    for path in (Path(run), RUNS / f"{run}.sqlite"):
        if path.is_file():
            return str(path)
    there = sorted(path.stem for path in RUNS.glob("*.sqlite"))
    raise FileNotFoundError(
        f"no run {run!r}: neither {run} nor {RUNS / f'{run}.sqlite'} is a file; "
        f"{did_you_mean(run, there)}runs here: {', '.join(there) or 'none'}"
    )


@contextmanager
def open_read_only(run: str) -> Iterator[Store]:
    """The store that RUN names, open to be read."""
    from chainrule.study import open_store

    with open_store(store_of(run), read_only=True) as store:
        yield store


def result_at(run: str, number: int | None = None) -> StudyResult:
    """The newest study of a store, or the one of this number; the others are listed on stderr.

    Raises StudyError where there is none.
    """
    from chainrule.study import StudyError, result_of

    with open_read_only(run) as store:
        records = {record.id: record for record in store.studies()}
        listed = "; ".join(f"{r.id}: {r.name}, begun {r.created}" for r in records.values())
        wanted = max(records, default=0) if number is None else number
        if wanted not in records:
            raise StudyError(f"{run}: no study {wanted or ''} in it; studies: {listed or 'none'}")
        if len(records) > 1:
            echo_err(
                f"study {wanted} of {len(records)} in this store ({listed}); choose by --study"
            )
        return result_of(store, wanted)
