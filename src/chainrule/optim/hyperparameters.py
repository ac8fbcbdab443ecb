"""Hyper-parameters: which values they may have, and how an update rule sees them."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from chainrule.optim.inplace import Scalar

__all__ = ["as_column", "check_number", "validate_hyperparameter"]


def _is_not_negative(x: Any) -> Any:
    return x >= 0


def _is_fraction(x: Any) -> Any:
    return (x >= 0) & (x <= 1)


def _is_below_1(x: Any) -> Any:
    return (x >= 0) & (x < 1)


VALID: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "lr": ("learning rate", _is_not_negative),
    "betas": ("beta parameter", _is_below_1),
    "momentum": ("momentum value", _is_not_negative),
    "dampening": ("dampening value", lambda x: x == x),
    "weight_decay": ("weight_decay value", _is_not_negative),
    "eps": ("epsilon value", _is_not_negative),
    "alpha": ("alpha value", _is_not_negative),
    "rho": ("rho value", _is_fraction),
    "lr_decay": ("lr_decay value", _is_not_negative),
    "momentum_decay": ("momentum_decay value", _is_not_negative),
    "initial_accumulator_value": ("initial_accumulator_value value", _is_not_negative),
}


def validate_hyperparameter(name: str, value: Any, replicas: int | None) -> None:
    """Raise TypeError or ValueError unless the hyper-parameter may have this value."""
    if name not in VALID:
        return
    label, valid = VALID[name]
    labelled = [(label, value)]
    if name == "betas":
        if not (isinstance(value, tuple | list) and len(value) == 2):
            raise ValueError(f"betas: expected a pair, got {value!r}")
        if replicas is None and len({isinstance(beta, Tensor) for beta in value}) > 1:
            raise ValueError("betas must be either both floats or both tensors")
        labelled = [(f"{label} at index {i}", beta) for i, beta in enumerate(value)]
    for text, number in labelled:
        check_number(name, number, replicas)
        if not torch.as_tensor(valid(number)).all():
            raise ValueError(f"Invalid {text}: {number}")


def check_number(name: str, value: Any, replicas: int | None) -> None:
    """Raise unless the value is a number or a tensor with one number for each replica."""
    if isinstance(value, Tensor):
        if value.dim() and value.shape != (replicas or 1,):
            raise ValueError(
                f"{name}: expected a number or a tensor ({replicas or 1},), one for each replica, "
                f"got a tensor {tuple(value.shape)}"
            )
    elif not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number or a tensor, got {type(value).__name__}")


def as_column(name: str, value: Any, data: Tensor) -> Any:
    """A hyper-parameter as the update rule of ``data`` (K, P) uses it: tensors as (K, 1)."""
    if isinstance(value, tuple):
        return tuple(as_column(name, part, data) for part in value)
    if not isinstance(value, Tensor):
        if value > torch.finfo(data.dtype).max:
            raise ValueError(f"{name}: {value} is beyond what {data.dtype} holds")
        return value
    check_number(name, value, len(data))
    wide: Scalar = value.to(data.device, torch.float64).reshape(-1, 1)
    return wide
