"""From what was typed to the study, the store or the result that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule._util.suggest import did_you_mean
from chainrule.cli.output import echo_err
from chainrule.cli.overrides import parse_assignments

if TYPE_CHECKING:
    from chainrule.study import Study, StudyResult

__all__ = ["RUNS", "find_study", "resolve_result", "resolve_store", "resolve_study"]

RUNS = Path("runs")
"""Where stores, figures and pages go unless told."""


def resolve_study(
    name: str,
    *,
    quick: bool = False,
    data: Sequence[str] | None = None,
    csv: Path | None = None,
    target: str | None = None,
    **changes: Any,
) -> Study:
    """The study of this name, or its small form, with what the command line says differently.

    Of a table of the user's own, stderr says what becomes of each column. Raises
    typer.BadParameter for a wrong call, StudyError for what does not fit the study, DataError or
    OSError for a file that cannot be used.
    """
    from chainrule.study.spec.own_code import pin_sources

    study = find_study(name)
    study = (study.quick_form() if quick else study).with_overrides(**changes)
    if data:
        study = study.with_overrides(data=parse_assignments(data))
    if csv is None and target is None:
        return pin_sources(study)
    if csv is None or target is None:
        raise typer.BadParameter("--csv FILE and --target COLUMN go together")
    from chainrule.study.spec.csv_data import use_csv_table

    study, notes = use_csv_table(study, csv, target)
    echo_err("\n  ".join(notes))
    return pin_sources(study)


def find_study(name: str) -> Study:
    """A study by its built-in name, its TOML file, or file.py:NAME or package.module:NAME.

    Raises StudyError for what is none, OSError where a file cannot be read.
    """
    from chainrule.recipes.importing import add_import_path
    from chainrule.study import Study, StudyError
    from chainrule.study.builtin import NAMES, load_builtin

    if name in NAMES:
        return load_builtin(name)
    if name.endswith(".toml"):
        add_import_path(Path(name).resolve().parent, Path.cwd())  # it may name functions there
        return Study.load(name)
    if ":" in name:
        return _import_study(name)
    known = f"built-in studies: {', '.join(NAMES)}; or a file that ends in .toml"
    raise StudyError(f"no study {name!r}; {did_you_mean(name, NAMES)}{known}")


def _import_study(path: str) -> Study:
    """The study of file.py:NAME or package.module:NAME."""
    from chainrule.recipes.importing import import_user_module
    from chainrule.study import Study, StudyError

    source, _, name = path.rpartition(":")
    module = import_module(import_user_module(path).rpartition(":")[0])
    study = getattr(module, name, None)
    if not isinstance(study, Study):
        there = [key for key, value in vars(module).items() if isinstance(value, Study)]
        listed = ", ".join(there) or "none"
        raise StudyError(f"{path}: {name!r} is no Study in {source}; there are: {listed}")
    return study


def resolve_store(run: str) -> str:
    """The path or URL of the store that RUN names. Raises OSError, which lists those there are."""
    if "://" in run:
        return run
    if run.endswith(".toml"):
        run = find_study(run).name
    for path in (Path(run), RUNS / f"{run}.sqlite"):
        if path.is_file():
            return str(path)
    there = sorted(path.stem for path in RUNS.glob("*.sqlite"))
    raise FileNotFoundError(
        f"no run {run!r}: neither {run} nor {RUNS / f'{run}.sqlite'} is a file; "
        f"{did_you_mean(run, there)}runs here: {', '.join(there) or 'none'}"
    )


def resolve_result(run: str, number: int | None = None) -> StudyResult:
    """The newest study of a store, or the one of this number; the others are listed on stderr.

    Raises StudyError where there is none.
    """
    from chainrule.study import StudyError, load_result, open_store

    with open_store(resolve_store(run), read_only=True) as store:
        records = {record.id: record for record in store.studies()}
        listed = "; ".join(f"{r.id}: {r.name}, begun {r.created}" for r in records.values())
        wanted = max(records, default=0) if number is None else number
        if wanted not in records:
            raise StudyError(f"{run}: no study {wanted or ''} in it; studies: {listed or 'none'}")
        if len(records) > 1:
            echo_err(
                f"study {wanted} of {len(records)} in this store ({listed}); choose by --study"
            )
        return load_result(store, wanted)
