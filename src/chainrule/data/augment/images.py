"""Images flipped, moved, turned, covered and made noisy; their target too where it is an image.

Inputs are (K, B, H, W) or (K, B, C, H, W). What is drawn is drawn once a sample, and its channels
are changed alike. With ``target=True`` the target is an image as well, changed as its input is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, final

import torch
from torch import Tensor

from chainrule._util.pytree import tree_map
from chainrule.data.augment.base import Augmentation, Targets, draw_numbers, expand_draws
from chainrule.data.augment.warp import Warp

__all__ = [
    "Cutout",
    "GaussianNoise",
    "PadImages",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomVerticalFlip",
]


class ImageAugmentation(Augmentation, ABC):
    """Draws some numbers for each sample, and changes its images by them."""

    draws: ClassVar[int] = 1
    """How many numbers a sample has."""

    def __init__(self, *, target: bool = False) -> None:
        self.target = target

    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        name = type(self).__name__
        if inputs.ndim not in (4, 5) or not inputs.is_floating_point():
            raise ValueError(
                f"{name}: expected floating images (K, B, H, W) or (K, B, C, H, W), got "
                f"{tuple(inputs.shape)} {inputs.dtype}"
            )
        u = draw_numbers(inputs, seeds, step, name, [self.draws])
        changed = self.change(inputs, u)
        return changed, tree_map(lambda t: self.change(t, u), targets) if self.target else targets

    @abstractmethod
    def change(self, x: Tensor, u: Tensor) -> Tensor:
        """Images x (K, B, …, H, W) changed by numbers u (K, B, draws), even in [0, 1)."""


class RandomFlip(ImageAugmentation, ABC):
    """Each image mirrored with probability ``p``."""

    axis: ClassVar[int]

    def __init__(self, p: float = 0.5, *, target: bool = False) -> None:
        super().__init__(target=target)
        self.p = check_probability(self, p)

    def change(self, x: Tensor, u: Tensor) -> Tensor:
        return torch.where(expand_draws(u[..., 0] < self.p, x), x.flip(self.axis), x)


@final
class RandomHorizontalFlip(RandomFlip):
    """Each image with probability ``p`` its left for its right        torchvision's"""

    axis = -1


@final
class RandomVerticalFlip(RandomFlip):
    """Each image with probability ``p`` upside down        torchvision's"""

    axis = -2


@final
class PadImages(ImageAugmentation):
    """Each image with ``padding`` pixels of the value ``fill`` around it        torchvision's Pad

    It makes images larger: follow it by a crop, or take a net that does with any size.
    """

    def __init__(self, padding: int, fill: float = 0.0, *, target: bool = False) -> None:
        super().__init__(target=target)
        if padding < 0:
            raise ValueError(f"PadImages: expected padding at least 0, got {padding}")
        self.padding, self.fill = padding, fill

    def change(self, x: Tensor, u: Tensor) -> Tensor:
        return torch.constant_pad_nd(x, [self.padding] * 4, self.fill)


@final
class RandomCrop(ImageAugmentation):
    """``size`` × ``size`` pixels of each image, from any place in it        torchvision's

    First ``padding`` pixels of the value ``fill`` are put around: of a size as the image's this
    moves it by at most so many pixels. Raises ValueError for a size below 1, or a padding below 0;
    and, of a batch, for images that are smaller.
    """

    draws = 2

    def __init__(
        self, size: int, padding: int = 0, fill: float = 0.0, *, target: bool = False
    ) -> None:
        super().__init__(target=target)
        if size < 1 or padding < 0:
            raise ValueError(
                f"RandomCrop: expected size at least 1 and padding at least 0, got {size} and "
                f"{padding}"
            )
        self.size, self.padding, self.fill = size, padding, fill

    def change(self, x: Tensor, u: Tensor) -> Tensor:
        x = torch.constant_pad_nd(x, [self.padding] * 4, self.fill)
        H, W = x.shape[-2:]
        if min(H, W) < self.size:
            raise ValueError(
                f"RandomCrop: expected images of at least {self.size} × {self.size} with their "
                f"padding, got {H} × {W}"
            )
        spare = torch.tensor([H, W], device=x.device) - self.size + 1
        top, left = (u * spare).long().unbind(-1)
        side = torch.arange(self.size, device=x.device)
        rows = (top[..., None] + side)[..., :, None] * W
        places = (rows + (left[..., None] + side)[..., None, :]).flatten(-2)
        between = x.shape[2:-2]
        index = places.reshape(*places.shape[:2], *[1] * len(between), -1)
        taken = x.flatten(-2).gather(-1, index.expand(*places.shape[:2], *between, -1))
        return taken.reshape(*taken.shape[:-1], self.size, self.size)


