"""What a layer of one's own has to keep: forward returns (y, rule). The error names the class."""

from __future__ import annotations

import inspect

import pytest
import torch

from chainrule import gradcheck, nn, optim
from chainrule.data import disk
from chainrule.train import Trainer

X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 1.0, -1.0]])  # two rows: no pair by accident

RESULTS = {
    "y alone": (lambda x: 2 * x, r"got a Tensor \(2, 3\) alone"),
    "no rule": (lambda x: (2 * x, None), r"got \(a Tensor \(2, 3\), None\)"),
    "not callable": (lambda x: (2 * x, 2.0), r"got \(a Tensor \(2, 3\), a float\)"),
    "swapped": (
        lambda x: ((lambda g: 2 * g), 2 * x),
        r"got \(a function, a Tensor \(2, 3\)\) \(swapped\)",
    ),
    "nothing": (lambda x: None, "got None alone"),
    "three": (
        lambda x: (x, x, lambda g: g),
        r"got \(a Tensor \(2, 3\), a Tensor \(2, 3\), a function\)",
    ),
}
USES = {
    "call": lambda layer: layer(X),
    "in a Sequential": lambda layer: nn.Sequential(layer)(X),
    "in a Residual": lambda layer: nn.Sequential(nn.Residual(layer)).forward(X),
    "gradcheck": lambda layer: gradcheck(layer, X),
    "output_shape": lambda layer: nn.output_shape(layer, (2, 3)),
}


class Doubled(nn.Module):
    def __init__(self, result):
        self.result = result

    def label(self):
        return "Doubled()"

    def forward(self, x):
        return self.result(x)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(("result", "got"), RESULTS.values(), ids=RESULTS)
def test_forward_without_a_chain_rule(result, got, use):
    expected = (
        rf"Doubled\(\): expected forward to return \(y, rule\), .* from dL/dy to dL/dx; {got}"
    )
    with pytest.raises(nn.LayerError, match=expected):
        use(Doubled(result))


def test_the_path_to_the_layer_is_named():
    with pytest.raises(nn.LayerError, match=r"^Sequential\[0\] Doubled\(\)"):
        nn.Sequential(Doubled(lambda x: x))(X)


RULES = {
    "nothing": (lambda g: None, r"to return dL/dx like its input, \(2, 3\) .*; got None"),
    "another shape": (lambda g: g.sum(1), r"like its input, \(2, 3\) .*; got \(2,\)"),
    "another dtype": (lambda g: g.double(), "float32 on cpu; got .* torch.float64"),
    "two arguments": (lambda g, h: g, "expected a rule of dL/dy alone: .*'h'"),
}


@pytest.mark.parametrize(("rule", "problem"), RULES.values(), ids=RULES)
def test_a_rule_that_does_not_keep_its_contract(rule, problem):
    net = nn.Sequential(nn.Linear(3, 3), Doubled(lambda x: (2 * x, rule)))
    net(X)
    with pytest.raises(nn.LayerError, match=rf"Doubled\(\): .*{problem}"):
        net.backward(torch.ones(2, 3))


def test_an_error_within_a_rule_is_left_as_it_is():
    def rule(g):
        raise TypeError("of one's own")

    net = Doubled(lambda x: (2 * x, rule))
    net(X)
    with pytest.raises(TypeError, match="of one's own"):
        net.backward(torch.ones(2, 3))


def test_a_rule_of_replicas_that_share_their_input_is_right():
    net = nn.Sequential(Doubled(lambda x: (x.expand(4, 2, 3), lambda g: g)), nn.Linear(3, 2))
    net = net.replicate(4)
    net(X.unsqueeze(0))
    assert net.backward(torch.ones(4, 2, 2)).shape == (4, 2, 3)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            lambda y: y,
            r"a value of one number, by \.mean\(\) or \.sum\(\) over all else; got \(40, 2\)",
        ),
        (lambda y: float(y.sum()), "expected forward to return its value as a tensor, got a float"),
    ],
)
def test_a_training_needs_one_number_of_a_loss(value, problem):
    class Distance(nn.Loss):
        def forward(self, output, target):
            return value(output), lambda g: g

    net = nn.Sequential(nn.Linear(2, 2)).initialize(0)
    trainer = Trainer(net, Distance(), optim.SGD(net, lr=0.1))
    with pytest.raises(nn.LayerError, match=rf"Distance\(\): .*{problem}"):
        trainer.fit(disk(40, seed=0), epochs=1, progress=False)


def test_a_loss_without_a_chain_rule():
    class Distance(nn.Loss):
        def forward(self, output, target):
            return (output - target).square().mean()

    with pytest.raises(nn.LayerError, match=r"Distance\(\): expected forward to return"):
        Distance()(X, X)


DEPRECATED = {"size_average", "reduce"}
"""Arguments that torch itself says not to use."""

SHARED = {
    f"{ours.__name__.rpartition('.')[2]}.{name}": (getattr(ours, name), getattr(theirs, name))
    for ours, theirs in (
        (nn, torch.nn),
        (optim, torch.optim),
        (optim.lr_scheduler, torch.optim.lr_scheduler),
    )
    for name in ours.__all__
    if inspect.isclass(getattr(theirs, name, None)) and name not in ("Parameter", "Optimizer")
}


def positional(cls) -> list[str]:
    """The arguments that may be given by their place."""
    found = inspect.signature(cls).parameters.values()
    return [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in DEPRECATED]


@pytest.mark.parametrize("name", SHARED)
def test_what_is_given_by_its_place_means_what_torch_means(name):
    ours, theirs = map(positional, SHARED[name])
    assert ours == theirs[: len(ours)] or not theirs
