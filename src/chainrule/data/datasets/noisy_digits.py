"""Handwritten digits with noise, to be taken out again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import torch

from chainrule._util.argument_checks import check_arguments
from chainrule.data.dataset import Dataset, Seeds, stack_draws
from chainrule.data.datasets.digits import Collection, image_sources, load_digits
from chainrule.data.files.mnist import Split
from chainrule.seeds import generator

__all__ = ["NoisyTarget", "noisy_digits"]

NoisyTarget: TypeAlias = Literal["clean", "noisy", "both"]


@check_arguments
def noisy_digits(
    split: Split = "train",
    *,
    target: NoisyTarget = "clean",
    noise: float = 0.5,
    size: int = 28,
    seed: Seeds = 0,
    collection: Collection = "mnist",
    root: str | Path | None = None,
    download: bool = False,
) -> Dataset:
    """The images of :func:`digits` with noise added, and as target the image without.

    inputs (N, 1, size, size) float32: the image in [0, 1], plus normal noise
    targets (N, 1, size, size) float32: ``clean``: the image; ``noisy``: it with other noise;
    ``both``: a dict of the two

    ``noise`` is the standard deviation at each pixel; values are not cut to [0, 1], so that their
    mean is the image. A net of squared errors learns the mean of its targets, which is why noisy
    ones teach it the same: Lehtinen et al., Noise2Noise, 2018. The inputs of both targets are the
    same. ``size`` 14 or 7 takes the means of fields of pixels first. K seeds give the same images
    in K draws of noise. `collection`, `root` and `download` as in :func:`digits`.

    Raises ValueError for another target or size, and for noise below 0.
    """
    if target not in ("clean", "noisy", "both"):
        raise ValueError(
            f"noisy_digits: expected target 'clean', 'noisy' or 'both', got {target!r}"
        )
    if size not in (28, 14, 7):
        raise ValueError(f"noisy_digits: expected size 28, 14 or 7, got {size}")
    if not noise >= 0:
        raise ValueError(f"noisy_digits: expected noise at least 0, got {noise}")
    images, labels = load_digits(split, root, download, collection)
    side = 28 // size
    clean = images.reshape(-1, 1, size, side, size, side).mean((3, 5))

    def draw(one: int) -> Dataset:
        def add_noise(name: str) -> torch.Tensor:
            g = generator(one, "data", "noisy_digits", split, name)
            return clean + noise * torch.randn(clean.shape, generator=g, dtype=torch.float32)

        noisy = clean if target == "clean" else add_noise("target")
        wanted = {"clean": clean, "noisy": noisy} if target == "both" else noisy
        return Dataset(add_noise("input"), wanted, sources=image_sources(len(labels), split))

    return stack_draws(draw, seed)
