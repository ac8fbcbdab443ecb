"""``chainrule init``: a study to start from."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.commands import app
from chainrule.cli.completion import complete_builtin_study
from chainrule.cli.options import (
    Csv,
    CsvTarget,
    Decimal,
    Encoding,
    Ignore,
    Na,
    Task,
    format_examples,
    table_options,
)
from chainrule.cli.output import echo_err, make_folder, save_bytes

StudyFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file to write; it must not be there yet.")
]
Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STUDY",
        help="A built-in study to copy, instead of a small one.",
        autocompletion=complete_builtin_study,
    ),
]


@app.command(
    "init",
    short_help="Write a study to start from.",
    epilog=format_examples(
        "chainrule init study.toml",
        "chainrule init houses.toml --csv houses.csv --target price",
        "chainrule init mine.toml --from pairs-depth",
    ),
)
def write_study(
    file: StudyFile = Path("study.toml"),
    source: Source = None,
    csv: Csv = None,
    target: CsvTarget = None,
    task: Task = None,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    ignore: Ignore = None,
) -> None:
    """Write the TOML file of a study to start from, with comments that say what may be changed.

    Of a table of your own, the columns become inputs of the nets.
    """
    from chainrule.study.builtin.template import template_for_csv, template_text

    if (csv is None) != (target is None):
        raise typer.BadParameter("--csv FILE and --target COLUMN go together")
    if file.suffix != ".toml":
        raise typer.BadParameter(f"expected a file that ends in .toml, got {file}")
    if file.exists():
        raise FileExistsError(f"{file} is there already: choose another name, or move it away")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).lstrip("._-") or "study"
    notes: list[str] = []
    if csv is not None and target is not None:
        table = table_options(na=na, decimal=decimal, encoding=encoding, ignore=ignore, task=task)
        text, notes = template_for_csv(name, csv, target, source, table)
    else:
        text = template_text(name, source)
    make_folder(file.parent, option="FILE")
    save_bytes(file, text.encode())
    shown = shlex.quote(str(file))
    for line in (*notes, f"Next: chainrule check-study {shown}; chainrule run {shown} --quick"):
        echo_err(line)
