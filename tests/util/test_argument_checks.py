"""Arguments that are held against the type hints of what they are given to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainrule import data, nn, optim, save, train, zoo
from chainrule.nn.config import to_config
from chainrule.optim import lr_scheduler


def optimizer() -> optim.SGD:
    return optim.SGD(nn.Linear(2, 3).initialize(seed=0), lr=0.1, momentum=0.5)


@pytest.mark.parametrize(
    ("make", "same"),
    [
        (lambda: nn.Linear(np.int64(3), np.int32(2)), nn.Linear(3, 2)),
        (lambda: nn.Conv2d(1, 2, (np.int64(3), 5)), nn.Conv2d(1, 2, (3, 5))),
        (lambda: nn.RMSNorm(np.int64(3)), nn.RMSNorm(3)),
        (lambda: nn.Unflatten(np.int64(1), [np.int64(2), 2]), nn.Unflatten(1, [2, 2])),
        (lambda: nn.LSTMCell(np.int64(3), np.int64(2)), nn.LSTMCell(3, 2)),
        (lambda: nn.LeakyReLU(np.float64(0.5)), nn.LeakyReLU(0.5)),
    ],
    ids=lambda value: str(value) if isinstance(value, nn.Module) else "",
)
def test_a_number_of_numpys_is_pythons(make, same):
    assert repr(to_config(make())) == repr(to_config(same))


def test_a_rate_of_numpys_is_a_float():
    made = optim.Adam(nn.Linear(2, 3).initialize(seed=0), lr=np.float32(0.5))
    assert type(made.param_groups[0]["lr"]) is float


WRONG = {
    "a fraction of numpy's": (
        lambda: nn.Linear(np.float64(2.5), 3),
        "in_features: expected a whole number",
    ),
    "several sizes": (
        lambda: nn.Linear(np.ones(2), 3),
        r"Linear: in_features: expected a whole number, got a ndarray",
    ),
    "a size below 0": (lambda: nn.PReLU(-1), "num_parameters: expected a whole number, 0 or more"),
    "a shape below 0": (lambda: nn.RMSNorm(-1), "normalized_shape: expected a whole number"),
    "channels below 0": (lambda: nn.InstanceNorm1d(-1), "num_features: expected a whole number"),
    "an eps below 0": (lambda: nn.LayerNorm(2, eps=-1.0), "eps: expected a number, 0 or more"),
    "of groups": (lambda: nn.GroupNorm(1, 2, eps=-1.0), "eps: expected a number, 0 or more"),
    "of roots": (lambda: nn.RMSNorm(2, eps=-1.0), "eps: expected a number, 0 or more, got -1.0"),
    "of a loss": (lambda: nn.PoissonNLLLoss(eps=-1.0), "eps: expected a number, 0 or more"),
    "0 for heads": (lambda: nn.Heads(0), "heads: expected a dict of names and modules, got 0"),
    "a list to keep": (
        lambda: nn.Residual([]),
        "Residual: module: expected a chainrule.nn.Module, got",
    ),
    "nan for a margin": (lambda: nn.TripletMarginLoss(math.nan), "margin: expected a number, got"),
    "a number for a gain": (lambda: nn.init.calculate_gain(3), "nonlinearity: expected a text"),
    "no norm": (lambda: optim.clip_grad_norm_(optimizer(), 1.0, None), "norm_type: expected a num"),
    "a text to clip at": (lambda: optim.clip_grad_value_(optimizer(), "a"), "clip_value: expected"),
    "a text to scale by": (
        lambda: lr_scheduler.CyclicLR(optimizer(), 0.1, 0.2, scale_fn="a"),
        "scale_fn: expected a function, got 'a'",
    ),
    "a number for an activation": (lambda: zoo.disk_net(activation=3), "activation: expected a n"),
    "a text for a length": (lambda: data.adding(9, "a"), "length: expected a whole number, got 'a"),
    "nothing for a share": (lambda: data.bullseye(9, None), "share: expected a number, got None"),
    "a number for a table": (lambda: data.bundled_table(3), "name: expected a text, got 3"),
    "a text for a net": (lambda: train.predict("a", torch.ones(2, 2)), "net: expected a chainrule"),
    "a number for a path": (lambda: save(nn.ReLU(), 3), "path: expected a text"),
    "a text for metadata": (lambda: save(nn.ReLU(), "x", "a"), "metadata: expected a table"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_seed_may_be_any_whole_number():
    assert len(data.disk(3, seed=2**70)) == 3
