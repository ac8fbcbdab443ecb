import pytest
import torch
from torch import nn as tnn

from chainrule import nn

NAN, LOW = float("nan"), float("-inf")


def torchs(twin, x, g):
    x = x.clone().requires_grad_()
    y = twin(x)
    return y.detach(), torch.autograd.grad(y, x, g)[0]


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"stride": 2, "padding": 1}])
@pytest.mark.parametrize("values", [[1.0], [0.0, 1.0], [NAN, 1.0, 2.0], [LOW], [LOW, NAN, 0.0]])
def test_ties_nan_and_minus_infinity_go_where_torch_sends_them(values, options):
    picks = torch.randint(len(values), (2, 3, 7, 6), generator=torch.Generator().manual_seed(1))
    x = torch.tensor(values)[picks]
    layer = nn.MaxPool2d(3, **options)
    y = layer(x)
    g = torch.arange(1.0, y.numel() + 1).reshape(y.shape)
    y_torch, dx = torchs(tnn.MaxPool2d(3, **options), x, g)
    assert torch.allclose(y, y_torch, equal_nan=True)
    assert torch.equal(layer.backward(g), dx)


def test_of_equal_maxima_the_first_gets_the_gradient():
    layer = nn.MaxPool2d(2)
    layer(torch.tensor([[[3.0, 5.0], [5.0, 5.0]]]))
    assert layer.backward(torch.tensor([[[7.0]]])).tolist() == [[[0, 7], [0, 0]]]


@pytest.mark.parametrize("kernel", [2, 3, (1, 3), (4, 1)])
def test_windows_side_by_side_send_g_where_any_windows_do(kernel):
    x = torch.randint(4, (5, 2, 7, 9), generator=torch.Generator().manual_seed(2)).double()
    layer = nn.MaxPool2d(kernel)
    y, rule = layer.forward(x)
    g = torch.arange(1.0, y.numel() + 1).double().reshape(y.shape)
    assert torch.equal(rule(g), layer._scatter_grad(x, y, g))


def test_a_window_of_more_than_255_places():
    x = torch.randn(2, 1, 20, 20)
    layer = nn.MaxPool2d(20)
    y = layer(x)
    _, dx = torchs(tnn.MaxPool2d(20), x, torch.ones_like(y))
    assert torch.equal(layer.backward(torch.ones_like(y)), dx)


def test_an_average_keeps_nan_and_infinity_in_their_regions():
    x = torch.ones(1, 1, 4, 4)
    x[..., 0, 0], x[..., 3, 3] = NAN, float("inf")
    for layer in (nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)):
        (a, b), (c, d) = layer(x)[0, 0].tolist()
        assert a != a
        assert (b, c, d) == (1, 1, float("inf"))


@pytest.mark.parametrize("make", [nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d])
def test_an_empty_batch(make):
    layer = make(2)
    y = layer(torch.zeros(0, 3, 4, 4))
    assert y.shape == (0, 3, 2, 2)
    assert layer.backward(y).shape == (0, 3, 4, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MaxPool2d(2, return_indices=True), "return_indices must be False"),
        (lambda: nn.MaxPool2d(3, padding=2), "padding is at most half of kernel_size 3, got 2"),
        (lambda: nn.AvgPool2d((4, 2), padding=2), "padding is at most half"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), "divisor_override must not be 0"),
        (lambda: nn.MaxPool2d(0), "kernel_size is a whole number, 1 or more"),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), "output_size is a whole number"),
        (lambda: nn.AdaptiveAvgPool2d(0), "output_size is a whole number, 1 or more"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d])
@pytest.mark.parametrize("shape", [(4, 4), (1, 1, 2, 4, 4), (1, 2, 0, 4)])
def test_wrong_inputs(make, shape):
    with pytest.raises(nn.LayerError, match=r"Pool2d\(2\): expected"):
        make(2)(torch.zeros(shape))


def test_an_input_smaller_than_the_window():
    with pytest.raises(nn.LayerError, match=r"no smaller than a window, got \(1, 1, 2, 9\)"):
        nn.MaxPool2d(3)(torch.zeros(1, 1, 2, 9))


def test_maxout_is_the_largest_of_neighbouring_channels_and_of_equal_ones_the_first():
    layer = nn.Maxout(2)
    y = layer(torch.tensor([[1.0, 3.0, 2.0, 2.0]]))
    assert y.tolist() == [[3.0, 2.0]]
    assert layer.backward(torch.tensor([[10.0, 100.0]])).tolist() == [[0.0, 10.0, 100.0, 0.0]]


def test_maxout_of_what_it_cannot_take():
    with pytest.raises(ValueError, match="k is a whole number, 1 or more; got 0"):
        nn.Maxout(0)
    for shape in ((2, 4), (3,), (2, 0, 3)):
        with pytest.raises(nn.LayerError, match=r"Maxout\(3\): expected input .* a multiple of 3"):
            nn.Maxout(3)(torch.zeros(shape))
