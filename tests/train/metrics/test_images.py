"""PSNR and SSIM of restored images; the accuracy of sequences."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.train import PSNR, SSIM, TokenAccuracy
from chainrule.train.metrics.base import average_metric


def images(*lead, H=13, W=14):
    return torch.rand(*lead, 2, H, W, generator=torch.Generator().manual_seed(3))


def test_psnr_is_of_each_image():
    t = torch.zeros(2, 1, 2, 2)
    o = t + torch.tensor([0.1, 0.01]).reshape(2, 1, 1, 1)
    assert PSNR()(o, t).tolist() == pytest.approx([20, 40], rel=1e-6)
    assert PSNR(data_range=10.0)(o, t).tolist() == pytest.approx([40, 60], rel=1e-6)


def ssim_by_loops(o, t):
    """The mean over windows of one channel, as the formula stands."""
    places = torch.arange(11.0, dtype=torch.float64) - 5
    line = torch.exp(-(places**2) / 4.5)
    weight = torch.outer(line, line) / line.sum() ** 2
    found = []
    for i in range(o.shape[0] - 10):
        for j in range(o.shape[1] - 10):
            a, b = (x[i : i + 11, j : j + 11].double() for x in (o, t))
            ma, mb = (weight * a).sum(), (weight * b).sum()
            va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
            cov = (weight * (a - ma) * (b - mb)).sum()
            top = (2 * ma * mb + 0.01**2) * (2 * cov + 0.03**2)
            found.append(top / ((ma**2 + mb**2 + 0.01**2) * (va + vb + 0.03**2)))
    return torch.stack(found).mean().item()


def test_ssim_is_the_formula_of_each_window():
    t = images(1)
    o = t + 0.2 * images(1).flip(-1)
    expected = sum(ssim_by_loops(o[0, c], t[0, c]) for c in range(2)) / 2
    assert SSIM()(o, t).item() == pytest.approx(expected, rel=1e-9)
    assert SSIM()(t, t).item() == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [PSNR(), SSIM()])
def test_a_cohort_has_a_number_for_each_replica_and_image(metric):
    t = images(1, 4)
    o = images(3, 4) + 0.1
    found = metric(o, t)
    assert found.shape == (3, 4)
    assert torch.allclose(found[1], metric(o[1], t[0]))


def test_what_is_no_image_or_range_is_told():
    with pytest.raises(ValueError, match="SSIM: expected images of 11 × 11 or more, got 9 × 14"):
        SSIM()(images(1, H=9), images(1, H=9))
    for make in (PSNR, SSIM):
        with pytest.raises(ValueError, match="expected a data_range above 0, got 0"):
            make(data_range=0)


def test_the_share_of_places_that_are_right():
    output = torch.tensor([[[2.0, 0.0, 5.0], [1.0, 3.0, 9.0]]]).expand(2, 2, 3)
    target = torch.tensor([[0, 1, 0], [0, -100, 1]])
    metric = TokenAccuracy().with_loss(nn.CrossEntropyLoss())
    assert metric(output, target).tolist() == pytest.approx([2 / 3, 1.0])
    assert metric(output[None], target[None]).shape == (1, 2)
    padded = TokenAccuracy().with_loss(nn.CrossEntropyLoss(ignore_index=1))
    assert padded(output, target.abs().clamp_max(1)).tolist() == pytest.approx([0.5, 1.0])
    target[1] = -100
    assert average_metric(metric, output, target, 0) == pytest.approx(2 / 3)


def test_nan_and_other_shapes_of_a_sequence():
    nan = torch.full((1, 2, 3), torch.nan)
    assert TokenAccuracy()(nan, torch.zeros(1, 3, dtype=torch.long)).isnan().all()
    with pytest.raises(ValueError, match="expected outputs"):
        TokenAccuracy()(torch.rand(1, 2, 3), torch.zeros(1, 4, dtype=torch.long))
