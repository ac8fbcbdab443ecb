"""From what was typed to the study, the store or the result that is meant."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chainrule._util.suggest import did_you_mean
from chainrule.cli.output import echo_err
from chainrule.cli.overrides import parse_assignments

if TYPE_CHECKING:
    from chainrule.study import DatasetsResult, Study, StudyResult
    from chainrule.study.execution.executors import Engine
    from chainrule.study.store import StudyRecord

__all__ = [
    "RUNS",
    "announce_columns",
    "choose_record",
    "find_study",
    "list_records",
    "name_run",
    "require_one_dataset",
    "resolve_any_result",
    "resolve_files",
    "resolve_result",
    "resolve_store",
    "resolve_study",
    "split_study",
    "trust_modules",
    "try_arms",
]

RUNS = Path("runs")
"""Where stores, figures and pages go unless told."""


def resolve_study(
    name: str,
    *,
    quick: bool = False,
    data: Sequence[str] | None = None,
    csv: Path | None = None,
    target: str | None = None,
    table: Mapping[str, Any] | None = None,
    read_files: bool = True,
    **changes: Any,
) -> Study:
    """The study of this name, or its small form, with what the command line says differently.

    ``table``: how a CSV file is written and taken, see :func:`chainrule.cli.options.table_options`.
    Without ``read_files`` those that a declaration names are not looked at.

    Of a table of the user's own, stderr says what becomes of each column. Raises
    typer.BadParameter for a wrong call, StudyError for what does not fit the study, DataError or
    OSError for a file that cannot be used.
    """
    study = find_study(name)
    study = (study.quick_form() if quick else study).with_overrides(**changes)
    if arguments := parse_assignments(data) | dict(table or {}):
        study = study.with_overrides(**assign_data(study, arguments))
    if csv is None and target is None:
        if not read_files:
            return study
        announce_columns(study)
        return resolve_files(study)
    if csv is None or target is None:
        raise typer.BadParameter("--csv FILE and --target COLUMN go together")
    from chainrule.study.spec.own_files.csv_data import use_csv_table

    study, notes = use_csv_table(study, csv, target)
    echo_err("\n  ".join(notes))
    return resolve_files(study)


def announce_columns(study: Study) -> None:
    """Say what becomes of the columns of each CSV file that a study declares.

    Raises DataError or OSError where one cannot be read.
    """
    each = study.datasets.values() if study.datasets else [study.data.model_dump()]
    named = [given for given in each if given["name"] == "table" and "csv" in given]
    if named:
        from chainrule.study.spec.own_files.csv_data import describe_columns
        from chainrule.study.spec.sections import Data

        for given in named:
            echo_err("\n  ".join(describe_columns(Data.model_validate(given))))


def assign_data(study: Study, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What ``train=500`` changes: of several data sets each; ``iris.train=500`` that one alone."""
    of_all: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    for name, value in arguments.items():
        dataset, dot, argument = name.partition(".")
        if dot and dataset in study.datasets:
            own.setdefault(dataset, {})[argument] = value
        else:
            of_all[name] = value
    return {"data": of_all, **({"datasets": own} if own else {})}


def split_study(study: Study, *, read_files: bool = True) -> list[Study]:
    """The study over each data set alone; of a study over one data set itself.

    Without ``read_files`` as it is declared: nets have not the sizes of the samples.
    """
    if not study.datasets:
        return [study]
    if not read_files:
        from chainrule.study.spec.dataset_parts import declare_datasets

        return [*declare_datasets(study).values()]
    from chainrule.study.spec.datasets import split_datasets

    return [*split_datasets(study).values()]


def resolve_files(study: Study) -> Study:
    """The study with what its files say: the sizes of its nets, the digests of the user's code.

    Raises DataError or OSError where its CSV file cannot be read.
    """
    from chainrule.study.spec.own_files.own_code import pin_sources

    if (
        not study.datasets
        and study.data.name == "table"
        and study.data.arguments.keys() & {"csv", "bundled"}
    ):
        from chainrule.study.spec.own_files.csv_data import fill_net_sizes

        study = fill_net_sizes(study)
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
    files = [path.name for path in Path.cwd().glob("*.toml")]
    known = f"built-in studies: {', '.join(NAMES)}; or a file that ends in .toml"
    hint = did_you_mean(name, [*NAMES, *files])
    raise StudyError(f"no study {name!r}; {hint}{known}, or file.py:NAME")


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


