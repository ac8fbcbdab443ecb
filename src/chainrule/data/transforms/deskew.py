"""Images of figures set upright and brought to one width, by their moments."""

from __future__ import annotations

import torch
from torch import Tensor

from chainrule._util.argument_checks import check_arguments
from chainrule.data.transforms.interpolation import interpolate_cubic

__all__ = ["deskew"]

MIN_STRETCH, MAX_STRETCH = 0.4, 2.5
"""So much an image is stretched or squeezed at most: a dot is not blown up to a bar."""


@check_arguments
def deskew(x: Tensor, spread: float) -> Tensor:
    """y(i, j) = x(r + i, c + a i + b j), i and j counted from the centre        x (…, H, W)

    (r, c) is the centre of mass of an image, a = v_rc / v_rr its slant, at most 1, from its
    variances along rows r and columns c; b = s / ``spread``, s² = v_cc − a v_rc: the variance
    along a row once it is upright. So every y stands upright in the middle, and has a standard
    deviation of ``spread`` pixels along its rows. b lies between 0.4 and 2.5.

    x between the pixels is interpolated as by :class:`Warp`; values stay between 0, the
    background, and the largest of x. An image without any mass stays as it is. LeCun et al.,
    Gradient-based learning applied to document recognition, 1998 (deslanting); Cireşan et al.,
    Convolutional neural network committees, 2011 (widths). Raises ValueError for a spread that
    is not positive and for x that is not floating images or negative somewhere.
    """
    if not spread > 0:
        raise ValueError(f"upright: expected a spread above 0, got {spread}")
    if x.ndim < 2 or not x.is_floating_point() or (x < 0).any():
        raise ValueError(
            f"upright: expected floating images (…, H, W), 0 and above, got {x.dtype} "
            f"{tuple(x.shape)}{', some below 0' if (x < 0).any() else ''}"
        )
    images = x.reshape(-1, *x.shape[-2:])
    H, W = x.shape[-2:]
    rows, columns = torch.cartesian_prod(torch.arange(H), torch.arange(W)).to(x).unbind(1)
    mass = images.flatten(1)
    share = mass / mass.sum(1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
    r, c = share @ rows, share @ columns
    down, across = rows - r[:, None], columns - c[:, None]
    v_rr, v_rc, v_cc = ((share * of).sum(1) for of in (down * down, down * across, across * across))
    a = (v_rc / v_rr.clamp(min=1e-3)).clamp(-1, 1)
    b = ((v_cc - a * v_rc).clamp(min=0).sqrt() / spread).clamp(MIN_STRETCH, MAX_STRETCH)
    i, j = rows - (H - 1) / 2, columns - (W - 1) / 2
    y = interpolate_cubic(images, r[:, None] + i, c[:, None] + a[:, None] * i + b[:, None] * j)
    most = images.amax((1, 2))[:, None]
    empty = mass.sum(1) == 0
    return torch.where(empty[:, None], mass, y.clamp(min=0).minimum(most)).view(x.shape)
