"""Images moved and bent at random, anew in each training step."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians
from typing import final

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule._util.words import count_noun
from chainrule.data.transforms.interpolation import interpolate_cubic
from chainrule.seeds import generator

__all__ = ["Warp"]

GRID = 4
"""An elastic field has GRID × GRID random displacements, bilinear between them."""


@check_arguments
@final
class Warp:
    """y(p) = x(c + A (p − c) + t + e(p)), p the pixels, c the centre        x (…, H, W)

    Every image has its own A, t and e, drawn evenly between −a and a for a bound a: ``shift`` t in
    pixels, ``rotate`` in degrees, ``scale`` the relative stretch along each axis, ``shear`` in
    pixels a pixel, and ``elastic`` the displacements, in pixels, that a smooth field e goes
    through. A bound of 0 leaves that part out.

    x between the pixels is Keys' cubic convolution of the 4 × 4 around, which keeps images
    sharper than a bilinear one; beyond the edge it is the image's smallest value, its background.
    Values may overshoot the image's range a little. With ``channels`` = C the last axis before
    H × W is one of C, the channels of one image, which move alike: x (…, C, H, W).

    Keys, Cubic convolution interpolation for digital image processing, 1981; Simard, Steinkraus
    and Platt, Best practices for convolutional neural networks, 2003, for the elastic field.
    Raises ValueError for a negative bound.
    """

    def __init__(
        self,
        shift: float = 1.0,
        rotate: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.1,
        elastic: float = 1.0,
        *,
        gamma: float = 0.0,
        channels: int = 1,
    ) -> None:
        self.shift, self.rotate, self.scale = shift, rotate, scale
        self.shear, self.elastic, self.gamma = shear, elastic, gamma
        for name, bound in vars(self).items():
            if not bound >= 0:
                raise ValueError(f"Warp: expected {name} at least 0, got {bound}")
        if channels < 1:
            raise ValueError(f"Warp: expected channels at least 1, got {channels}")
        self.channels = channels

    def __call__(self, x: Tensor, seeds: Sequence[int], step: int) -> Tensor:
        """Every image of x (…, H, W) warped; the images, in order, are shared out to the seeds.

        A seed's draws depend on it and the step alone: a cohort's (K, B, …) with K seeds is K
        times (B, …) with one. Raises ValueError where x is not floating images that K shares, or
        has other channels.
        """
        K, C = len(seeds), self.channels
        if x.ndim < 3 or not x.is_floating_point() or not K or x.shape[:-2].numel() % K:
            raise ValueError(
                "Warp: expected floating images (…, H, W), as many for each of "
                f"{count_noun(K, 'seed')}, got {tuple(x.shape)} {x.dtype}"
            )
        if C > 1 and (x.ndim < 4 or x.shape[-3] != C):
            raise ValueError(f"Warp: expected images (…, {C}, H, W), got {tuple(x.shape)}")
        n = x.shape[:-2].numel() // (K * C)
        draws = torch.cat([draw_parameters(n, s, step).repeat_interleave(C, 0) for s in seeds]).to(
            x
        )
        return self._move(x, draws)

    def rotate_images(self, x: Tensor, share: Tensor) -> Tensor:
        """Images x (…, H, W), each turned by its share (…) in [−1, 1] of ``rotate`` alone."""
        draws = torch.zeros(share.numel(), 7 + 2 * GRID**2).to(x)
        draws[:, 0] = share.flatten()
        return self._move(x, draws)

    def _move(self, x: Tensor, draws: Tensor) -> Tensor:
        """Images x (…, H, W) as a row of draws for each says."""
        images = x.reshape(-1, *x.shape[-2:])
        places = self._source_positions(draws, *x.shape[-2:])
        ground = images.amin((1, 2), keepdim=True)
        moved = interpolate_cubic(images - ground, *places.unbind(1)).view_as(images)
        if self.gamma:
            height = images.amax((1, 2), keepdim=True) - ground
            moved = gamma_correct(moved, height, (draws[:, -1] * self.gamma).exp())
        return (moved + ground).view(x.shape)

    def _source_positions(self, draws: Tensor, H: int, W: int) -> Tensor:
        """Where each pixel's value is taken from: (N, 2, H · W), rows and columns."""
        angle = draws[:, 0] * radians(self.rotate)
        stretch = 1 + draws[:, 1:3] * self.scale
        cos, sin, shear = angle.cos(), angle.sin(), draws[:, 3] * self.shear
        down = torch.stack([cos * stretch[:, 0] - sin * shear, -sin * stretch[:, 1]], -1)
        across = torch.stack([sin * stretch[:, 0] + cos * shear, cos * stretch[:, 1]], -1)
        sizes = torch.tensor([H, W]).to(draws)
        centre = (sizes - 1) / 2
        pixels = torch.cartesian_prod(torch.arange(H), torch.arange(W)).to(draws) - centre
        places = torch.stack([down, across], 1) @ pixels.mT
        places += (centre + draws[:, 4:6] * self.shift).unsqueeze(-1)
        if self.elastic:
            field = draws[:, 6:-1].reshape(-1, 2, GRID**2) * self.elastic
            places += field @ torch.kron(linear_basis(H), linear_basis(W)).to(draws)
        return places


def draw_parameters(n: int, seed: int, step: int) -> Tensor:
    """n times a number between −1 and 1 for each bound, for each direction where there are two."""
    source = generator(seed, "augment", step)
    moves = torch.rand(n, 6 + 2 * GRID**2, generator=source)
    return torch.cat([moves, torch.rand(n, 1, generator=source)], 1).mul(2).sub(1)


def gamma_correct(x: Tensor, height: Tensor, power: Tensor) -> Tensor:
    """height · (x / height)^power, x (N, H, W) taken as within 0 … height (N, 1, 1)."""
    share = (x / height.clamp(min=torch.finfo(x.dtype).tiny)).clamp(0, 1)
    return height * share.pow(power[:, None, None])


def linear_basis(n: int) -> Tensor:
    """The shares of GRID evenly spaced points in each of n pixels, bilinear: (GRID, n)."""
    at = torch.linspace(0, GRID - 1, n)
    return (1 - (at - torch.arange(GRID).unsqueeze(-1)).abs()).clamp(min=0)
