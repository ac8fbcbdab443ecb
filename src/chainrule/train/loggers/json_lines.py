"""Curves as JSON lines, with the keys of Weights & Biases."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from chainrule._util.atomic import write_atomically
from chainrule.train.loggers.base import Logger

__all__ = ["JSONLinesLogger"]


@final
class JSONLinesLogger(Logger):
    """A folder a run: ``history.jsonl``, a line an epoch, and ``config.json``, what the run is.

    A line has the values, and beside them what Weights & Biases calls ``_step``, the epoch,
    ``_timestamp`` in seconds, and ``_runtime`` since the run began. It is read by whatever reads
    JSON lines. It is not the binary file of an offline run that ``wandb sync`` takes: the page
    "Watch a training" has the lines of Python that hand a run to ``wandb``.
    """

    def __init__(self, folder: str | Path, gradient_norm: bool = False) -> None:
        super().__init__(folder, gradient_norm)
        self._starts: dict[str, float] = {}

    def start_run(self, run: str, about: Mapping[str, Any]) -> None:
        folder, self._starts[run] = self.place(run), time.time()
        write_atomically(folder / "history.jsonl", b"")
        write_atomically(folder / "config.json", json.dumps(dict(about), indent=2).encode())

    def log_values(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        now = time.time()
        start = self._starts.setdefault(run, now)
        line = {**values, "_step": epoch, "_timestamp": now, "_runtime": now - start}
        with (self.place(run) / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