def trust_modules(names: Sequence[str] | None) -> list[str]:
    """The modules of --trust, which may lie in the current folder; ``mynets.py`` is ``mynets``."""
    from chainrule.recipes.importing import add_import_path

    if names:
        add_import_path(Path.cwd())
    return [name.removesuffix(".py") for name in names or ()]


def try_arms(study: Study, arms: str, name: str, engine: Engine | None = None) -> bool:
    """Train each arm for a moment; whether all can be trained: stderr says what fails of which.

    ``name``: what the study was asked for by; ``engine``: whose processes do it. Raises StudyError
    where none can.
    """
    from chainrule.study import StudyError
    from chainrule.study.execution.executors import SerialExecutor
    from chainrule.study.plan.dry_run import check_arms
    from chainrule.study.spec.components import ComponentProblems

    of = "" if study.part_of is None else f"data set {study.part_of.dataset}: "
    components = ComponentProblems(study.as_dict(), study.space, name)
    try:
        problems: list[str] = SerialExecutor().submit(check_arms, study, arms, engine).result()
    except StudyError as error:
        said = components.locate(str(error))
        raise StudyError("\n  ".join([of + said, *components.list_unsaid([said])])) from error
    for problem in problems:
        echo_err(f"chainrule: {of}{components.locate(problem)}", is_error=True)
    return not problems


def find_declaration(run: str) -> Study | None:
    """The study that RUN declares: a TOML file, a built-in one, file.py:NAME; else None."""
    from chainrule.study.builtin import NAMES

    is_study = run in NAMES or run.endswith(".toml") or (":" in run and "://" not in run)
    if not is_study or is_store(run):
        return None
    study = find_study(run)
    try:
        return resolve_files(study)
    except (OSError, ValueError):  # results are there without the file that they came of
        return study


def is_store(run: str) -> bool:
    """Whether RUN is the path of a file that is no declaration."""
    path = Path(run)
    return path.is_file() and path.suffix not in (".toml", ".py")


def resolve_store(run: str) -> str:
    """The path or URL of the store that RUN names. Raises OSError, which lists those there are."""
    if "://" in run:
        return run
    declared = find_declaration(run)
    name = run if declared is None else declared.name
    paths = [*([Path(run)] if is_store(run) else []), RUNS / f"{name}.sqlite"]
    for path in paths:
        if path.is_file():
            return str(path)
    there = sorted(path.stem for path in RUNS.glob("*.sqlite"))
    listed = f"{did_you_mean(name, there)}runs here: {', '.join(there) or 'none'}"
    if declared is not None:
        raise FileNotFoundError(
            f"{run} was not run here: no file {paths[-1]}; say its store where that is elsewhere; "
            + listed
        )
    is_file_name = run.endswith(".sqlite")
    where = f"{run} is no file" if is_file_name else f"neither {run} nor {paths[-1]} is a file"
    raise FileNotFoundError(f"no run {run!r}: {where}; {listed}")


def resolve_result(run: str, choice: str | None = None) -> StudyResult:
    """As :func:`resolve_any_result`, of one data set. Raises StudyError where RUN has several."""
    return require_one_dataset(run, resolve_any_result(run, choice))


def require_one_dataset(run: str, result: StudyResult | DatasetsResult) -> StudyResult:
    """The result, which is of one data set. Raises StudyError for one of several."""
    from chainrule.study import DatasetsResult, StudyError

    if isinstance(result, DatasetsResult):
        names = ", ".join(result.datasets)
        raise StudyError(f"{run} has several data sets: choose one of them by --study: {names}")
    return result


