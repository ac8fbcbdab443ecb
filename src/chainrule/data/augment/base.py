"""What an augmentation is.

Letters: K replicas, B samples of a batch, C channels, H × W pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from chainrule._util.argument_checks import CheckedConstructor
from chainrule._util.words import count_noun
from chainrule.seeds import generator

__all__ = ["Augment", "Augmentation", "augment_samples", "draw_numbers", "expand_draws"]

Targets: TypeAlias = Any
"""A tensor (K, B, …), or a dict of them."""


class Augmentation(CheckedConstructor, ABC):
    """Changes a batch of samples together with their targets."""

    @abstractmethod
    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        """Other samples and their targets, of inputs (K, B, …) and targets (K, B, …).

        There are K seeds; what replica k gets depends on its samples, its seed and the step alone.
        Nothing given is written into. Raises ValueError for samples of another kind.
        """


Augment: TypeAlias = Callable[[Tensor, Sequence[int], int], Tensor] | Augmentation
"""(inputs (K, B, …), a seed a replica, number of the step) → inputs; or an
:class:`Augmentation`."""


def augment_samples(
    augment: Augment, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
) -> tuple[Tensor, Targets]:
    """The batch as an augmentation of either kind changes it."""
    if isinstance(augment, Augmentation):
        return augment(inputs, targets, seeds, step)
    return augment(inputs, seeds, step), targets


def draw_numbers(
    inputs: Tensor,
    seeds: Sequence[int],
    step: int,
    name: str,
    shape: Sequence[int] = (),
    draw: Callable[..., Tensor] = torch.rand,
) -> Tensor:
    """Numbers for each sample of inputs (K, B, …), by their purpose: (K, B, *shape).

    Even in [0, 1), or by another function of torch. Raises ValueError for another number of seeds.
    """
    if inputs.ndim < 2 or len(inputs) != len(seeds):
        raise ValueError(
            f"{name}: expected inputs (K, B, …) for K = {count_noun(len(seeds), 'seed')}, got "
            f"{tuple(inputs.shape)}"
        )
    rows = [
        draw(
            inputs.shape[1],
            *shape,
            generator=generator(seed, "augment", name, step),
            dtype=torch.float32,
        )
        for seed in seeds
    ]
    return torch.stack(rows).to(inputs.device)


def expand_draws(draws: Tensor, x: Tensor) -> Tensor:
    """Draws (K, B) with axes of 1 for the others of x (K, B, …)."""
    return draws.reshape(*draws.shape, *[1] * (x.ndim - 2))