@final
class RandomRotation(ImageAugmentation):
    """Each image turned by an angle even in ±``degrees``, see :class:`Warp`        torchvision's

    Raises ValueError for degrees below 0.
    """

    def __init__(self, degrees: float, *, target: bool = False) -> None:
        super().__init__(target=target)
        self.degrees = degrees
        self.warp = Warp(shift=0, rotate=degrees, scale=0, shear=0, elastic=0)

    def change(self, x: Tensor, u: Tensor) -> Tensor:
        per_image = (2 * u[..., 0] - 1).reshape(*u.shape[:2], *[1] * (x.ndim - 4))
        return self.warp.rotate_images(x, per_image.expand(x.shape[:-2]))


@final
class Cutout(ImageAugmentation):
    """A square of ``size`` × ``size`` pixels of each image covered with the value ``fill``

    Its centre is any pixel, so that part of it may be outside. (DeVries and Taylor, 2017.) Raises
    ValueError for a size below 1.
    """

    draws = 2

    def __init__(self, size: int, fill: float = 0.0, *, target: bool = False) -> None:
        super().__init__(target=target)
        if size < 1:
            raise ValueError(f"Cutout: expected size at least 1, got {size}")
        self.size, self.fill = size, fill

    def change(self, x: Tensor, u: Tensor) -> Tensor:
        H, W = x.shape[-2:]
        first = (u * torch.tensor([H, W], device=x.device)).long() - self.size // 2

        def covers(first: Tensor, n: int) -> Tensor:
            past = torch.arange(n, device=x.device) - first.unsqueeze(-1)
            return (past >= 0) & (past < self.size)

        rows, columns = covers(first[..., 0], H), covers(first[..., 1], W)
        covered = rows.unsqueeze(-1) & columns.unsqueeze(-2)
        ones = [1] * (x.ndim - 4)
        return x.masked_fill(covered.reshape(*covered.shape[:2], *ones, H, W), self.fill)


@final
class GaussianNoise(Augmentation):
    """x + σ z, z normal, for inputs x of any shape        torchvision's, which clips by default

    ``sigma`` is σ; with ``clip`` the values are kept in [0, 1]. Targets stay. Raises ValueError for
    a σ below 0.
    """

    def __init__(self, sigma: float = 0.1, *, clip: bool = False) -> None:
        if not sigma >= 0:
            raise ValueError(f"GaussianNoise: expected sigma at least 0, got {sigma}")
        self.sigma, self.clip = sigma, clip

    def __call__(
        self, inputs: Tensor, targets: Targets, seeds: Sequence[int], step: int
    ) -> tuple[Tensor, Targets]:
        z = draw_numbers(inputs, seeds, step, "GaussianNoise", inputs.shape[2:], torch.randn)
        noisy = inputs + self.sigma * z.to(inputs.dtype)
        return noisy.clamp(0, 1) if self.clip else noisy, targets


def check_probability(owner: object, p: float) -> float:
    """Raise ValueError where it is none."""
    if not 0 <= p <= 1:
        raise ValueError(f"{type(owner).__name__}: expected p from 0 to 1, got {p}")
    return p
