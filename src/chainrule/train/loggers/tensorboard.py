"""Curves as TensorBoard's event files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from chainrule.train.loggers.base import Logger

__all__ = ["TensorBoardLogger"]

FILE = "events.out.tfevents.chainrule"


@final
class TensorBoardLogger(Logger):
    """A folder a run, with one file of events: ``tensorboard --logdir FOLDER`` shows them.

    Written with TensorBoard's own records, without PyTorch's writer and its thread. Raises
    ImportError without ``chainrule[tensorboard]``.
    """

    def __init__(self, folder: str | Path, gradient_norm: bool = False) -> None:
        super().__init__(folder, gradient_norm)
        try:
            import tensorboard  # noqa: F401 (said now, not after an epoch)
        except ImportError as error:
            raise ImportError(
                "tensorboard is missing: pip install 'chainrule[tensorboard]'"
            ) from error

    def start_run(self, run: str, about: Mapping[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        (self.place(run) / FILE).unlink(missing_ok=True)
        self._write(run, Event(wall_time=time.time(), file_version="brain.Event:2"))

    def log_values(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        summary = Summary(value=scalars)
        self._write(run, Event(wall_time=time.time(), step=epoch, summary=summary))

    def _write(self, run: str, event: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        with (self.place(run) / FILE).open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
