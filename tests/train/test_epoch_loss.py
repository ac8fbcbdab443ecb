"""The loss of an epoch is the loss of the whole set, whatever the batches, the loss and the way."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.interop import TorchTrainer
from chainrule.nn.loss import Loss
from chainrule.train import Compiled, Trainer

VALUES = [nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss]
WEIGHTS = [None, [1.0, 9.0, 0.5], [0.0, 2.0, 1.0]]
W = WEIGHTS[2]
REDUCTIONS = st.sampled_from(["mean", "sum"])


@st.composite
def losses_of_classes(draw) -> Loss:
    reduction = draw(REDUCTIONS)
    if draw(st.booleans()):
        return nn.OneHotLoss(draw(st.sampled_from(VALUES))(reduction=reduction), -1.0, 1.0)
    weight = draw(st.sampled_from(WEIGHTS))
    ignored = draw(st.sampled_from([-100, 2]))
    if draw(st.booleans()):
        return nn.NLLLoss(weight, ignore_index=ignored, reduction=reduction)
    return nn.CrossEntropyLoss(
        weight,
        ignore_index=ignored,
        label_smoothing=draw(st.sampled_from([0.0, 0.1])),
        reduction=reduction,
    )


def losses_of_values() -> st.SearchStrategy[Loss]:
    kl = st.sampled_from(["mean", "sum", "batchmean"]).map(nn.KLDivLoss)
    weight = st.sampled_from(WEIGHTS)
    shares = st.builds(nn.CrossEntropyLoss, weight, reduction=REDUCTIONS)
    yes = st.builds(nn.BCELoss, weight, reduction=REDUCTIONS)
    logits = st.builds(nn.BCEWithLogitsLoss, weight, reduction=REDUCTIONS, pos_weight=weight)
    values = st.builds(lambda cls, r: cls(reduction=r), st.sampled_from(VALUES), REDUCTIONS)
    return kl | shares | yes | logits | values


def difference(net: nn.Module, criterion: Loss, data: Dataset, batch_size: int, **options) -> float:
    """How far the two are apart, relative to the larger; the greatest over the replicas."""
    cls = options.pop("cls", Trainer)
    trainer = cls(net, criterion, optim.SGD(net, lr=0.0), batch_size=batch_size, **options)
    history = trainer.fit(data, data, epochs=1, progress=False)
    assert not history.diverged
    if options.get("compile") is True:
        assert trainer.backend_status == Compiled()
    a, b = history["train_loss"], history["test_loss"]
    return float(((a - b).abs() / b.abs()).max())


def samples(n: int, seed: int, vectors: bool) -> Dataset:
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2, generator=draws)
    classes = torch.randint(0, 3, (n,), generator=draws)
    classes[:2] = torch.tensor([0, 1])  # not all are ignored
    return Dataset(x, torch.rand(n, 3, generator=draws) if vectors else classes)


def build(K: int | None) -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 3), nn.Softmax(1)).initialize(0)
    return net if K is None else net.replicate(K, [*range(K)])


cases = {
    "n": st.integers(20, 40),
    "batch_size": st.integers(1, 45),
    "K": st.sampled_from([None, 3]),
    "seed": st.integers(0, 99),
    "way": st.booleans(),
}


@settings(max_examples=100)
@given(
    choice=st.tuples(losses_of_classes(), st.just(False))
    | st.tuples(losses_of_values(), st.just(True)),
    **cases,
)
def test_of_every_loss_and_reduction(choice, n, batch_size, K, seed, way):
    criterion, vectors = choice
    data = samples(n, seed, vectors)
    assert difference(build(K), criterion, data, batch_size, compile=way) < 1e-5


@settings(max_examples=30)
@given(criterion=losses_of_classes(), **cases)
def test_of_samples_with_weights(criterion, n, batch_size, K, seed, way):
    data = samples(n, seed, vectors=False)
    weight = torch.arange(n) % 4 + 0.5 * (torch.arange(n) == 1)
    data = Dataset(data.inputs, {"target": data.targets, "weight": weight})
    assert (
        difference(
            build(K), nn.SampleWeightedLoss(criterion), data, batch_size, compile=way and "auto"
        )
        < 1e-5
    )


@settings(max_examples=40)
@given(
    a=losses_of_classes(), b=losses_of_values(), weight=st.sampled_from([0.0, 0.3, "each"]), **cases
)
def test_of_several_heads_each_in_its_own_way(a, b, weight, n, batch_size, K, seed, way):
    heads = {name: nn.Sequential(nn.Linear(2, 3), nn.Softmax(1)) for name in ("a", "b")}
    net = nn.Heads(heads).initialize(0)
    net = net if K is None else net.replicate(K, [*range(K)])
    net.to(torch.float64)  # the sums of the two heads may all but cancel
    classes, vectors = samples(n, seed, False), samples(n, seed, True)
    targets = {"a": classes.targets, "b": vectors.targets.double()}
    data = Dataset(classes.inputs.double(), targets)
    if weight == "each":
        weight = torch.tensor([0.0, 0.3, 1.7]) if K else 0.5
    criterion = nn.MultiLoss({"a": a, "b": b}, {"b": weight})
    assert difference(net, criterion, data, batch_size, compile=way) < 1e-5


@settings(max_examples=20)
@given(full=st.booleans(), reduction=REDUCTIONS, **cases)
def test_of_a_mean_with_its_variance(full, reduction, n, batch_size, K, seed, way):
    net = nn.Heads(mean=nn.Linear(2, 3), var=nn.Sequential(nn.Linear(2, 3), nn.Softplus()))
    net = net.initialize(0) if K is None else net.replicate(K, [*range(K)])
    criterion = nn.GaussianNLLLoss(full=full, reduction=reduction)
    assert difference(net, criterion, samples(n, seed, True), batch_size, compile=way) < 1e-5


@pytest.mark.parametrize("way", [False, True], ids=["plain", "kernel"])
@pytest.mark.parametrize(
    "options", [{"ignore_index": 0}, {"weight": W}, {"weight": W, "label_smoothing": 0.1}], ids=str
)
def test_a_batch_of_which_nothing_counts_ends_no_training(way, options):
    data = Dataset(torch.randn(9, 2), torch.tensor([0, 1, 1, 2, 1, 0, 0, 2, 1]))
    criterion = nn.CrossEntropyLoss(**options)
    net = build(None)
    trainer = Trainer(net, criterion, optim.SGD(net, lr=0.1), batch_size=1, compile=way)
    history = trainer.fit(data, epochs=3, progress=False)
    assert not history.diverged
    assert history["train_loss"].diff().max() < 0


@pytest.mark.parametrize("way", [False, True], ids=["plain", "kernel"])
@pytest.mark.parametrize("K", [None, 3])
def test_what_smoothing_adds_counts_where_no_class_of_a_batch_does(way, K):
    """Of one sample of a class of weight 0 the mean is x / 0; of the whole set x counts."""
    criterion = nn.CrossEntropyLoss(W, label_smoothing=0.5)
    assert difference(build(K), criterion, samples(20, 0, False), 1, compile=way) < 1e-5


class MeanOfSquares(nn.Loss):
    """One of a user's, which knows nothing of batches."""

    def forward(self, output, target):
        d = output - target
        n = d[0].numel() if self.replicas else d.numel()
        axes = tuple(range(self.num_replica_dims, d.dim()))
        return d.square().sum(axes) / n, lambda g: 2 * g.reshape(g.shape + (1,) * len(axes)) * d / n


