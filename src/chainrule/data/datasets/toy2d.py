"""Classes of points in the plane, drawn afresh for every seed.

Each function gives a data set of inputs (n, 2) float32 and targets (n,) int64 in {0, 1}. A
sequence of K seeds gives K fresh draws as one data set with replicas, inputs (K, n, 2), in which
replica k is bit for bit the plain draw of seed k. `n` may be 0; a negative one is a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset, Seeds, stack_draws
from chainrule.seeds import generator

__all__ = ["bullseye", "checkerboard", "circles", "disk", "moons", "spirals", "xor"]


@check_arguments
def disk(n: int, seed: Seeds = 0) -> Dataset:
    """Points uniform in the unit square; 1 inside the disk of radius 1/√(2π) at (½, ½).

    The disk covers half of the square, so the classes are equally likely.
    """

    def label(x: Tensor) -> Tensor:
        return (x - 0.5).square().sum(-1) < 1 / (2 * math.pi)

    return _draw_regions("disk", n, seed, label)


@check_arguments
def bullseye(n: int, share: float = 0.5, gap: float = 0.2, seed: Seeds = 0) -> Dataset:
    """Points even on a disk of radius ½ around the origin, 1, and on a ring to radius 1, 0.

    `share` of them are expected on the disk; between it and the ring is a `gap` without points.
    """
    if not (0 <= share <= 1 and 0 <= gap < 0.5):
        raise ValueError(
            f"bullseye: expected share in [0, 1] and gap in [0, ½), got {share} and {gap}"
        )

    def draw(g: Generator) -> tuple[Tensor, Tensor]:
        chance, u, turn = torch.rand(3, n, generator=g, dtype=torch.float32)
        inside = (chance < share).to(torch.float32)
        low, high = (1 - inside) * (0.5 + gap) ** 2, 1 - 0.75 * inside
        radius = (low + (high - low) * u).sqrt()  # as many points per area everywhere
        return torch.stack(_polar_to_cartesian(1.0, 2 * math.pi * turn), -1) * radius[
            :, None
        ], inside.long()

    return _draw_points("bullseye", n, seed, draw)


@check_arguments
def xor(n: int, seed: Seeds = 0) -> Dataset:
    """Points uniform in [−1, 1]²; 1 where exactly one coordinate is negative."""

    def label(x: Tensor) -> Tensor:
        return (x < 0).sum(-1) == 1

    return _draw_regions("xor", n, seed, label, low=-1.0)


@check_arguments
def checkerboard(n: int, cells: int = 4, seed: Seeds = 0) -> Dataset:
    """Points uniform in the unit square, which has cells × cells fields; the corner's is 0."""
    if cells < 1:
        raise ValueError(f"checkerboard: expected at least 1 cell a side, got {cells}")

    def label(x: Tensor) -> Tensor:
        return (x * cells).floor().sum(-1) % 2 == 1

    return _draw_regions("checkerboard", n, seed, label)


@check_arguments
def moons(n: int, noise: float = 0.1, seed: Seeds = 0) -> Dataset:
    """Two interleaved half circles of radius 1: 0 the upper, at (0, 0); 1 the lower, at (1, ½).

    `noise` is the standard deviation that is added to each coordinate.
    """

    def point(u: Tensor, sign: Tensor) -> Tensor:
        x, y = _polar_to_cartesian(1.0, math.pi * u)
        return torch.stack((x * sign + (1 - sign) / 2, y * sign + (1 - sign) / 4), -1)

    return _draw_curves("moons", n, noise, seed, point)


@check_arguments
def circles(n: int, noise: float = 0.05, factor: float = 0.5, seed: Seeds = 0) -> Dataset:
    """Two circles around the origin: 0 of radius 1, 1 of radius `factor`; `noise` as in moons."""

    def point(u: Tensor, sign: Tensor) -> Tensor:
        radius = sign.where(sign > 0, factor)
        return torch.stack(_polar_to_cartesian(radius, 2 * math.pi * u), -1)

    return _draw_curves("circles", n, noise, seed, point)


@check_arguments
def spirals(n: int, noise: float = 0.02, turns: float = 1.5, seed: Seeds = 0) -> Dataset:
    """Two spiral arms from the origin to radius 1, half a turn apart; `noise` as in moons."""

    def point(u: Tensor, sign: Tensor) -> Tensor:
        radius = u.sqrt()  # as many points per length of arm near the centre as outside
        x, y = _polar_to_cartesian(radius, 2 * math.pi * turns * radius)
        return torch.stack((x * sign, y * sign), -1)

    return _draw_curves("spirals", n, noise, seed, point)


PROBLEMS: dict[str, Callable[..., Dataset]] = {
    "disk": disk,
    "bullseye": bullseye,
    "xor": xor,
    "checkerboard": checkerboard,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
}
"""Name → what draws n points of a problem in the plane."""


def _draw_regions(
    name: str, n: int, seed: Seeds, label: Callable[[Tensor], Tensor], low: float = 0.0
) -> Dataset:
    """Points uniform in [low, 1]², each with the class that `label` gives it."""

    def draw(g: Generator) -> tuple[Tensor, Tensor]:
        x = low + (1 - low) * torch.rand(n, 2, generator=g, dtype=torch.float32)
        return x, label(x).long()

    return _draw_points(name, n, seed, draw)


def _draw_curves(
    name: str, n: int, noise: float, seed: Seeds, point: Callable[[Tensor, Tensor], Tensor]
) -> Dataset:
    """Noisy points of two curves in turn: `point(u, sign)`, u in [0, 1), sign 1 or −1."""
    if not noise >= 0:
        raise ValueError(f"{name}: expected noise at least 0, got {noise}")

    def draw(g: Generator) -> tuple[Tensor, Tensor]:
        labels = torch.arange(n) % 2
        u = torch.rand(n, generator=g, dtype=torch.float32)
        x = point(u, (1 - 2 * labels).to(torch.float32))
        return x + noise * torch.randn(n, 2, generator=g, dtype=torch.float32), labels

    return _draw_points(name, n, seed, draw)


def _draw_points(
    name: str, n: int, seed: Seeds, draw: Callable[[Generator], tuple[Tensor, Tensor]]
) -> Dataset:
    if n < 0:
        raise ValueError(f"{name}: expected n at least 0, got {n}")
    return stack_draws(lambda one: Dataset(*draw(generator(one, "data", name))), seed)


def _polar_to_cartesian(radius: float | Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    return radius * angle.cos(), radius * angle.sin()
