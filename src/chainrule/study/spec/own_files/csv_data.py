"""A study of a table with the rows of a CSV file of the user's own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from chainrule._util.words import count_noun
from chainrule.data import CsvTable, DataError, Encoder, read_csv
from chainrule.data.datasets.csv_table import is_class, load_table
from chainrule.data.files.csv_file import digest_file, is_number
from chainrule.data.tabular.target import Kind, infer_kind
from chainrule.recipes.arguments import find_written_problems
from chainrule.recipes.errors import StudyError
from chainrule.recipes.importing import resolve_callable
from chainrule.study.spec.own_files.class_target import check_tells_numbers, tell_classes
from chainrule.study.spec.sections import Data
from chainrule.study.spec.study import Study, validate_study

__all__ = ["describe_columns", "fill_net_sizes", "use_csv_table"]

Part = dict[str, Any]


def use_csv_table(study: Study, csv: str | Path, target: str) -> tuple[Study, list[str]]:
    """(the study with the rows of a CSV file and nets of their size, what became of columns).

    The declaration names the file and its SHA-256: another content is another study. How the file
    is written, and what is told (``task``), is as the study's data say, or else as the file has
    it: texts are classes, and few whole numbers that come again, as for ``chainrule train``. Where
    the study told numbers, it tells classes then, see :func:`tell_classes`; of a number, a training
    that diverged counts as the target's whole range. Raises StudyError for a study of something
    else, DataError for a file that is no such table, OSError where it cannot be read.
    """
    check_data_is_table(study)
    path = Path(csv).expanduser().resolve()
    check_can_be_written(path)
    data = {"csv": str(path), "target": target, "sha256": digest_file(path)}
    study = without_bundled(study)
    arguments = study.data.arguments
    rows, _ = read_rows({**arguments, **data})
    cells, given = rows[target], arguments.get("task")
    if given not in (None, "classification", "regression"):
        raise StudyError(f"task: expected 'classification' or 'regression', got {given!r}")
    if len({*cells}) == 1:
        raise DataError(
            f"{path}: expected a target that varies; {target} is {cells[0]} in every row that has "
            f"it ({len(rows)})"
        )
    kind: Kind = given or infer_kind(cells)
    values = f"{len({*cells})} different {'numbers' if all(map(is_number, cells)) else 'texts'}"
    said = f"{target}: {values}, so {kind}" if given is None else f"{target}: {kind}, as told"
    notes = [f"{said}{other_task(kind, cells) if given is None else ''}"]
    if kind == "classification":
        study, changes = tell_classes(study)
        study = study.with_overrides(data={**data, "task": kind})
        notes += changes
    else:
        check_tells_numbers(study, target)
        numbers = rows.numbers(target)
        failure_value = round_up(float(numbers.max() - numbers.min()) or 1.0)
        study = study.with_overrides(data=data, failure_value=failure_value)
    encoder = fit_encoder(study.data.arguments)
    study = with_net_sizes(study, count_sizes(encoder), replace=True)
    shape, *columns = describe_columns(study.data)
    return study, [shape, *notes, *columns]


def describe_columns(data: Data) -> list[str]:
    """A line on what the data ``table`` make of a CSV file, and one for each column to know of.

    Raises DataError or OSError where it cannot be read so.
    """
    arguments = data.arguments
    rows, target = read_rows(arguments)
    encoder = fit_encoder(arguments, fill=data.missing is not None)
    path = Path(arguments["csv"])
    missing = len(read_csv(path, **find_written(arguments))) - len(rows)
    left_out = [f"{count_noun(missing, 'row')} without {target} left out"] if missing else []
    inputs = count_noun(len(encoder.features), "input")
    shape = f"{path}: {count_noun(len(rows), 'row')}, {inputs}"
    return [shape, *left_out, *encoder.notes]


def check_data_is_table(study: Study) -> None:
    """Raise StudyError for a study of something else, or of several data sets."""
    if study.datasets:
        names = ", ".join(study.datasets)
        raise StudyError(f"study {study.name}: --csv goes with one data set; it has {names}")
    if study.data.name != "table":
        raise StudyError(
            f"study {study.name}: its data are {study.data.name}; --csv goes with a study whose "
            "data are a table, such as prices"
        )


def without_bundled(study: Study) -> Study:
    """The study without the table of the package that it names."""
    declared = study.as_dict()
    declared["data"].pop("bundled", None)
    return validate_study(declared, f"study {study.name}")


def other_task(kind: Kind, cells: Sequence[str]) -> str:
    """How to say otherwise, where the target could be either."""
    other = "regression" if kind == "classification" else "classification"
    return f" (else: --task {other})" if all(map(is_number, cells)) else ""


def fill_net_sizes(study: Study) -> Study:
    """The study of a named table with the numbers of inputs and outputs that its nets leave open.

    Any other study as it is. Raises DataError or OSError where the file cannot be read so.
    """
    arguments = study.data.arguments
    if study.data.name != "table" or not arguments.keys() & {"csv", "bundled"}:
        return study
    return with_net_sizes(study, count_sizes(fit_encoder(arguments)), replace=False)


def check_can_be_written(path: Path) -> None:
    """Raise StudyError where a declaration cannot have this path: some of it is no UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise StudyError(
            f"{path}: a study's file cannot have this path, some of which is no UTF-8: rename the "
            "file or its folder; where the locale is C, set PYTHONUTF8=1"
        ) from None


