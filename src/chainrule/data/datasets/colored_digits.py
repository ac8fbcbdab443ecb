"""Handwritten digits in colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import torch

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset, Seeds, stack_draws
from chainrule.data.datasets.digits import Collection, image_sources, load_digits
from chainrule.data.files.mnist import Split
from chainrule.data.transforms.deskew import deskew
from chainrule.seeds import generator

__all__ = ["COLORS", "Color", "colored_digits"]

COLORS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "magenta": (1.0, 0.0, 1.0),
    "cyan": (0.0, 1.0, 1.0),
    "white": (1.0, 1.0, 1.0),
}
"""Red, green and blue, each from 0 to 1, of the colours that have a name."""

Color: TypeAlias = str | Sequence[float]
"""A name of ``COLORS``, or its own red, green and blue from 0 to 1."""


@check_arguments
def colored_digits(
    split: Split = "train",
    *,
    colors: Sequence[Color] = ("red", "green", "blue", "yellow", "magenta", "cyan"),
    noise: float = 0.1,
    size: int = 28,
    spread: float | None = None,
    seed: Seeds = 0,
    collection: Collection = "mnist",
    root: str | Path | None = None,
    download: bool = False,
) -> Dataset:
    """The images of :func:`digits`, each in one of the colours, drawn evenly, on black.

    inputs (N, 3, size, size) float32 in [0, 1]: the digit's grey times the colour
    targets["digit"] (N,) int64 in 0 … 9, targets["color"] (N,) int64, the place in ``colors``

    ``noise`` is the standard deviation that is added to red, green and blue, anew for each image.
    ``size`` 14 or 7 takes the means of fields of pixels; with ``spread`` the digits are then set
    :func:`upright`, and spread over so many pixels. A sequence of K seeds gives the same
    images in K draws of colours as one data set with replicas. `collection`, `root` and `download`
    as in :func:`digits`. Raises ValueError for what is no colour, size or noise.
    """
    palette = torch.tensor([parse_color(color) for color in colors], dtype=torch.float32)
    if not len(palette):
        raise ValueError("colored_digits: expected at least one colour, got none")
    if size not in (28, 14, 7):
        raise ValueError(f"colored_digits: expected size 28, 14 or 7, got {size}")
    if not noise >= 0:
        raise ValueError(f"colored_digits: expected noise at least 0, got {noise}")
    images, labels = load_digits(split, root, download, collection)
    side = 28 // size
    gray = images.reshape(-1, 1, size, side, size, side).mean((3, 5))
    if spread is not None:
        gray = deskew(gray, spread)

    def draw(one: int) -> Dataset:
        g = generator(one, "data", "colored", split)
        which = torch.randint(len(palette), (len(labels),), generator=g)
        shift = noise * torch.randn(len(labels), 3, generator=g, dtype=torch.float32)
        paint = (palette[which] + shift).clamp(0, 1)
        targets = {"digit": labels, "color": which}
        sources = image_sources(len(labels), split)
        return Dataset(gray * paint[:, :, None, None], targets, sources=sources)

    return stack_draws(draw, seed)


def parse_color(color: Color) -> list[float]:
    """Red, green and blue of a colour. Raises ValueError, with the known names, for none."""
    found = COLORS.get(color) if isinstance(color, str) else color
    if found is None or len(found) != 3 or not all(0 <= part <= 1 for part in found):
        raise ValueError(
            f"no colour {color!r}; expected red, green and blue from 0 to 1, or one of: "
            f"{', '.join(COLORS)}"
        )
    return [float(part) for part in found]
