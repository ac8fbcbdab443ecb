"""Nets to PyTorch and back: every layer, every container, every net of the zoo."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from chainrule import nn, zoo
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.interop import from_torch, to_torch
from chainrule.interop.torch import TWINS
from tests.interop.onnx.test_export import NEEDED, ZOO
from tests.nn.cases import odd
from tests.nn.test_conformance import CASES, build, close, cotangent, gradients


def differentiate(module: torch.nn.Module, x, g):
    """Output, input gradients and parameter gradients, by autograd."""
    x = tree_map(lambda t: t.clone().requires_grad_() if t.is_floating_point() else t, x)
    wanted = [t for _, t in named_leaves(x) if t.requires_grad] + [*module.parameters()]
    y = module(x)
    outputs, gs = ([t for _, t in named_leaves(tree)] for tree in (y, g))
    pairs = [(t, each) for t, each in zip(outputs, gs, strict=True) if t.requires_grad]
    if not (pairs and wanted):
        return tree_map(Tensor.detach, y), []
    outputs, gs = zip(*pairs, strict=True)
    found = torch.autograd.grad(outputs, wanted, gs, allow_unused=True)
    found = [torch.zeros_like(t) if d is None else d for t, d in zip(wanted, found, strict=True)]
    return tree_map(Tensor.detach, y), found


def check_agreement(net: nn.Module, x) -> torch.nn.Module:
    """The module of PyTorch, after it was held to the net: outputs, gradients, state; and back."""
    module = to_torch(net)
    again = from_torch(module)
    assert [type(m) for m in again.modules()] == [type(m) for m in net.modules()]
    assert list(module.state_dict()) == list(net.state_dict()) == list(again.state_dict())
    y = net(x)
    close(again(x), y, 0)
    g = cotangent(y)
    dx = [t for _, t in named_leaves(net.backward(g)) if t.is_floating_point()]
    expected, found = differentiate(module, x, g)
    close(y, expected, 1e-10)
    close([*dx, *gradients(net)], found, 1e-10)
    close(net.state_dict(), dict(module.state_dict()), 1e-12)
    return module


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_layer_is_what_it_is_here(case, training):
    check_agreement(build(case, training and not case.random), case.x())


@pytest.mark.parametrize("name", ZOO)
def test_the_nets_of_the_zoo_are_what_they_are_here(name):
    net = getattr(zoo, name)(**NEEDED.get(name, {})).initialize(0).to(torch.float64)
    for module in net.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    x = torch.randn(3, *ZOO[name], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    check_agreement(net, x.abs().long() if name == "modular_net" else x)


def test_each_parameter_and_number_counts():
    """What is compared above is not all zero, and a wrong twin is seen."""
    net = nn.Residual(nn.Linear(3, 3)).initialize(0).to(torch.float64)
    module = check_agreement(net, odd(4, 3))
    with torch.no_grad():
        module.module.bias += 1e-6
    y, found = differentiate(module, odd(4, 3), cotangent(net(odd(4, 3))))
    assert all(t.abs().max() > 0 for t in found)
    with pytest.raises(AssertionError):
        close(net(odd(4, 3)), y, 1e-10)


def test_tied_weights_and_shared_modules_stay_so():
    shared, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = shared.weight
    net = nn.Sequential(shared, nn.Residual(second), nn.Sum(shared, nn.Tanh())).initialize(0)
    module = to_torch(net)
    assert module[0] is module[2][0]
    assert module[0].weight is module[1].module.weight
    again = from_torch(module)
    assert again[0] is again[2][0]
    assert again[0].weight is again[1].module.weight


def test_each_module_keeps_its_mode():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.TransformerEncoderLayer(3, 1, 5))
    net[1].eval()
    module = to_torch(net)
    modes = [module.training, module[1].training, module[2].dropout1.training]
    assert modes == [True, False, True]
    again = from_torch(module)
    assert [again.training, again[1].training] == [True, False]
    assert not to_torch(net.eval())[2].dropout.training


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_buffers_alone_say_the_dtype_too(dtype):
    net = nn.BatchNorm2d(2, affine=False).to(dtype)
    net.running_mean.data.fill_(1 / 3)
    module = to_torch(net)
    assert module.running_mean.dtype == dtype
    assert torch.equal(from_torch(module).running_mean.data, net.running_mean.data)


def test_a_head_may_be_called_as_a_method_of_torch_is():
    net = nn.Heads(type=nn.Linear(3, 2), forward=nn.Linear(3, 1)).initialize(0)
    module = check_agreement(net.to(torch.float64), odd(4, 3))
    assert [*module(odd(4, 3))] == ["type", "forward"]


@pytest.mark.parametrize("first", [False, True], ids=["time first", "samples first"])
@pytest.mark.parametrize("both", [False, True], ids=["forwards", "both ways"])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_gradients_end_where_steps_are_not_gone_through(name, first, both):
    options = {"batch_first": first, "bidirectional": both}
    layer = getattr(nn, name)(3, 2, 2, truncate=2, **options).initialize(0)
    x = odd(3, 5, 3) if first else odd(5, 3, 3)
    whole = getattr(nn, name)(3, 2, 2, **options).to(torch.float64)
    whole.load_state_dict(layer.state_dict())
    _, without = differentiate(to_torch(whole), x, cotangent(whole(x)))
    check_agreement(layer.to(torch.float64), x)
    assert any(not torch.allclose(a, b) for a, b in zip(gradients(layer), without[1:], strict=True))
    states = tuple(odd(2 * (1 + both), 3, 2, seed=i) for i in range(layer.num_states))
    layer.zero_grad()
    check_agreement(layer, (x, states if name == "LSTM" else states[0]))
    with torch.no_grad():  # one sequence alone
        close(to_torch(layer)(odd(5, 3)), layer(odd(5, 3)), 1e-10)


@pytest.mark.parametrize("first", [False, True], ids=["time first", "samples first"])
def test_padding_and_later_keys_are_left_out(first):
    mask = torch.tensor([[False, False, True], [False, True, True]])
    x = odd(2, 3, 4) if first else odd(3, 2, 4)
    options = {"batch_first": first, "causal": True}
    encoder = nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, **options).initialize(0)
    check_agreement(encoder.to(torch.float64), x)
    net = nn.Sequential(nn.MultiheadAttention(4, 2, **options), nn.Item(0)).initialize(0)
    check_agreement(net.to(torch.float64), (x, x, x, mask))
    plain = nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=first).initialize(0)
    module = check_agreement(plain.to(torch.float64), (x, mask))
    assert torch.equal(module(x, None, mask), module((x, mask)))  # as torch's own is called
    with torch.no_grad():  # which torch computes in another way, without gradients
        close(plain.eval()((x, mask)), module.eval()((x, mask)), 1e-10)


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.MultiheadAttention(4, 2, bias=False, batch_first=True),
        torch.nn.TransformerEncoderLayer(4, 2, 5, 0.0, "gelu", 0.1, batch_first=True),
        torch.nn.TransformerEncoderLayer(4, 2, 5, 0.0, torch.nn.ReLU(), norm_first=True),
        torch.nn.Sequential(
            torch.nn.Linear(4, 4),
            torch.nn.TransformerEncoder(
                torch.nn.TransformerEncoderLayer(4, 2, 5, 0.0, batch_first=True),
                2,
                norm=torch.nn.LayerNorm(4),
                enable_nested_tensor=False,
            ),
        ),
        torch.nn.TransformerEncoder(
            torch.nn.TransformerEncoderLayer(4, 2, 5, 0.0), 2, enable_nested_tensor=False
        ),
        torch.nn.GRU(4, 2, num_layers=2, batch_first=True, bidirectional=True),
        torch.nn.RNN(4, 2, nonlinearity="relu", bias=False),
        torch.nn.LSTM(4, 3, 2),
        torch.nn.Sequential(torch.nn.Flatten(0, 1), torch.nn.LSTMCell(4, 3, bias=False)),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_torch_made_is_the_same_here(module):
    module = copy.deepcopy(module).double()
    x = odd(2, 3, 4)
    y = module(x, x, x) if isinstance(module, torch.nn.MultiheadAttention) else module(x)
    close(from_torch(module)(x), tree_map(Tensor.detach, y), 1e-12)


class Square(nn.Module):
    """y = (w x)²"""

    def __init__(self, size: int) -> None:
        self.size = size
        self.w = nn.Parameter(odd(size))

    def forward(self, x):
        w = self.w.data

        def backward(g):
            self.w.grad.add_((2 * g * w * x * x).sum(0))
            return 2 * g * w * w * x

        return (w * x) ** 2, backward


class TorchSquare(torch.nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.w = torch.nn.Parameter(torch.zeros(size))

    def forward(self, x):
        return (self.w * x) ** 2


class OtherSquare(TorchSquare):
    def __init__(self, size: int) -> None:
        super().__init__(size + 1)


def test_a_layer_of_ones_own_needs_a_twin_and_may_have_one(monkeypatch):
    net = nn.Sequential(nn.Linear(3, 4), nn.Residual(Square(4))).initialize(0).to(torch.float64)
    with pytest.raises(ValueError, match=r"Square has no twin in torch\.nn: write a .*\[Square\]"):
        to_torch(net)
    monkeypatch.setitem(TWINS, Square, TorchSquare)
    check_agreement(net, odd(5, 3))
    monkeypatch.setitem(TWINS, Square, OtherSquare)
    with pytest.raises(ValueError, match="a twin has parameters of other names or shapes"):
        to_torch(net)


def hooked() -> torch.nn.Module:
    layer = torch.nn.Linear(2, 2)
    layer.register_forward_hook(lambda module, x, y: 2 * y)
    return torch.nn.Sequential(layer)


@pytest.mark.parametrize(
    ("convert", "module", "message"),
    [
        (to_torch, nn.Linear(2, 2).replicate(3), r"net\.replica\(k\)"),
        (from_torch, torch.nn.Conv3d(2, 2, 1), r"Conv3d has no twin in chainrule\.nn"),
        (from_torch, type("Linear", (torch.nn.Linear,), {"__module__": "mine"})(2, 2), "no twin"),
        (from_torch, torch.nn.LSTM(3, 4, proj_size=2), "LSTM: there is no proj_size"),
        (from_torch, torch.nn.MultiheadAttention(4, 2, kdim=3), "MultiheadAttention: kdim"),
        (from_torch, torch.nn.MultiheadAttention(4, 2, add_zero_attn=True), "zero_attn are not"),
        (from_torch, torch.nn.TransformerEncoderLayer(4, 2, activation=torch.tanh), "relu or gelu"),
        (from_torch, hooked(), "Linear has hooks"),
    ],
)
def test_what_has_no_twin_is_refused(convert, module, message):
    with pytest.raises(ValueError, match=message):
        convert(module)


@pytest.mark.parametrize("given", [3, nn.ReLU(), [torch.nn.ReLU()], torch.nn.ReLU])
def test_what_is_no_module_of_torch_is_named(given):
    with pytest.raises(TypeError, match=r"module: expected a torch\.nn\.Module, got "):
        from_torch(given)


def test_an_argument_that_the_other_has_not_is_refused(monkeypatch):
    net = nn.MaxPool2d(2, ceil_mode=True)
    monkeypatch.setitem(TWINS, nn.MaxPool2d, torch.nn.AvgPool2d)
    assert not to_torch(nn.MaxPool2d(2)).ceil_mode
    net.dilation = 3
    with pytest.raises(ValueError, match="MaxPool2d: AvgPool2d has no dilation=3"):
        to_torch(net)
