"""The commands, a file each, and the application that they belong to."""

from __future__ import annotations

from typing import Any, final

import typer
from typer.core import TyperGroup

__all__ = ["app"]


@final
class InterruptibleGroup(TyperGroup):
    """Ctrl-C in a command ends with exit code 130: typer's answer depends on its version."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise SystemExit(130) from None


app = typer.Typer(
    name="chainrule",
    cls=InterruptibleGroup,
    help="Train and compare small networks whose gradients you can read.\n\n"
    "Begin with: chainrule list, then chainrule run pairs-depth --quick",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
