"""What the arguments of an estimator mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.utils._param_validation import Interval, Options, StrOptions
from torch import Tensor

from chainrule.recipes.component import Component, normalize_component

__all__ = [
    "CONSTRAINTS",
    "MAY_CHANGE",
    "Part",
    "choose_batch_size",
    "choose_dtype",
    "read_part",
    "spread_over_replicas",
    "value_key",
]

CONSTRAINTS: dict[str, Any] = {
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_seeds": [Interval(Integral, 1, None, closed="left")],
    "compile": ["boolean", StrOptions({"auto"})],
    "dtype": [StrOptions({"auto", "float32", "float64"}), Options(type, {np.float32, np.float64})],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
}
"""What values they may have, as scikit-learn says it."""

MAY_CHANGE = {
    *("learning_rate_init", "alpha", "batch_size", "loss", "class_weight", "random_state"),
    *("max_iter", "tol", "n_iter_no_change", "early_stopping", "validation_fraction"),
    *("warm_start", "verbose"),
}
"""What may be another where nets are trained on: all but what these were made with."""

LARGE_X = 10_000
"""From how many numbers on float64 costs a training more than all that is around it."""

Part = str | Mapping[str, Any]
"""A part by its name, or ``{"name": …}`` with its arguments beside it, as a study's file has it."""


def read_part(kind: str, given: Part) -> Component:
    """The part that a name, or a name with arguments, says. Raises ValueError for another thing."""
    name = given.get("name") if isinstance(given, Mapping) else given
    if not (isinstance(name, str) or callable(name)):
        raise ValueError(
            f"{kind}: expected a name, as 'SGD', or a dict of a name and arguments, as "
            f"{{'name': 'SGD', 'momentum': 0.9}}, got {given!r}"
        )
    return Component.model_validate(normalize_component(given))


def choose_dtype(given: Any, X: Any) -> np.dtype[Any]:
    """What to train in on X (N, D): "auto" is that of a small X, and float32 for all others."""
    if given == "auto":
        given = X.dtype if X.shape[0] * X.shape[1] < LARGE_X else np.float32
    found: np.dtype[Any] = np.dtype(given)
    return found


def choose_batch_size(size: int | str, n: int) -> int:
    """Samples a step, of n in all: "auto" is 200, and none is left over for a batch of one."""
    wanted = min(200 if size == "auto" else int(size), n)
    return wanted + 1 if wanted > 1 and n % wanted == 1 else wanted


def spread_over_replicas(numbers: Sequence[float], n_seeds: int) -> float | Tensor:
    """A number for each replica (K,), or the one that all have; seeds of a member share it."""
    if len(set(numbers)) == 1:
        return numbers[0]
    return torch.tensor(numbers, dtype=torch.float64).repeat_interleave(n_seeds)


def value_key(value: Any) -> object:
    """The same for equal values; of what cannot be pickled, as a lambda, for itself alone."""
    if value is None or isinstance(value, str | bool | int | float):
        return type(value), value
    try:
        return joblib.hash(value)
    except Exception:  # of any kind: a class says how it is pickled
        return id(value)
