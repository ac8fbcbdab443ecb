"""Zero mean and unit variance, fitted on the training samples alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset, check_dataset

__all__ = [
    "Standardizer",
    "fit_standardizer",
    "fit_target_standardizer",
    "standardize",
    "standardize_targets",
]


@dataclass(frozen=True, eq=False)
class Standardizer:
    """z = (x − mean) / std, and z = 0 where std = 0        x, z of the data set's inputs' shape

    mean, std   float64, broadcast against x: 1 on the axis of samples, and on every axis that
                one number serves

    No nan or inf in x becomes a number. Computed in float64 and given back in x's dtype, so a mean
    much larger than the spread costs no digits.
    """

    mean: Tensor
    std: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Standardize x. Raises ValueError where its shape is not that of the fitted inputs."""
        self._check(x)
        # A product, not a masked quotient: 0 · nan is nan, so what is not finite still shows.
        z = (x.double() - self.mean.to(x.device)) * self.factor.to(x.device)
        return z.to(x.dtype)

    @property
    def factor(self) -> Tensor:
        """1 / std, and 0 where std = 0."""
        return torch.where(self.std == 0, 0.0, 1 / self.std)

    def inverse(self, z: Tensor) -> Tensor:
        """Undo it, x = z · std + mean; a feature without variance comes back as its mean."""
        self._check(z)
        return (z.double() * self.std.to(z.device) + self.mean.to(z.device)).to(z.dtype)

    def _check(self, x: Tensor) -> None:
        fits = x.ndim == self.mean.ndim and all(
            # Only the first axis, where it counts replicas, may be shared by x.
            mean in (1, size) or (axis == 0 and size == 1)
            for axis, (mean, size) in enumerate(zip(self.mean.shape, x.shape, strict=True))
        )
        if not fits or not x.is_floating_point():
            raise ValueError(
                f"Standardizer: expected a floating tensor that fits mean "
                f"{tuple(self.mean.shape)}, got {tuple(x.shape)} {x.dtype}"
            )


@check_arguments
def standardize(
    train: Dataset, *others: Dataset, per: Literal["feature", "all"] = "feature"
) -> tuple[tuple[Dataset, ...], Standardizer]:
    """Standardize every data set's inputs by the mean and standard deviation of `train`.

    per="feature"   one mean and deviation per feature (pixel)
    per="all"       one for all features together: images keep their contrasts

    Each replica has its own. The deviation is that of the population, √(Σ (x − mean)² / N);
    a feature that never changes in `train` becomes 0. Bytes with a scale become numbers in memory.
    Use::

        (train, test), scale = standardize(train, test)

    Raises ValueError for an empty `train`, inputs that are not floating, or other data sets of
    other features or replicas.
    """
    if per not in ("feature", "all"):
        raise ValueError(f"standardize: expected per 'feature' or 'all', got {per!r}")
    for part in (train, *others):
        check_dataset("standardize", part)
    for other in others:
        if other.replicas != train.replicas:
            raise ValueError(
                f"standardize: expected replicas={train.replicas} as in train, got {other}"
            )
    scale = fit_standardizer(train, per)
    scaled = (
        replace(d, inputs=scale(d.scale_inputs(d.inputs)), scale=None) for d in (train, *others)
    )
    return tuple(scaled), scale


@check_arguments
def standardize_targets(
    train: Dataset, *others: Dataset
) -> tuple[tuple[Dataset, ...], Standardizer]:
    """The same for plain data sets' targets, each number of a target on its own.

    What a net then predicts goes back to the target's unit by the ``inverse`` of the Standardizer.
    Raises ValueError for targets that are no numbers (classes, several), or never change.
    """
    scale = fit_target_standardizer(train)
    scaled = (replace(d, targets=scale(_single_target(d.targets))) for d in (train, *others))
    return tuple(scaled), scale


def fit_target_standardizer(train: Dataset) -> Standardizer:
    """What :func:`standardize_targets` does to targets, and raises."""
    t = train.targets
    if not isinstance(t, Tensor) or not t.is_floating_point() or train.replicas is not None:
        raise ValueError(f"standardize_targets: expected targets (N, …) that are numbers: {train}")
    if not len(t) or (t == t[0]).all():
        raise ValueError(f"standardize_targets: expected targets that change: {train}")
    return _fit(t, 0, "feature")


def _single_target(targets: Tensor | dict[str, Tensor]) -> Tensor:
    if isinstance(targets, dict):
        raise ValueError(f"standardize_targets: expected one target, got {', '.join(targets)}")
    return targets


def fit_standardizer(train: Dataset, per: Literal["feature", "all"]) -> Standardizer:
    """What :func:`standardize` does to inputs. Raises ValueError where there are no numbers."""
    if train.inputs.numel() == 0 or not train.input_dtype.is_floating_point:
        raise ValueError(f"standardize: expected floating inputs of at least one, got {train}")
    return _fit(train.scale_inputs(train.inputs), 0 if train.replicas is None else 1, per)


def _fit(x: Tensor, samples: int, per: str) -> Standardizer:
    """The Standardizer of x, whose axis of samples is `samples`."""
    axes = (samples,) if per == "feature" else tuple(range(samples, x.ndim))
    std, mean = torch.std_mean(x.double(), axes, correction=0, keepdim=True)
    # Rounding may leave a constant feature a deviation of 1e-17, and dividing by that is noise.
    constant = x.amax(axes, keepdim=True) - x.amin(axes, keepdim=True) == 0
    return Standardizer(mean, std.masked_fill(constant, 0.0))
