import pytest
import torch
from torch import nn as tnn

from chainrule import nn
from chainrule.nn.ops.padding import pad


@pytest.mark.parametrize(("ours", "twin"), [(nn.Conv1d, tnn.Conv1d), (nn.Conv2d, tnn.Conv2d)])
def test_the_same_seed_draws_torchs_weights(ours, twin):
    torch.manual_seed(0)
    layer = ours(4, 6, 3, groups=2)
    torch.manual_seed(0)
    other = twin(4, 6, 3, groups=2)
    assert torch.equal(layer.weight.data, other.weight)
    assert torch.equal(layer.bias.data, other.bias)


def test_a_hand_worked_example():
    """x = 1 2 3 4 with the kernel (1, 10): windows 21, 32, 43; one g of 1 goes back as 1, 10."""
    layer = nn.Conv1d(1, 1, 2, bias=False)
    layer.weight.data.copy_(torch.tensor([[[1.0, 10.0]]]))
    y = layer(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
    assert y.tolist() == [[[21, 32, 43]]]
    assert layer.backward(torch.tensor([[[0.0, 1.0, 0.0]]])).tolist() == [[[0, 1, 10, 0]]]
    assert layer.weight.grad.tolist() == [[[2, 3]]]


@pytest.mark.parametrize("groups", [1, 2])
def test_an_empty_batch(groups):
    layer = nn.Conv2d(2, 4, 3, groups=groups)
    y = layer(torch.zeros(0, 2, 5, 5))
    assert y.shape == (0, 4, 3, 3)
    assert layer.backward(y).shape == (0, 2, 5, 5)
    assert not layer.weight.grad.any()


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_takes_from_where_torch_takes(mode):
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    wide, _ = pad(x, [(2, 1), (1, 2)], mode)
    assert torch.equal(wide, tnn.functional.pad(x, (1, 2, 2, 1), mode=mode))


def test_padding_wider_than_the_kernel_reaches():
    layer, twin = nn.Conv2d(1, 2, 1, padding=2), tnn.Conv2d(1, 2, 1, padding=2)
    layer.load_state_dict(twin.state_dict())
    x = torch.randn(2, 1, 3, 3, requires_grad=True)
    y = twin(x)
    assert torch.allclose(layer(x.detach()), y)
    y.sum().backward()
    assert torch.allclose(layer.backward(torch.ones_like(y)), x.grad)


def test_nan_stays_in_its_windows_and_in_its_replica():
    cohort = nn.Conv2d(1, 2, 3).replicate(2)
    x = torch.ones(2, 1, 1, 6, 6)
    x[0, 0, 0, 0, 0] = float("nan")
    y = cohort(x)
    assert y[0, :, :, 0, 0].isnan().all()
    assert y.isnan().sum() == 2
    dx = cohort.backward(torch.ones_like(y))
    assert not dx.isnan().any()
    assert cohort.weight.grad[0].isnan().any()
    assert not cohort.weight.grad[1].isnan().any()


def test_multiply_adds():
    layer, x = nn.Conv2d(4, 6, 3, groups=2), torch.zeros(5, 4, 8, 8)
    assert layer.multiply_adds(x, layer(x)) == 5 * 6 * 6 * 6 * (4 // 2) * 9


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": 3}, "groups must divide"),
        ({"padding_mode": "mirror"}, "padding_mode is one of zeros, reflect, replicate, circular"),
        ({"padding": "full"}, "padding is a number, 'same' or 'valid'"),
        ({"padding": "same", "stride": 2}, "needs a stride of 1"),
        ({"padding": -1}, "padding is a whole number, 0 or more"),
        ({"stride": (1, 2, 3)}, "stride is a whole number, 1 or more, or a tuple of 2"),
        ({"kernel_size": 0}, "kernel_size is a whole number, 1 or more"),
        ({"dilation": 0}, "dilation is a whole number, 1 or more"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        nn.Conv2d(2, 4, **{"kernel_size": 3, **wrong})


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 3, 5, 5)),
        ({}, (5, 5)),
        ({}, (1, 2, 2, 5, 5)),
        ({}, (4, 2, 2, 5)),
        ({"padding": 3, "padding_mode": "reflect"}, (4, 2, 3, 5)),
        ({"padding": 4, "padding_mode": "circular"}, (4, 2, 3, 5)),
        ({"padding": 2, "padding_mode": "replicate"}, (4, 2, 0, 5)),
    ],
)
def test_wrong_inputs_say_what_would_be_right(options, shape):
    with pytest.raises(nn.LayerError, match=r"Conv2d\(2, 4, 3.*expected input \(N, 2, ≥"):
        nn.Conv2d(2, 4, 3, **options)(torch.zeros(shape))
