"""Which functions can look at what is trained."""

from functools import partial

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Warp
from chainrule.optim.lr_scheduler import LambdaLR, StepLR
from chainrule.train.backends.reach import reaches_training

NET = nn.Linear(2, 2)
FACTOR = 3.0


def sees_by_name(x, seeds, step):
    return next(x + NET.weight.data.mean() for _ in range(1))


def sees_nothing(x, seeds, step):
    return torch.cos(x) * FACTOR


def calls(x, seeds, step):
    return sees_by_name(x, seeds, step)


def sees_a_default(x, seeds, step, weight=NET.weight):
    return x + weight.data


def sees_in_a_closure(optimizer):
    return lambda x, seeds, step: x * optimizer.param_groups[0]["lr"]


class Augmentation:
    def __init__(self, part):
        self.parts = {"a": [part]}

    def __call__(self, x, seeds, step):
        return x

    def method(self, x, seeds, step):
        return x


class ByName:
    def __call__(self, x, seeds, step):
        return x + NET.weight.data.mean()


class ByMethod:
    def __call__(self, x, seeds, step):
        return self.move(x)

    def move(self, x):
        return x + NET.weight.data.mean()


@pytest.mark.parametrize(
    "f",
    [
        sees_by_name,
        calls,
        sees_a_default,
        sees_in_a_closure(optim.SGD(NET)),
        partial(sees_nothing, net=NET),
        Augmentation(NET),
        Augmentation(NET.bias).method,
        ByName(),
        ByMethod(),
        LambdaLR(optim.SGD(NET), lambda n: NET.weight.data.abs().mean()),
    ],
)
def test_what_refers_to_a_training_reaches_it(f):
    assert reaches_training(f, getattr(f, "optimizer", None))


SCHEDULE = LambdaLR(optim.SGD(nn.Linear(2, 2)), lambda n: FACTOR / (1 + n))


@pytest.mark.parametrize(
    "f",
    [
        None,
        sees_nothing,
        lambda x, seeds, step: x + step,
        partial(sees_nothing, step=3),
        Augmentation(torch.ones(3)),
        Warp(gamma=0.5),
        SCHEDULE,
        StepLR(optim.SGD(nn.Linear(2, 2)), 2),
    ],
)
def test_what_does_not_reach_it_is_known(f):
    assert not reaches_training(f, getattr(f, "optimizer", None))
