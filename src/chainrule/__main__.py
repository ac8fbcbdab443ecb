"""The program: ``chainrule``, and ``python -m chainrule``."""

import sys
from collections.abc import Sequence

from chainrule._util.endings import end_at_once, end_quietly, hear_signals
from chainrule._util.processes import available_cpus, preload_workers


def run_command_line() -> None:
    """Load the command line, which takes some tenths of a second, and run it: Ctrl-C ends both."""
    with end_at_once(), hear_signals(), end_quietly():
        if needs_workers(sys.argv[1:]):
            preload_workers("chainrule.study.execution.runner")
        from chainrule.cli import main

        main()


def needs_workers(arguments: Sequence[str]) -> bool:
    """Whether it is a run that leaves its workers to us: they load PyTorch from the start.

    Of a run that says more about them the command does so, when it has read what.
    """
    says_more = ("--jobs", "--engine", "--help", "-h")
    return (
        arguments[:1] == ["run"]
        and not any(argument.startswith(says_more) for argument in arguments)
        and available_cpus() > 1
    )


if __name__ == "__main__":
    run_command_line()
