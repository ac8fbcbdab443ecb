"""Networks that take the noise out of an image."""

from __future__ import annotations

from typing import Literal

from chainrule import nn
from chainrule._util.argument_checks import check_arguments
from chainrule.nn import Module, Sequential

__all__ = ["denoise_net"]

WAYS = ("upsample", "transpose", "none")


@check_arguments
def denoise_net(
    up: Literal["upsample", "transpose", "none"] = "upsample", channels: int = 16
) -> Sequential:
    """Convolutions at half the height and width, and back up to an image.

    Input (N, 1, H, W), H and W even, output the same. Up goes ``upsample``, each pixel four times
    and a convolution, or ``transpose``, a transposed convolution; with ``none`` all convolutions
    have the whole image. Raises ValueError for another way.
    """
    if up not in WAYS:
        raise ValueError(f"denoise_net: expected up to be one of {', '.join(WAYS)}, got {up!r}")
    C = channels
    back: list[Module] = [nn.Conv2d(2 * C, C, 3, padding=1)]
    if up == "upsample":
        back = [nn.Upsample(scale_factor=2), *back]
    elif up == "transpose":
        back = [nn.ConvTranspose2d(2 * C, C, 4, stride=2, padding=1)]
    return Sequential(
        nn.Conv2d(1, C, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(C, 2 * C, 3, stride=1 if up == "none" else 2, padding=1),
        nn.ReLU(),
        nn.Conv2d(2 * C, 2 * C, 3, padding=1),
        nn.ReLU(),
        *back,
        nn.ReLU(),
        nn.Conv2d(C, 1, 3, padding=1),
    )
