"""What changes the samples at random, anew in each training step.

A function of (inputs, seeds, step) gives other inputs; an :class:`Augmentation` other inputs with
the targets that they have then. Draws depend on a replica's seed and the step alone.
"""

from chainrule.data.augment.base import Augment, Augmentation, augment_samples
from chainrule.data.augment.compose import Compose
from chainrule.data.augment.images import (
    Cutout,
    GaussianNoise,
    PadImages,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
)
from chainrule.data.augment.mixing import MixUp, SwapPair
from chainrule.data.augment.warp import Warp

__all__ = [
    "Augment",
    "Augmentation",
    "Compose",
    "Cutout",
    "GaussianNoise",
    "MixUp",
    "PadImages",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
    "SwapPair",
    "Warp",
    "augment_samples",
]
