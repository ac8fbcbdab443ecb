"""What newcomers write by mistake is answered in a sentence, and changes nothing."""

from __future__ import annotations

import inspect

import pytest
import torch

from chainrule import data, nn, optim, train
from chainrule._util.hints import argument_hints
from chainrule.data import DataLoader, Warp, disk, one_hot, standardize
from chainrule.study import run
from chainrule.train import Accuracy, EarlyStopping, Trainer, fit
from chainrule.train.metrics.base import RowMetric
from chainrule.zoo import table_net


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
    "a text for a chance": (lambda _: nn.Dropout("a"), "Dropout: p: expected a number, got 'a'"),
    "a list of heads": (lambda _: nn.Heads([nn.Linear(2, 2)]), "a dict of names .*got a list"),
    "a text for points": (lambda _: disk("a", seed=0), "disk: n: expected a whole number, got 'a'"),
    "a text for a draw": (lambda _: disk(9, seed="a"), "seed: expected a whole number.*'a'"),
    "tensors to standardize": (
        lambda _: standardize(torch.ones(3, 2)),
        "standardize: train: expected a chainrule.data.Dataset, got a Tensor",
    ),
    "a data set for classes": (
        lambda _: one_hot(disk(9, seed=0), 2),
        "targets: expected a Tensor, got a Dataset",
    ),
    "a number to load": (
        lambda _: DataLoader(3),
        "dataset: expected a chainrule.data.Dataset, got 3",
    ),
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
    with pytest.raises(TypeError, match=r"Trainer: seed: expected a whole number .* got 'a'"):
        Trainer(net, *parts.values(), seed="a")
    for given, said in ((3, "got 3"), (Warp, r"got the class Warp; write Warp\(\)")):
        with pytest.raises(TypeError, match=f"augment: expected an augmentation .*{said}"):
            Trainer(net, *parts.values(), augment=given)
    with pytest.raises(TypeError, match="fit: epochs: expected a whole number, got True"):
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
        (lambda: nn.LayerNorm((3, -1)), "normalized_shape: expected a whole number, .* got -1"),
        (lambda: nn.Conv2d(-1, 2, 3), "in_channels: expected a whole number, 0 or more, got -1"),
        (lambda: nn.HuberLoss(delta=0), "delta must be positive, got 0"),
        (lambda: nn.SmoothL1Loss(beta=-1), "beta must not be negative, got -1"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=2), r"in \[0, 1\], got 2"),
    ],
)
def test_a_size_or_a_number_beyond_its_range_is_told_by_its_name(build, said):
    with pytest.raises(ValueError, match=said):
        build()


NET = nn.Linear(2, 3)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.LayerNorm(3, eps="a"), "LayerNorm: eps: expected a number, got 'a'"),
        (lambda: nn.LeakyReLU("a"), "LeakyReLU: negative_slope: expected a number, got 'a'"),
        (lambda: nn.MultiLoss({"a": nn.MSELoss()}, 3), "weights: expected a table, got 3"),
        (lambda: nn.Conv2d("a", 2, 3), "in_channels: expected a whole number, got 'a'"),
        (lambda: nn.Linear(3, 2.5), "out_features: expected a whole number, got 2.5"),
        (lambda: nn.Linear(True, 2), "in_features: expected a whole number, got True"),
        (lambda: nn.Linear(2, 3, bias="no"), "bias: expected true or false, got 'no'"),
        (lambda: nn.GroupNorm(nn.Linear, 2), "num_groups: .* got the class Linear"),
        (lambda: nn.Siamese([]), "Siamese: module: expected a chainrule.nn.Module, got a list"),
        (lambda: table_net(layers=[]), r"table_net: layers: expected a whole number, got \[\]"),
        (lambda: nn.init.Normal(0, "a"), "Normal: std: expected a number, got 'a'"),
        (lambda: Warp(rotate="a"), "Warp: rotate: expected a number, got 'a'"),
        (lambda: optim.Adam(NET, maximize="a"), "Adam: maximize: expected true or false, got 'a'"),
        (lambda: Accuracy(head=3), "Accuracy: head: expected a text, got 3"),
        (lambda: EarlyStopping(patience="a"), "EarlyStopping: patience: .* got 'a'"),
    ],
)
def test_an_argument_of_another_kind_is_told_before_anything_is_made_of_it(build, said):
    with pytest.raises(TypeError, match=said):
        build()


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.Linear(2, 3, baias=True), "Linear: no argument 'baias'; did you mean 'bias'"),
        (lambda: optim.Adam(NET, learning_rate=0.1), "learning_rate'; did you mean 'lr'"),
        (lambda: table_net(hiden=3), "table_net: no argument 'hiden'; did you mean 'hidden'"),
        (lambda: Accuracy(haed="a"), "Accuracy: no argument 'haed'; did you mean 'head'"),
    ],
)
def test_a_misspelt_argument_is_told_with_the_one_that_was_meant(build, said):
    with pytest.raises(TypeError, match=said):
        build()


KINDS = (
    nn.Module,
    nn.Loss,
    nn.init.Initializer,
    optim.Optimizer,
    optim.lr_scheduler.LRScheduler,
    data.Augmentation,
    train.Callback,
    RowMetric,
)
HINTED = [
    (cls, name)
    for module in (nn, nn.init, optim, optim.lr_scheduler, train, data)
    for cls in vars(module).values()
    if isinstance(cls, type) and not inspect.isabstract(cls)
    if issubclass(cls, KINDS)
    for name, hint in argument_hints(cls).items()
    if hint in (int, float, bool, str)
]


RATE = optim.SGD(nn.Linear(2, 2).initialize(seed=0), lr=0.1)


def test_every_number_option_and_text_is_held_against_its_kind():
    assert len(HINTED) > 200
    for cls, name in HINTED:
        parameters = inspect.signature(cls).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty and p.name != "layers"]
        arguments = dict.fromkeys(needed, torch.ones((), dtype=torch.int64)) | {name: object()}
        paths = dict.fromkeys(("path", "folder"), "x")
        parts = {"module": nn.ReLU(), "loss": nn.MSELoss(), "optimizer": RATE, **paths}
        arguments |= {part: parts[part] for part in needed if part in parts and part != name}
        with pytest.raises(TypeError, match=rf"^{cls.__name__}: {name}: expected .* got an object"):
            cls(**arguments)


def test_a_tensor_in_the_place_of_a_parameter_is_refused_where_it_would_not_be_trained(net):
    net[0].weight = torch.ones(4, 2)
    for use in (lambda: optim.SGD(net), lambda: net.initialize(0), lambda: net.replicate(2)):
        with pytest.raises(TypeError, match=r"0 Linear\.weight: .* expected nn\.Parameter"):
            use()


@pytest.mark.parametrize(
    ("given", "fix"), [("a.toml", r"'a\.toml'; write Study\.load\('a\.toml'\)"), (3, "3;")]
)
def test_a_run_of_something_else_than_a_study_is_refused(given, fix):
    with pytest.raises(TypeError, match=f"study: expected a chainrule.study.Study, got {fix}"):
        run(given)