def read_rows(arguments: Mapping[str, Any]) -> tuple[CsvTable, str]:
    """(the rows that the arguments of the data ``table`` name, the target).

    Raises StudyError for an argument that it does not take, or of another kind.
    """
    for problem in find_written_problems("data", "table", arguments).values():
        raise StudyError(f"data table: {problem}")
    named = {key: arguments[key] for key in LOADED if key in arguments}
    return load_table(named.pop("csv", None), **named, **find_written(arguments))


LOADED = ("csv", "bundled", "target", "sha256", "ignore")
"""Those of the arguments that say which rows."""


def find_written(arguments: Mapping[str, Any]) -> Part:
    """Those of the arguments that say how a CSV file is written."""
    return {key: arguments[key] for key in ("na", "decimal", "encoding") if key in arguments}


def fit_encoder(arguments: Mapping[str, Any], *, fill: bool = False) -> Encoder:
    """What the data ``table`` makes of the rows that its arguments name."""
    (rows, target), task = read_rows(arguments), arguments.get("task")
    classify = is_class(rows, target) if task is None else task == "classification"
    return Encoder.fit(rows, target, fill=fill, classify=classify)


def count_sizes(encoder: Encoder) -> dict[str, int]:
    """What a net's function may ask for."""
    outputs = 1 if encoder.classes is None else len(encoder.classes)
    return {"inputs": len(encoder.features), "outputs": outputs}


def with_net_sizes(study: Study, sizes: Mapping[str, int], *, replace: bool) -> Study:
    """The study whose nets have these sizes, where their functions ask for them.

    Those that are declared already stay, unless they are to be replaced.
    """
    changes = {
        "net": size_part(study.net, sizes, replace=replace),
        "arms": size_parts(study, "arms", sizes, replace=replace),
        "factors": size_parts(study, "factors", sizes, replace=replace),
    }
    return study.with_overrides(**{field: change for field, change in changes.items() if change})


def size_parts(study: Study, field: str, sizes: Mapping[str, int], *, replace: bool) -> Part:
    """What arms, or levels of factors, that name a net say differently then."""

    def size_nets(named: Mapping[str, Any]) -> Part:
        found: Part = {}
        for name, inner in named.items():
            if isinstance(inner, Mapping) and "name" in inner.get("net", {}):
                part = size_part(inner["net"], sizes, replace=replace)
                found |= {name: {"net": part}} if part else {}
        return found

    declared: Mapping[str, Any] = getattr(study, field)
    if field == "arms":
        return size_nets(declared)
    return {name: found for name, levels in declared.items() if (found := size_nets(levels))}


def size_part(net: Mapping[str, Any], sizes: Mapping[str, int], *, replace: bool) -> Part:
    """The sizes that a net's function asks for, and that differ from what it has."""
    return dict(find_sizes(net, sizes, replace=replace)) if "name" in net else {}


def find_sizes(
    net: Mapping[str, Any], sizes: Mapping[str, int], *, replace: bool
) -> Iterator[tuple[str, int]]:
    """(argument, size) of each that is to be set."""
    try:
        parameters = signature(resolve_callable("net", net["name"])).parameters
    except (StudyError, TypeError, ValueError):  # said where the net is made
        return
    for name, size in sizes.items():
        there = net.get(name, parameters[name].default) if name in parameters else size
        if there != size and (replace or name not in net):
            yield name, size


def round_up(x: float) -> float:
    """To three digits."""
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return float(f"{math.ceil(x / unit) * unit:.3g}")
