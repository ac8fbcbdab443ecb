"""What newcomers write by mistake is answered in a sentence, and changes nothing."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import DataLoader, Warp, disk, one_hot, standardize
from chainrule.study import run
from chainrule.train import Trainer, fit


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).initialize(0)


WRONG = {
    "a text for a seed": (lambda net: net.initialize("a"), "seed: expected a whole number.*'a'"),
    "a number for a seed": (lambda net: net.initialize(1.5), "seed: expected a whole .*got 1.5"),
    "texts for seeds": (lambda net: net.replicate(2, ["a", "b"]), "one a replica, got 'a'"),
    "a class to draw by": (
        lambda net: net.initialize(1, nn.init.HeNormal),
        r"write an .*HeNormal\(",
    ),
    "a name to draw by": (lambda net: net.initialize(1, "HeNormal"), r"write HeNormal\(…\)"),
    "a name to draw a layer by": (
        lambda _: nn.Linear(2, 3, init="HeNormal"),
        r"Linear: init: .*write HeNormal\(…\)",
    ),
    "how many replicas": (lambda net: net.replicate(2.0), "K: expected a whole number of replicas"),
    "another device": (lambda net: net.to("gpu"), "device 'gpu' is not here: Expected one of cpu"),
    "a net for a state": (
        lambda net: net.load_state_dict(torch.nn.Linear(2, 2)),
        r"expected tensors by name, as state_dict\(\) gives, got torch's Linear",
    ),
    "a text for a chance": (lambda _: nn.Dropout("a"), "p is a probability, from 0 to 1; got 'a'"),
    "a list of heads": (lambda _: nn.Heads([nn.Linear(2, 2)]), "a dict of names .*got a list"),
    "a text for points": (lambda _: disk("a", seed=0), "disk: expected n a whole number.* got 'a'"),
    "a text for a draw": (lambda _: disk(9, seed="a"), "seed: expected a whole number.*'a'"),
    "tensors to standardize": (
        lambda _: standardize(torch.ones(3, 2)),
        r"standardize: expected a Dataset\(inputs, targets\), got a Tensor",
    ),
    "a data set for classes": (lambda _: one_hot(disk(9, seed=0), 2), "of targets, got a Dataset"),
    "a number to load": (lambda _: DataLoader(3), r"dataset: expected a Dataset\(.*got 3"),
    "a size for a shape": (lambda net: nn.summary(net, 2), r"such as \(100, 2\), got 2"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
def test_it_is_said_and_nothing_has_changed(net, call, message):
    before = {name: t.clone() for name, t in net.state_dict().items()}, str(net)
    with pytest.raises((TypeError, ValueError), match=message):
        call(net)
    assert all(map(torch.equal, net.state_dict().values(), before[0].values()))
    assert str(net) == before[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_gpu_that_is_not_there(net):
    with pytest.raises(ValueError, match="device 'cuda' is not here: "):
        net.to("cuda")


def test_a_training_says_it_too(net):
    parts = {"criterion": nn.CrossEntropyLoss(), "optimizer": optim.SGD(net)}
    with pytest.raises(TypeError, match=r"seed: expected a whole number, .* got 'a'"):
        Trainer(net, *parts.values(), seed="a")
    for given, said in ((3, "got 3"), (Warp, r"got the class Warp; write Warp\(\)")):
        with pytest.raises(TypeError, match=f"augment: expected an augmentation .*{said}"):
            Trainer(net, *parts.values(), augment=given)
    with pytest.raises(TypeError, match="epochs is a whole number, got True"):
        fit(net, disk(9, seed=0), epochs=True, **parts)
    with pytest.raises(TypeError, match="expected a tensor, one number a sample, got 3"):
        fit(net, disk(9, seed=0), epochs=1, metrics={"a": lambda o, t: 3}, **parts)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda net: net.cuda(), r"'Sequential' object has no attribute 'cuda': net\.to\(device\)"),
        (lambda net: net.requires_grad_(False), "what an optimizer is given is learned"),
        (lambda net: net[0].weight.requires_grad, "what an optimizer is given is learned"),
        (lambda net: setattr(net[0].weight, "requires_grad", False), r"Parameter\.requires_grad: "),
        (lambda net: setattr(net, "requires_grad", False), r"Sequential\.requires_grad: what an"),
        (lambda net: net.register_buffer("a", torch.ones(2)), r"nn\.Buffer\(tensor\)"),
        (lambda net: net[0].weight.mean(), r"its tensor has it: parameter\.data\.mean$"),
        (lambda net: net[0].weight.nosuch, "has no attribute 'nosuch'$"),
        (lambda net: net.paramters(), "has no attribute 'paramters'$"),
    ],
)
def test_a_name_of_torch_that_is_not_here_is_told_with_what_to_write(net, use, said):
    with pytest.raises(AttributeError, match=said):
        use(net)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.Conv2d("a", 2, 3), "in_channels: expected a whole number, 0 or more, got 'a'"),
        (lambda: nn.ConvTranspose2d(2, 2, 3, groups={}), "groups: .* got a dict"),
        (lambda: nn.GroupNorm(nn.Linear, 2), "num_groups: .* got the class Linear"),
        (lambda: nn.LayerNorm(None), "normalized_shape: expected a whole number, .* got None"),
        (lambda: nn.LayerNorm((3, -1)), "normalized_shape: .* got -1"),
        (lambda: nn.BatchNorm1d("a"), "num_features: .* got 'a'"),
        (
            lambda: nn.Embedding(3, 2, padding_idx={1}),
            "padding_idx must be .* 3 rows, got {1}",
        ),
        (lambda: nn.MultiheadAttention(4, []), "num_heads: .* got a list"),
        (lambda: nn.HuberLoss(delta=None), "delta must be positive, got None"),
        (lambda: nn.SmoothL1Loss(beta="a"), "beta must not be negative, got a"),
        (lambda: nn.CrossEntropyLoss(label_smoothing="a"), r"in \[0, 1\], got a"),
    ],
)
def test_a_size_or_a_number_of_another_kind_is_told_by_its_name(build, said):
    with pytest.raises(ValueError, match=said):
        build()


def test_a_tensor_in_the_place_of_a_parameter_is_refused_where_it_would_not_be_trained(net):
    net[0].weight = torch.ones(4, 2)
    for use in (lambda: optim.SGD(net), lambda: net.initialize(0), lambda: net.replicate(2)):
        with pytest.raises(TypeError, match=r"0 Linear\.weight: .* expected nn\.Parameter"):
            use()


@pytest.mark.parametrize(
    ("given", "fix"), [("a.toml", r"; write Study\.load\('a\.toml'\)"), (3, "3$")]
)
def test_a_run_of_something_else_than_a_study_is_refused(given, fix):
    with pytest.raises(TypeError, match=f"study: expected a Study, got .*{fix}"):
        run(given)
