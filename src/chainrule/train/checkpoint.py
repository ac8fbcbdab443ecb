"""All that a training is, to a file and back: it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.serialization.net_state import (
    load_rng_state,
    net_header,
    net_tensors,
    rng_state,
)
from chainrule.serialization.safetensors_file import (
    FileError,
    explain_misfit,
    pack,
    read_file,
    unpack,
    write_file,
)
from chainrule.train.checkpoint_values import check_values
from chainrule.train.history import HistoryMark
from chainrule.train.state import TrainState

__all__ = [
    "Snapshot",
    "load_training",
    "restore_snapshot",
    "save_training",
    "take_snapshot",
]


class Snapshot(NamedTuple):
    """A copy of all that an epoch changes; of the history, how far it was."""

    net: dict[str, Tensor]
    rng_state: dict[str, Any]
    values: dict[str, Any]
    history: HistoryMark


def take_snapshot(state: TrainState, last: Snapshot | None = None) -> Snapshot:
    """A copy of everything, to go back to.

    The net's is made where that of the ``last`` snapshot was, which is lost: a system takes longer
    to find new memory than to copy into it.
    """
    room: Mapping[str, Tensor] = {} if last is None else last.net

    def copy(name: str, tensor: Tensor) -> Tensor:
        there = room.get(name)
        if there is None or there.shape != tensor.shape or there.dtype != tensor.dtype:
            return tensor.clone()
        return there.copy_(tensor)

    return Snapshot(
        {name: copy(name, tensor) for name, tensor in state.net.state_dict().items()},
        rng_state(state.net),
        tree_map(torch.clone, state.state_dict()),
        state.history.mark(),
    )


def restore_snapshot(state: TrainState, snapshot: Snapshot) -> None:
    """Go back to a snapshot."""
    state.net.load_state_dict(snapshot.net)
    load_rng_state(state.net, snapshot.rng_state)
    state.load_state_dict(snapshot.values)
    state.history.rollback(snapshot.history)


def config(state: TrainState) -> dict[str, Any]:
    """What a training is made of besides its net: it must be the same to go on."""
    return {
        "criterion": state.criterion.label(),
        "optimizer": type(state.optimizer).__name__,
        "scheduler": type(state.scheduler).__name__,
        "schedule_every": state.schedule_every,
        "batch_size": state.batch_size,
        "callbacks": [type(callback).__name__ for callback in state.callbacks],
    }


def save_training(state: TrainState, path: str | Path) -> None:
    """Write a training to a file, atomically. Raises OSError naming the path."""
    tensors: dict[str, Tensor] = {}
    packed = pack({**state.state_dict(), **state.history.state_dict()}, tensors, "trainer")
    header = {**net_header(state.net), "config": config(state), "trainer": packed}
    write_file(path, "training", tensors | net_tensors(state.net), header)


def load_training(state: TrainState, path: str | Path) -> None:
    """Make a training go on from a file. Raises FileError, and changes nothing, where it cannot."""
    kind, tensors, header = read_file(path)
    if kind != "training":
        raise FileError(path, f"holds a {kind}, not a training: chainrule.load reads it")
    _check_fit(state, path, header)
    before = take_snapshot(state)
    try:
        net = find_net_tensors(state, tensors, header["ties"])
        values = unpack(header["trainer"], tensors)
        check_values(state, values)
        for name, value in state.net.state_dict().items():
            if net[name].dtype != value.dtype:
                raise ValueError(f"{name}: expected {value.dtype}, got {net[name].dtype}")
        state.net.load_state_dict(net)
        load_rng_state(state.net, header["rng_state"])
        state.load_state_dict(values)
        state.history.load_state_dict(values)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        restore_snapshot(state, before)
        raise FileError(path, f"does not fit this trainer: {explain_misfit(error)}") from None


def find_net_tensors(
    state: TrainState, tensors: Mapping[str, Tensor], ties: Mapping[str, str]
) -> dict[str, Tensor]:
    """Path → tensor of the net. Raises ValueError, naming it, where one is missing."""
    found = {path: f"net.{ties.get(path, path)}" for path in state.net.state_dict()}
    if missing := [name for name in found.values() if name not in tensors]:
        raise ValueError(f"{missing[0]}: is missing")
    return {path: tensors[name] for path, name in found.items()}


def _check_fit(state: TrainState, path: str | Path, header: Mapping[str, Any]) -> None:
    """Raise FileError where the file is of another net, or of a training made of other things."""
    net = net_header(state.net)
    for name in ("architecture", "replicas", "ties"):
        if header[name] != net[name]:
            raise FileError(path, f"is the training of another net: its {name} is {header[name]}")
    for name, value in config(state).items():
        saved = header["config"][name]
        if saved != value:
            raise FileError(path, f"does not fit this trainer: its {name} is {saved}, not {value}")
