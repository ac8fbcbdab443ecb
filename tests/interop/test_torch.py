"""Nets to torch.nn and back."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn
from chainrule.interop import from_torch, to_torch

MLP = [
    nn.Linear(4, 6),
    nn.BatchNorm1d(6, momentum=None),
    nn.PReLU(6),
    nn.LayerNorm(6),
    nn.Dropout(0.3),
    nn.GELU("tanh"),
    nn.Linear(6, 2, bias=False),
    nn.LogSoftmax(-1),
]
CNN = [
    nn.Conv2d(1, 4, 3, padding="same", padding_mode="reflect"),
    nn.BatchNorm2d(4, affine=False),
    nn.Sequential(nn.MaxPool2d(2), nn.ELU(0.5)),
    nn.GroupNorm(2, 4),
    nn.AvgPool2d(2, 1),
    nn.AdaptiveAvgPool2d((2, None)),
    nn.Flatten(),
]


@pytest.mark.parametrize(("layers", "shape"), [(MLP, (5, 4)), (CNN, (5, 1, 8, 8))])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_there_and_back_computes_the_same(layers, shape, dtype):
    net = nn.Sequential(*layers).to(dtype).eval()
    twin = to_torch(net)
    again = from_torch(twin)
    x = torch.randn(shape, dtype=dtype)
    assert torch.allclose(twin(x), net(x), atol=1e-6)
    assert torch.equal(again(x), net(x))
    assert not twin.training
    assert not again.training


def test_tied_weights_and_shared_modules_stay_so():
    shared = nn.Linear(3, 3)
    second = nn.Linear(3, 3)
    second.weight = shared.weight
    twin = to_torch(nn.Sequential(shared, second, shared))
    assert twin[0] is twin[2]
    assert twin[0].weight is twin[1].weight
    again = from_torch(twin)
    assert again[0] is again[2]
    assert again[0].weight is again[1].weight


@pytest.mark.parametrize(
    ("convert", "module", "message"),
    [
        (to_torch, nn.Residual(nn.Linear(2, 2)), r"Residual has no twin in torch\.nn"),
        (to_torch, nn.Linear(2, 2).replicate(3), r"net\.replica\(k\)"),
        (from_torch, torch.nn.Conv3d(2, 2, 1), r"Conv3d has no twin in chainrule\.nn"),
        (from_torch, type("Linear", (torch.nn.Linear,), {"__module__": "mine"})(2, 2), "no twin"),
    ],
)
def test_what_has_no_twin_is_refused(convert, module, message):
    with pytest.raises(ValueError, match=message):
        convert(module)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_go_to_torch_and_back(name):
    theirs = getattr(torch.nn, name)(3, 2, num_layers=2, batch_first=True, bidirectional=True)
    ours = from_torch(theirs)
    again = to_torch(ours)
    x = torch.randn(4, 5, 3)
    assert torch.allclose(ours(x)[0], theirs(x)[0], atol=1e-6)
    assert torch.equal(again(x)[0], theirs(x)[0])


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_go_to_torch_and_back(name):
    theirs = getattr(torch.nn, name)(3, 2, bias=False)
    ours = from_torch(theirs)
    x = torch.randn(4, 3)
    y, z = ours(x), to_torch(ours)(x)
    assert torch.allclose(y[0] if name == "LSTMCell" else y, z[0] if name == "LSTMCell" else z)
