"""The command line. A command is imported when it is called, and imports what it needs."""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from traceback import print_exc
from typing import Annotated, NoReturn

import typer

from chainrule import __version__
from chainrule._util.endings import end_quietly, hear_signals
from chainrule._util.user_code import add_user_lines, describe_error, find_user_frames
from chainrule.cli.commands import Application, app
from chainrule.cli.options import Quiet, Verbose
from chainrule.cli.output import describe_ours, echo_err, verbosity

__all__ = ["load_commands", "main"]

COMMANDS = (
    *("list", "init", "check-study", "schema"),
    *("plan", "run", "merge", "studies", "remove"),
    *("show", "log", "compare", "ensemble", "review", "nets", "plot", "report"),
    *("train", "predict", "check", "explain", "export"),
    "app",
)
"""In the order of --help."""

FILES = {"check-study": "check_study", "app": "open_app"}
"""Command → its file in commands/, where that has another name."""

ALLOCATIONS_BETWEEN_LOOKS = 100_000
"""For garbage: what a command imports is none, and looking through it took a tenth of its time."""


def print_version(wanted: bool) -> None:
    """Print the version, and end, where it is wanted."""
    if wanted:
        typer.echo(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def take_global_options(
    version: Annotated[
        bool,
        typer.Option(
            "-V", "--version", callback=print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """What stands before the command."""
    verbosity.update(quiet=quiet, verbose=verbose)


def load_commands(*names: str) -> Application:
    """The application with these commands; with all unless said.

    Each is a file of its own. The one that is called is enough, in half the time of all.
    """
    for name in names or COMMANDS:
        import_module(f"chainrule.cli.commands.{FILES.get(name, name)}")
    app.registered_commands.sort(key=lambda command: COMMANDS.index(str(command.name)))
    return app


def main() -> NoReturn:
    """Run the command line: exit code 0, 1 for an error, 2 for a wrong call, 130 for Ctrl-C.

    SIGTERM and SIGHUP are as Ctrl-C.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # else it looks through all packages
    gc.set_threshold(ALLOCATIONS_BETWEEN_LOOKS)
    verbosity.quiet = verbosity.verbose = False
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):  # a terminal without ± gets a ? for it, not an error
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a home that may not be written
    try:
        with hear_signals(), end_quietly():
            check_folder()
            called = [name for name in sys.argv[1:2] if name in COMMANDS]
            load_commands(*called)()
    except Exception as error:
        is_ours = isinstance(error, ValueError | OSError | ImportError)
        if not is_ours and not find_user_frames(error):
            raise
        if verbosity.verbose:
            print_exc()
        message = describe_ours(error) if is_ours else describe_error(error)
        echo_err(add_user_lines(f"chainrule: {message}", error), is_error=True)
        raise SystemExit(1) from None
    raise SystemExit(0)


def check_folder() -> None:
    """Raise OSError where the current folder was removed: libraries fail there in their words."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise OSError("the current folder is no longer there: change to another") from None


def open_closed_streams() -> None:
    """Where a stream was closed before the command began (``2>&-``), what is said goes nowhere.

    Nor is anything there to be read.
    """
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
