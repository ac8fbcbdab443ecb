"""Layers that change sizes: what their arguments and inputs may be."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn

IMAGE = torch.zeros(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Upsample(), "give one of size and scale_factor"),
        (lambda: nn.Upsample(2, 2.0), "give one of size and scale_factor"),
        (lambda: nn.Upsample(2, mode="cubic"), "mode is one of nearest, linear, bilinear"),
        (lambda: nn.Upsample(0), "size and scale_factor are positive numbers, got 0"),
        (lambda: nn.Upsample(2, align_corners=True), "align_corners is for the modes linear"),
        (lambda: nn.Upsample(2, mode="linear")(IMAGE), r"expected input \(N, C, L\), not empty"),
        (lambda: nn.Upsample((2, 3))(IMAGE[0]), "expected 2 axes to resize"),
        (lambda: nn.Upsample(scale_factor=0.2)(IMAGE), "expected an output, not empty, got"),
        (lambda: nn.ReflectionPad1d(3)(IMAGE[0][..., :3]), "expected L ≥ 4, got"),
        (lambda: nn.CircularPad2d(5)(IMAGE), "expected H ≥ 5, W ≥ 5, got"),
        (lambda: nn.ConstantPad1d((-3, -2), 0.0)(IMAGE[0]), "expected L ≥ 5, got"),
        (lambda: nn.ReplicationPad1d(-1), "padding is 0 or more, got -1"),
        (lambda: nn.ZeroPad2d((1, 2)), r"a whole number, or a tuple of 4; got \(1, 2\)"),
        (lambda: nn.ConvTranspose2d(2, 3, 3, output_padding=1), "output_padding is less than"),
        (lambda: nn.ConvTranspose1d(2, 3, 1, padding=2)(IMAGE[0, :2]), "large enough, got"),
        (lambda: nn.ConvTranspose1d(3, 4, 2, groups=2), "groups must divide in_channels"),
        (lambda: nn.ConvTranspose1d(3, 3, 2, padding_mode="circular"), "padding_mode is 'zeros'"),
        (lambda: nn.MaxPool2d(2, return_indices=True), "way back .* is Upsample or Conv"),
        (lambda: nn.AdaptiveMaxPool2d(2, True), "return_indices must be False"),
        (lambda: nn.MaxPool1d(5)(IMAGE[0]), "expected L no smaller than a window"),
        (lambda: nn.InstanceNorm2d(3)(IMAGE[..., :1, :1]), "more than one value a channel"),
        (lambda: nn.InstanceNorm1d(3, eps=0), "eps must be positive, got 0"),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_running_statistics_of_instances_follow_torch():
    ours = nn.InstanceNorm2d(3, momentum=0.3, track_running_stats=True)
    torchs = torch.nn.InstanceNorm2d(3, momentum=0.3, track_running_stats=True)
    for seed in range(3):
        x = torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(seed))
        assert torch.allclose(ours(x), torchs(x), atol=1e-6)
    x = 3 * torch.ones(1, 3, 2, 2)
    assert torch.allclose(ours.eval()(x), torchs.eval()(x), atol=1e-6)
