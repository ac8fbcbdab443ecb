"""Hyper-parameters: which values they may have, and how an update rule sees them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from chainrule.optim.inplace import Scalar

__all__ = [
    "as_column",
    "check_number",
    "check_same_kind",
    "check_state_keys",
    "validate_hyperparameter",
]


AT_LEAST_0 = "at least 0"
VALID: dict[str, str] = {
    "lr": "a finite number, at least 0",
    "betas": "at least 0 and below 1",
    "momentum": AT_LEAST_0,
    "dampening": "a number",
    "weight_decay": AT_LEAST_0,
    "eps": AT_LEAST_0,
    "alpha": AT_LEAST_0,
    "lambd": AT_LEAST_0,
    "t0": AT_LEAST_0,
    "rho": "at least 0 and at most 1",
    "lr_decay": AT_LEAST_0,
    "momentum_decay": AT_LEAST_0,
    "initial_accumulator_value": AT_LEAST_0,
    "tolerance_grad": AT_LEAST_0,
    "tolerance_change": AT_LEAST_0,
}
"""Hyper-parameter → which of ``RANGES`` it is in."""

RANGES: dict[str, Callable[[Any], Any]] = {
    AT_LEAST_0: lambda x: x >= 0,
    "a finite number, at least 0": lambda x: (x >= 0) & (x < math.inf),
    "at least 0 and below 1": lambda x: (x >= 0) & (x < 1),
    "at least 0 and at most 1": lambda x: (x >= 0) & (x <= 1),
    "a number": lambda x: x == x,
}


def validate_hyperparameter(name: str, value: Any, replicas: int | None) -> None:
    """Raise TypeError or ValueError unless the hyper-parameter may have this value."""
    if name not in VALID:
        return
    named = {name: value}
    if name == "betas":
        if not (isinstance(value, tuple | list) and len(value) == 2):
            raise ValueError(f"betas: expected a pair, got {value!r}")
        if replicas is None and len({isinstance(beta, Tensor) for beta in value}) > 1:
            raise ValueError("betas must be either both floats or both tensors")
        named = {f"betas[{i}]": beta for i, beta in enumerate(value)}
    for label, number in named.items():
        check_number(name, number, replicas)
        right = torch.as_tensor(RANGES[VALID[name]](number))
        if not right.all():
            wrong = number[~right].flatten()[0].item() if isinstance(number, Tensor) else number
            raise ValueError(f"{label}: expected {VALID[name]}, got {wrong}")


def check_number(name: str, value: Any, replicas: int | None) -> None:
    """Raise unless the value is a number or a tensor with one number for each replica."""
    if isinstance(value, Tensor):
        if value.dim() and value.shape != (replicas or 1,):
            raise ValueError(
                f"{name}: expected a number or a tensor ({replicas or 1},), one for each replica, "
                f"got a tensor {tuple(value.shape)}"
            )
    elif isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number or a tensor, got {value!r}")


def check_same_kind(name: str, value: Any, default: Any) -> None:
    """Raise TypeError unless a value is a pair, a number, an option where the default is one.

    ``as_column`` looks at the numbers of a pair.
    """
    if isinstance(default, tuple | list):
        is_pair = isinstance(value, tuple | list) and len(value) == len(default)
        if not is_pair or (None in value and None not in default):
            raise TypeError(f"{name}: expected a pair of numbers, got {value!r}")
        return
    is_option = isinstance(value, bool) and not isinstance(default, bool)
    if (value is not None or default is not None) and (
        is_option or not isinstance(value, Tensor | Real)
    ):
        raise TypeError(f"{name}: expected a number or a tensor, got {value!r}")


def check_state_keys(name: str, own: Mapping[str, Any], state: Any) -> None:
    """Raise unless a state that is to be loaded has the keys of the present one.

    TypeError for what is no state at all, ValueError for keys that are missing or too many.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"{name}: expected a state, as state_dict() gives, got {state!r}")
    if wrong := sorted(map(str, own.keys() ^ state.keys())):
        raise ValueError(f"{name}: keys missing or unexpected: {', '.join(wrong)}")


def as_column(name: str, value: Any, data: Tensor) -> Any:
    """A hyper-parameter as the update rule of ``data`` (K, P) uses it: tensors as (K, 1)."""
    if isinstance(value, tuple | list):
        return tuple(as_column(name, part, data) for part in value)
    if value is None:
        return None
    if not isinstance(value, Tensor):
        try:
            is_beyond = value > torch.finfo(data.dtype).max
        except TypeError:
            raise TypeError(f"{name}: expected a number or a tensor, got {value!r}") from None
        if is_beyond:
            raise ValueError(f"{name}: {value} is beyond what {data.dtype} holds")
        return value
    check_number(name, value, len(data))
    wide: Scalar = value.to(data.device, torch.float64).reshape(-1, 1)
    return wide
