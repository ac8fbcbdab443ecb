"""The commands, a file each, and the application that they belong to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Any, final

import typer
from typer.core import TyperCommand, TyperGroup

from chainrule._util.endings import end_quietly
from chainrule.cli.options import Quiet, Verbose
from chainrule.cli.output import measure_width, verbosity

__all__ = ["Application", "app"]


@final
class TerminalFormatter(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Help as wide as the terminal; options keep to the left two fifths of it.

    What typer adds to our names of arguments is left out: braces, and the types of Python.
    """

    def __init__(self, **_: Any) -> None:
        super().__init__(width=measure_width() - 2)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, re.sub(r"\{(.*?)\}(?:\.\.\.)?", r"\1", args), prefix)

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        named = [(re.sub(r" <(?:str|path|list\[str\])>$", "", name), text) for name, text in rows]
        super().write_dl(named, min(col_max, 2 * self.width // 5), col_spacing)


@final
class TerminalContext(typer.Context):
    """What a command is parsed in."""

    formatter_class = TerminalFormatter


@final
class TerminalCommand(TyperCommand):
    """A command whose help fits the terminal, and whose options have no empty values."""

    context_class = TerminalContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        valued = {name for each in self.params if not is_switch(each) for name in each.opts}
        for before, word in pairwise(["", *args]):
            option = before if word == "" else word.removesuffix("=")
            if option in valued - EMPTY_VALUES and word in ("", f"{option}="):
                raise typer.BadParameter(
                    "expected a value, got an empty text; is a variable of the shell not set?",
                    ctx,
                    param_hint=f"'{option}'",
                )
        return super().parse_args(ctx, args)


EMPTY_VALUES = {"--na"}
"""Options for which an empty text means something."""


def is_switch(parameter: Any) -> bool:
    """Whether an option takes no value."""
    return bool(getattr(parameter, "is_flag", False))


@final
class InterruptibleGroup(TyperGroup):
    """Ctrl-C and ``| head`` end a command, its help too, as we say: typer would end them itself."""

    context_class = TerminalContext

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with end_quietly():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with end_quietly():
            try:
                return super().invoke(ctx)
            except Exception as error:
                reword_error(error)
                raise


def reword_error(error: Exception) -> None:
    """Say of an option in our words, with its value, what typer says in pydantic's."""
    details = getattr(error.__cause__, "errors", None)
    if details is not None and hasattr(error, "message"):
        from chainrule.recipes.problems import describe_problem

        error.message = describe_problem(details()[0])


@final
class Application(typer.Typer):
    """An application each of whose commands has --quiet and --verbose too, and help that fits."""

    def command(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Any]:
        register = super().command(*args, cls=TerminalCommand, **kwargs)
        return lambda function: register(add_verbosity(function))


def add_verbosity(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a command with two more options."""

    @wraps(function)
    def call(*args: Any, quiet: bool, verbose: bool, **kwargs: Any) -> Any:
        verbosity.update(quiet=quiet, verbose=verbose)
        return function(*args, **kwargs)

    kind, signature = inspect.Parameter.KEYWORD_ONLY, inspect.signature(function, eval_str=True)
    parameters = [each.replace(kind=kind) for each in signature.parameters.values()] + [
        inspect.Parameter(name, kind, default=False, annotation=option)
        for name, option in {"quiet": Quiet, "verbose": Verbose}.items()
    ]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


app = Application(
    name="chainrule",
    cls=InterruptibleGroup,
    help="Train and compare small networks whose gradients you can read.\n\n"
    "Begin with: chainrule list, then chainrule run pairs-depth --quick; or with a study "
    "of your own: chainrule init",
    epilog="Exit codes: 0; 1 for an error; 2 for a wrong call; 130 for Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
