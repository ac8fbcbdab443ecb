"""Metrics of images that were to be restored: how near each is to what is right.

output and target (…, N, C, H, W), result (…, N): a number an image, of which the mean is taken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments

__all__ = ["PSNR", "SSIM"]

Targets: TypeAlias = Any
"""A tensor, or a dict of them by name."""


@dataclass(frozen=True)
class ImageMetric(ABC):
    """A metric of images whose values may lie ``data_range`` apart.

    ``target`` names the one to compare with, where there are several. Raises ValueError for a
    range that is not above 0.
    """

    data_range: float = 1.0
    target: str | None = None

    def __post_init__(self) -> None:
        if not self.data_range > 0:
            name = type(self).__name__
            raise ValueError(f"{name}: expected a data_range above 0, got {self.data_range}")

    def __call__(self, output: Tensor, target: Targets) -> Tensor:
        return self.measure(output, target if self.target is None else target[self.target])

    @abstractmethod
    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        """The metric of each image, (…, N), of outputs and targets (…, N, C, H, W)."""


@final
@check_arguments
@dataclass(frozen=True)
class PSNR(ImageMetric):
    """10 log₁₀(R² / mean (o − t)²), in decibels: the peak signal-to-noise ratio of each image

    ``data_range`` is R, the distance between the least and the largest value that there may be.
    Infinite where an image is met exactly. ``target`` names the one to compare with of several.
    Raises ValueError for a range that is not above 0.
    """

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        error = (output - target).double().square().mean((-3, -2, -1))
        return 10 * torch.log10(self.data_range**2 / error)


@final
@check_arguments
@dataclass(frozen=True)
class SSIM(ImageMetric):
    """(2 μₒμₜ + c₁)(2 σₒₜ + c₂) / ((μₒ² + μₜ² + c₁)(σₒ² + σₜ² + c₂)): structural similarity

    The mean over the channels and all windows of 11 × 11 pixels that lie in the image, of means,
    variances and covariance under a normal weight with deviation 1.5. c₁ = (0.01 R)²,
    c₂ = (0.03 R)², R the ``data_range``. 1 for the same image. ``target`` as for :class:`PSNR`.
    (Wang, Bovik, Sheikh and Simoncelli, Image quality assessment, 2004.) Raises ValueError for
    images smaller than a window.
    """

    def measure(self, output: Tensor, target: Tensor) -> Tensor:
        H, W = target.shape[-2:]
        if min(H, W) < WINDOW:
            raise ValueError(f"SSIM: expected images of {WINDOW} × {WINDOW} or more, got {H} × {W}")
        down, across = window_means(H).to(output.device), window_means(W).mT.to(output.device)

        def average(x: Tensor) -> Tensor:
            return down @ x @ across

        o, t = output.double(), target.double()
        mean_o, mean_t = average(o), average(t)
        var_o, var_t = average(o * o) - mean_o**2, average(t * t) - mean_t**2
        covariance = average(o * t) - mean_o * mean_t
        c1, c2 = (0.01 * self.data_range) ** 2, (0.03 * self.data_range) ** 2
        alike = (2 * mean_o * mean_t + c1) * (2 * covariance + c2)
        return (alike / ((mean_o**2 + mean_t**2 + c1) * (var_o + var_t + c2))).mean((-3, -2, -1))


WINDOW = 11
"""Pixels along each side of what is looked at together."""


def window_means(n: int) -> Tensor:
    """The weighted mean of each window along an axis of n, as a matrix (n − 10, n)."""
    places = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weight = torch.exp(-(places**2) / (2 * 1.5**2))
    rows = torch.arange(n - WINDOW + 1).unsqueeze(1)
    means = torch.zeros(len(rows), n, dtype=torch.float64)
    columns = rows + torch.arange(WINDOW)
    return means.scatter_(1, columns, (weight / weight.sum()).expand(columns.shape))
