"""What a layer of one's own has to keep: forward returns (y, rule). The error names the class."""

from __future__ import annotations

import pytest
import torch

from chainrule import gradcheck, nn

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
    "three": (lambda x: (x, x, lambda g: g), "got a tuple .* alone"),
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


def test_a_loss_without_a_chain_rule():
    class Distance(nn.Loss):
        def forward(self, output, target):
            return (output - target).square().mean()

    with pytest.raises(nn.LayerError, match=r"Distance\(\): expected forward to return"):
        Distance()(X, X)
