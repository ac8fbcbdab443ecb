"""What a file's training must be, before any of it is taken over: each field of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt
from torch import Tensor

from chainrule._util.field_problems import find_first_problem
from chainrule._util.words import count_noun
from chainrule.train.state import TrainState

__all__ = ["check_values"]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Row = Annotated[list[Any], Field(min_length=4, max_length=4)]
Pair = Annotated[list[int], Field(min_length=2, max_length=2)]


class TrainingValues(BaseModel):
    """What a training has besides its net."""

    model_config = ConfigDict(strict=True, arbitrary_types_allowed=True)

    epoch: NonNegativeInt
    steps: NonNegativeInt
    seeds: list[int]
    active: Tensor
    torch_rng_state: Tensor
    optimizer: dict[str, Any]
    scheduler: dict[str, Any] | None
    callbacks: list[dict[str, Any]]
    curves: dict[str, Tensor]
    diverged: list[Row]
    stopped: list[Pair]
    seconds: Seconds


def check_values(state: TrainState, values: Any) -> None:
    """Raise ValueError, naming the field, where a saved value is of another kind than here."""
    if problem := find_first_problem(TrainingValues, values):
        raise ValueError(problem)
    seeds, callbacks = values["seeds"], values["callbacks"]
    if len(seeds) != len(state.seeds):
        raise ValueError(f"seeds: expected {len(state.seeds)}, one a replica, got {seeds!r}")
    for name, like in (("active", state.active), ("torch_rng_state", torch.get_rng_state())):
        t = values[name]
        if (t.dtype, t.shape) != (like.dtype, like.shape):
            raise ValueError(f"{name}: expected {like.dtype} {tuple(like.shape)}, got {t!r}")
    check_curves(state, values["curves"])
    check_alike("optimizer", values["optimizer"], state.optimizer.state_dict())
    if state.scheduler is not None:
        check_alike("scheduler", values["scheduler"], state.scheduler.state_dict())
    own = [callback.state_dict() for callback in state.callbacks]
    check_alike("callbacks", callbacks, own)
    for i, (saved, there) in enumerate(zip(callbacks, own, strict=True)):
        if missing := sorted(there.keys() - saved.keys()):
            raise ValueError(f"callbacks.{i}.{missing[0]}: is missing")
    check_net_states(state, callbacks)


def check_curves(state: TrainState, curves: Mapping[str, Tensor]) -> None:
    """Raise ValueError where a curve is not of numbers, (epochs, K) or (epochs,)."""
    axes = () if state.net.replicas is None else (state.net.replicas,)
    epochs = {len(curve) if curve.dim() else 0 for curve in curves.values()}
    for name, curve in curves.items():
        if curve.shape != (max(epochs), *axes) or not curve.is_floating_point():
            expected = f"numbers of the shape {(max(epochs), *axes)}"
            raise ValueError(f"curves.{name}: expected {expected}, got {tuple(curve.shape)}")


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
