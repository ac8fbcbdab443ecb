"""Several augmentations, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from torch import Tensor

from chainrule.data.augment.base import Augment, Augmentation, Targets, augment_samples
from chainrule.seeds import derive

__all__ = ["Compose"]


@final
class Compose(Augmentation):
    """``transforms`` one after the other        torchvision's

    Each may be of either kind, and draws for itself: two of one kind draw different numbers. In a
    study's file each is a name, or a table with one. Raises ValueError where there is none.
    """

    def __init__(self, transforms: Sequence[Augment]) -> None:
        if not transforms:
            raise ValueError("Compose: expected at least one augmentation, got none")
        self.transforms = list(transforms)

    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        for i, transform in enumerate(self.transforms):
            own = [derive(seed, "compose", i) for seed in seeds]
            inputs, targets = augment_samples(transform, inputs, targets, own, step)
        return inputs, targets