def test_of_a_loss_of_ones_own():
    assert difference(build(None), MeanOfSquares(), samples(23, 0, True), 10) < 1e-5


@pytest.mark.parametrize("K", [None, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("cls", "options"), [(TorchTrainer, {}), (Trainer, {"compile": True})], ids=["torch", "kernel"]
)
def test_on_every_way(cls, options, reduction, K):
    criterion = nn.CrossEntropyLoss(reduction=reduction)
    assert difference(build(K), criterion, samples(23, 0, False), 10, cls=cls, **options) < 1e-5


def test_pytorch_weighs_as_we_do():
    criterion = nn.CrossEntropyLoss(WEIGHTS[1])
    assert difference(build(2), criterion, samples(23, 0, False), 10, cls=TorchTrainer) < 1e-5


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_sum_of_losses_in_the_kernel(reduction):
    data = samples(23, 0, True)
    net = nn.Heads(a=nn.Linear(2, 3), b=nn.Linear(2, 3)).initialize(0)
    criterion = nn.MultiLoss(
        {"a": nn.MSELoss(reduction=reduction), "b": nn.L1Loss(reduction=reduction)}, {"b": 0.3}
    )
    heads = Dataset(data.inputs, {"a": data.targets, "b": data.targets})
    assert difference(net, criterion, heads, 10, compile=True) < 1e-5


def test_a_sum_and_a_mean_together_are_the_loss_of_the_whole_set():
    net = nn.Heads(a=nn.Linear(2, 3), b=nn.Linear(2, 3)).initialize(0)
    criterion = nn.MultiLoss({"a": nn.MSELoss(reduction="sum"), "b": nn.L1Loss()})
    data = samples(23, 0, True)
    heads = Dataset(data.inputs, {"a": data.targets, "b": data.targets})
    trainer = Trainer(net, criterion, optim.SGD(net, lr=0.0), batch_size=10)
    history = trainer.fit(heads, heads, epochs=1)
    assert history.last("train_loss").item() == pytest.approx(history.last("test_loss").item())