def resolve_any_result(run: str, choice: str | None = None) -> StudyResult | DatasetsResult:
    """The results that RUN names; what else there is in the store is listed on stderr.

    Of a study that is declared (a TOML file, a built-in one) those of this declaration; else, and
    of a store, those of the study that was run last and has results; or those of this number. Of a
    study over several data sets all, or those of the data set of this name. Raises StudyError where
    there are none.
    """
    from chainrule.study import load_datasets_result, load_result, open_store

    declared = find_declaration(run)
    number = int(choice) if choice is not None and choice.isdecimal() else None
    with open_store(resolve_store(run), read_only=True) as store:
        records = store.studies()
        if number is None and (digest := find_whole(records, run, declared)):
            whole = load_datasets_result(store, digest)
            return whole if choice is None else whole[choice]
        if choice is not None and number is None:
            raise typer.BadParameter(f"--study: {run} has no data sets; expected a number")
        record = choose_record(records, run, declared, number)
        with_rows = [other for other in records if other.trainings]
        if len(with_rows) > 1 and number is None:
            echo_err(
                f"study {record.id} of {len(with_rows)} in this store ({list_records(with_rows)}); "
                "choose by --study"
            )
        result = load_result(store, record.id)
    if declared is not None and number is None and result.study.digest != declared.digest:
        from chainrule.study.spec.changes import describe_changes

        changes = "; ".join(describe_changes(declared, result.study))
        echo_err(f"{run} was not run as it is declared now; this is the run with {changes}")
    return result


def find_whole(records: Sequence[StudyRecord], run: str, declared: Study | None) -> str:
    """The digest of the study over several data sets that is meant; "" where it is over one.

    Raises StudyError where one is declared that has no results.
    """
    from chainrule.study import StudyError
    from chainrule.study.results.datasets_result import list_parts

    parts = list_parts(records)
    if declared is None:
        chosen = choose_record(records, run, None, None)
        return next((of.digest for of, record in parts if record.id == chosen.id), "")
    if not declared.datasets:
        return ""
    digests = [of.digest for of, _ in parts if of.study == declared.name]
    if not digests:
        listed = list_records(records) or "none"
        raise StudyError(f"{run}: no results yet: chainrule run makes them; studies: {listed}")
    if declared.digest in digests:
        return declared.digest
    echo_err(f"{run} was not run as it is declared now; this is the last run of {declared.name}")
    return digests[-1]


def choose_record(
    records: Sequence[StudyRecord], run: str, declared: Study | None, number: int | None
) -> StudyRecord:
    """The study of a store that is meant. Raises StudyError, which says what there is."""
    from chainrule.study import StudyError
    from chainrule.study.results.summary import order_by_last_run

    found = [record for record in records if record.id == number]
    if number is None:
        with_rows = [record for record in records if record.trainings]
        of_declaration = [r for r in with_rows if declared and r.digest == declared.digest]
        found = of_declaration or order_by_last_run(with_rows)
    if not found:
        none_yet = "no results yet: chainrule run makes them"
        what = none_yet if number is None else f"no study {number} in it"
        raise StudyError(f"{run}: {what}; studies: {list_records(records) or 'none'}")
    return found[-1]


def list_records(records: Sequence[StudyRecord]) -> str:
    """``1: pairs, begun 2026-05-04T10:00:00+00:00; 2: …``"""
    return "; ".join(f"{r.id}: {r.name}, begun {r.created}" for r in records)


def name_run(where: str, study: Study) -> str:
    """The words after ``chainrule show`` that mean this study of this store, quoted for a shell."""
    from chainrule.study import open_store

    is_usual = Path(where) == RUNS / f"{study.name}.sqlite"
    is_other = is_store(study.name) or study.name.endswith(".toml")  # a file that has its name
    run = study.name if is_usual and not is_other else where
    if study.datasets:
        return shlex.join([run])
    with open_store(where, read_only=True) as store:
        records = store.studies()
    [number] = [record.id for record in records if record.digest == study.digest]
    chosen = choose_record(records, run, find_declaration(run), None)
    return shlex.join([run] if chosen.id == number else [run, "--study", str(number)])
