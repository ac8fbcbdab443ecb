"""Arguments and options that several commands have, and how their help looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from chainrule.cli.completion import complete_run, complete_study

__all__ = [
    "Arms",
    "Compile",
    "Csv",
    "CsvTarget",
    "Data",
    "DataArguments",
    "Decimal",
    "Encoding",
    "EngineName",
    "Epochs",
    "Format",
    "Ignore",
    "Jobs",
    "Json",
    "Na",
    "Out",
    "Quick",
    "Quiet",
    "Rounds",
    "Run",
    "Share",
    "Study",
    "StudyNumber",
    "TableFormat",
    "Target",
    "Task",
    "Trust",
    "Verbose",
    "format_examples",
    "table_options",
]

Study = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="A built-in study (see: chainrule list), a TOML file, or one written in Python: "
        "file.py:NAME, package.module:NAME.",
        autocompletion=complete_study,
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A study (TOML file, built-in one) with results in runs/NAME.sqlite; or a store: "
        "NAME, path or URL.",
        autocompletion=complete_run,
    ),
]
Arms = Annotated[str, typer.Option(metavar="GLOB", help="The arms whose names match, as 'mlp*'.")]
Rounds = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Rounds in all, not the declared.")
]
Epochs = Annotated[int | None, typer.Option(min=1, metavar="N", help="Epochs of each training.")]
Quick = Annotated[bool, typer.Option("--quick", help="The small form that the study declares.")]
DataArguments = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="NAME=VALUE",
        help="An argument of the study's data, as root=DIR or train=500; may be said again.",
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A table of your own, for a study such as prices."),
]
CsvTarget = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="With --csv: the number or class to be told.")
]
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="Whether the target is a class or a number; else the data say."),
]
Na = Annotated[
    list[str] | None,
    typer.Option(
        "--na", metavar="WORD", help="Of a CSV file: a word for a missing cell; may be said again."
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="Of a CSV file: a point or a comma; else as it has them."),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of a CSV file, such as latin-1; else UTF-8 or UTF-16."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COLUMN", help="Of a CSV file: no input; may be said again."),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Insist on the compiled kernel, or leave it out; default: wherever it can.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Worker processes; default: the cores."),
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="What trains: processes (the default), serial, dask, ray, dask://HOST:PORT, "
        "ray://HOST:PORT, or module:FUNCTION that makes an executor.",
    ),
]
Share = Annotated[
    str | None,
    typer.Option(
        metavar="N/COUNT",
        help="A fixed part of the trainings alone, such as 3/8; chainrule merge joins the stores.",
    ),
]
StudyNumber = Annotated[
    str | None,
    typer.Option(
        "--study",
        metavar="N",
        help="Which study of the store, not that run last; or which of its data sets, by name.",
    ),
]
Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A CSV file; an NPZ file with the arrays inputs and targets; a folder of IDX files, "
        "named as MNIST's; a built-in source, such as digit_images; or file.py:FUNCTION.",
    ),
]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="What to tell, of a CSV file.")]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="MODULE",
        help="A module of your own whose classes the file's net has, and whose code may run; may "
        "be said again.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say errors alone on stderr.")]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Say more: a line a cohort, the traceback of an error."),
]
Out = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write.")]
Format = Literal["text", "csv", "json", "latex", "markdown"]
TableFormat = Annotated[Format, typer.Option("--format", help="How the table is written.")]


def table_options(**given: Any) -> dict[str, Any]:
    """What was said of how a CSV file is written and taken: na, decimal, encoding, ignore, task."""
    return {name: value for name, value in given.items() if value not in (None, [], ())}


def format_examples(*lines: str) -> str:
    """The end of a command's help: one call a line, which is not broken."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])
