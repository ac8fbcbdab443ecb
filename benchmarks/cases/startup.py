"""Imports and commands, against ``import torch``; and the memory of a thousand replicas."""

from __future__ import annotations

import sys
from dataclasses import replace

from benchmarks import peers
from benchmarks.cases.disk import work
from benchmarks.options import Options
from benchmarks.processes import against
from benchmarks.rows import Row

__all__ = ["run"]

COMMANDS = {
    "import chainrule": ("-c", "import chainrule"),
    "import chainrule.train": ("-c", "import chainrule.train"),
    "chainrule --help": ("-m", "chainrule", "--help"),
    "chainrule list": ("-m", "chainrule", "list"),
}


def run(options: Options) -> list[Row]:
    """Whole processes; then an epoch of 1,000 disk nets, whose row is about its memory."""
    torch = {"import torch": (sys.executable, "-c", "import torch")}
    rows: list[Row] = []
    for name, command in COMMANDS.items():
        rows += against(name, (sys.executable, *command), torch, options.repeat)
    thousand = replace(
        work(1000), name="memory of disk nets", replicas=10 if options.quick else 1000
    )
    one = replace(options, repeat=1)
    return rows + one.measure([thousand], (peers.EAGER_ONE, peers.FUNC, peers.JAX))
