"""All that a training is, to a file and back: it goes on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule._util.words import count_noun
from chainrule.serialization.net_state import (
    load_rng_state,
    net_header,
    net_tensors,
    rng_state,
)
from chainrule.serialization.safetensors_file import FileError, pack, read_file, unpack, write_file
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
        if there is None or (there.shape, there.dtype) != (tensor.shape, tensor.dtype):
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
        net = {
            path: tensors[f"net.{header['ties'].get(path, path)}"]
            for path in state.net.state_dict()
        }
        values = unpack(header["trainer"], tensors)
        check_values(state, values)
        check_alike("optimizer", values["optimizer"], state.optimizer.state_dict())
        if state.scheduler is not None:
            check_alike("scheduler", values["scheduler"], state.scheduler.state_dict())
        check_net_states(state, values["callbacks"])
        for name, value in state.net.state_dict().items():
            if net[name].dtype != value.dtype:
                raise ValueError(f"{name}: expected {value.dtype}, got {net[name].dtype}")
        state.net.load_state_dict(net)
        load_rng_state(state.net, header["rng_state"])
        state.load_state_dict(values)
        state.history.load_state_dict(values)
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        restore_snapshot(state, before)
        raise FileError(path, f"does not fit this trainer: {error}") from None


def check_values(state: TrainState, values: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the field, where a saved value is of another kind than here."""
    for name in ("epoch", "steps"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{name}: expected a number of them, got {values[name]!r}")
    seeds = values["seeds"]
    if len(seeds) != len(state.seeds) or not all(type(seed) is int for seed in seeds):
        raise ValueError(f"seeds: expected {len(state.seeds)}, one a replica, got {seeds!r}")
    for name, like in (("active", state.active), ("torch_rng_state", torch.get_rng_state())):
        t = values[name]
        if not isinstance(t, Tensor) or (t.dtype, t.shape) != (like.dtype, like.shape):
            raise ValueError(f"{name}: expected {like.dtype} {tuple(like.shape)}, got {t!r}")


def check_alike(place: str, saved: Any, own: Any) -> None:
    """Raise ValueError, naming the place, where a saved value is of another kind than one's own.

    A number may be a tensor, one a replica; and what is None here may be anything.
    """
    number, fits = (int, float, Tensor), True
    if isinstance(own, dict) and isinstance(saved, dict):
        for key in own.keys() & saved.keys():
            check_alike(f"{place}.{key}", saved[key], own[key])
    elif isinstance(own, list | tuple) and isinstance(saved, list | tuple):
        if len(saved) != len(own):
            raise ValueError(f"{place}: expected {count_noun(len(own), 'value')}, got {len(saved)}")
        for i, (a, b) in enumerate(zip(saved, own, strict=True)):
            check_alike(f"{place}.{i}", a, b)
    elif isinstance(own, bool) or isinstance(saved, bool):
        fits = isinstance(saved, bool) and isinstance(own, bool | NoneType)
    else:
        fits = own is None or isinstance(saved, number if isinstance(own, number) else type(own))
    if not fits:
        raise ValueError(f"{place}: expected {own!r} or another of its kind, got {saved!r}")


def check_net_states(state: TrainState, callbacks: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError where what a callback keeps of the net does not fit it."""
    own = state.net.state_dict()
    for i, kept in enumerate(callbacks):
        for name in ("best_state", "last_state"):
            for key, t in (kept.get(name) or {}).items():
                like = own.get(key)
                kind = None if like is None else (like.dtype, like.shape)
                if not isinstance(t, Tensor) or (t.dtype, t.shape) != kind:
                    raise ValueError(f"callbacks.{i}.{name}.{key}: not a tensor of this net")
            if kept.get(name) and kept[name].keys() != own.keys():
                raise ValueError(f"callbacks.{i}.{name}: not all of this net's tensors")


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
