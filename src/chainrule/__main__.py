"""The program: ``chainrule``, and ``python -m chainrule``."""

from chainrule._util.endings import end_quietly, hear_signals


def run_command_line() -> None:
    """Load the command line, which takes some tenths of a second, and run it: Ctrl-C ends both."""
    with hear_signals(), end_quietly():
        from chainrule.cli import main

        main()


if __name__ == "__main__":
    run_command_line()
