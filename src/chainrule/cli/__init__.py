"""The command line. Each command imports what it needs, so that --help answers at once."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn, final

import typer
from typer.core import TyperGroup

from chainrule import __version__
from chainrule.cli.commands import check, explain, plan, plot, predict, run, show, studies, train

__all__ = ["app", "main"]


@final
class Commands(TyperGroup):
    """Ctrl-C in a command is ours to answer: typer's answer depends on its version."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail("interrupted", 130)


app = typer.Typer(
    name="chainrule",
    cls=Commands,
    help="Train and compare small networks whose gradients you can read.\n\n"
    "Begin with: chainrule list, then chainrule run pairs-depth --quick",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for commands in (studies, plan, run, show, plot, train, predict, check, explain):
    commands.add_to(app)


def main() -> NoReturn:
    """Run the command line: exit code 0, 1 for an error, 2 for a wrong call, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without ± gets a ? for it, not an error
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except (ValueError, OSError, ImportError) as error:
        _fail(f"chainrule: {_words(error)}", 1)
    raise SystemExit(0)


def _words(error: Exception) -> str:
    """The message; of what the system says about a file, without its number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise SystemExit(code)
