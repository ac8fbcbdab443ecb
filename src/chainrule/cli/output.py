"""What commands print, and the files that they write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING, Any, final

import typer

from chainrule.cli.options import Format

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chainrule.report import Table

__all__ = [
    "Verbosity",
    "describe_ours",
    "echo_err",
    "echo_json",
    "echo_table",
    "format_scores",
    "make_folder",
    "measure_width",
    "save_bytes",
    "save_figure",
    "verbosity",
    "wrap_text",
]

MIN_WIDTH, MAX_WIDTH = 30, 80
"""Columns of running text."""


@final
@dataclass
class Verbosity:
    """How much is said on stderr: ``quiet``: errors alone; ``verbose``: all there is to say."""

    quiet: bool = False
    verbose: bool = False

    def update(self, *, quiet: bool, verbose: bool) -> None:
        """What is asked for is added. Raises typer.BadParameter where both are."""
        self.quiet, self.verbose = self.quiet or quiet, self.verbose or verbose
        if self.quiet and self.verbose:
            raise typer.BadParameter("--quiet and --verbose exclude each other")


verbosity = Verbosity()
"""Of the command that is running."""


def echo_err(text: str, *, is_error: bool = False) -> None:
    """Say something beside the result: on stderr; an error with --quiet too.

    Where nobody reads it any more, or the terminal is gone, the command goes on as it would.
    """
    if is_error or not verbosity.quiet:
        with suppress(OSError):
            typer.echo(text, err=True)


def describe_ours(error: Exception) -> str:
    """The message; of what the system says about a file, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def measure_width() -> int:
    """Columns for text: those of the terminal, 80 at most and where there is none, 30 at least."""
    return min(MAX_WIDTH, max(MIN_WIDTH, get_terminal_size().columns))


def wrap_text(text: str, first: str = "  ", others: str = "    ") -> str:
    """Over as many lines of the terminal as it takes, after what they begin with.

    Names and paths are not broken.
    """
    return fill(
        text,
        measure_width(),
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
        break_long_words=False,
    )


def echo_json(value: Any) -> None:
    """Print JSON data."""
    typer.echo(json.dumps(value, indent=2))


def echo_table(table: Table, form: Format = "text") -> None:
    """Print a table."""
    from chainrule import report

    if form == "text":
        from rich.console import Console

        console = Console()
        with console.capture() as text:  # it would end the process itself where nobody reads
            console.print(report.RichTable(table))
        typer.echo(text.get(), nl=False)
        return
    writers = {
        "csv": report.as_csv,
        "json": report.as_json,
        "latex": report.as_latex,
        "markdown": report.as_markdown,
    }
    typer.echo(writers[form](table), nl=False)


def format_scores(scores: Mapping[str, float]) -> str:
    """``rmse 2.711, mae 1.987``"""
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())


def make_folder(folder: Path, what: str = "", option: str = "-o") -> None:
    """Make a folder where there is none. Raises OSError, which says what one may do."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"no folder {folder}{what} ({error.strerror}): choose another with {option}"
        ) from None


def check_output(path: Path | None, *sources: str | Path) -> None:
    """Raise OSError where a command would write over one of the files that it reads."""
    for source in map(Path, sources):
        if path is not None and path.exists() and source.exists() and path.samefile(source):
            raise OSError(f"{path}: is what this reads: choose another file with -o")


def save_bytes(path: Path, content: bytes, what: str = "") -> None:
    """Write a file at once or not at all, and say so."""
    from chainrule._util.atomic import write_atomically

    write_atomically(path, content)
    echo_err(f"wrote {what}{path}")


def save_figure(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure in the format that the file's name ends in, and say so."""
    image = BytesIO()
    figure.savefig(image, format=path.suffix.lstrip("."), dpi=dpi)
    save_bytes(path, image.getvalue())
