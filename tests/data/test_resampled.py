"""Parts of a data set that are not copied: to everybody they are what a copy is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from chainrule import nn, optim
from chainrule.data import Dataset, Standardizer
from chainrule.data.batches import iter_batches
from chainrule.data.resampled import Preprocessing, ResampledDataset, input_shape, used_targets
from chainrule.train import Accuracy, EarlyStopping, Trainer

K, M, N, FEATURES = 3, 41, 29, 5


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(kind: str = "plain") -> Dataset:
    x, t = draw(1, M, FEATURES), torch.arange(M) % 2
    if kind == "missing":
        x[::7, 2] = torch.nan
    if kind == "bytes":
        return Dataset((x * 40 + 128).to(torch.uint8), t, scale=torch.tensor(1 / 255))
    return Dataset(x, t)


def rows(*lead: int) -> Tensor:
    perm = [torch.randperm(M, generator=torch.Generator().manual_seed(k))[:N] for k in range(K)]
    return torch.stack(perm) if lead else perm[0]


def preprocessing(kind: str, *lead: int) -> Preprocessing:
    if kind == "plain":
        return Preprocessing()
    mean, std = draw(2, *lead, 1, FEATURES).double(), draw(3, *lead, 1, FEATURES).double().abs()
    std[..., 1] = 0  # a feature that never changes
    fill = draw(4, *lead, 1, FEATURES).double() if kind == "missing" else None
    return Preprocessing(fill, Standardizer(mean, std))


KINDS = ("plain", "standardized", "missing", "bytes")


def replicated(kind: str) -> ResampledDataset:
    return ResampledDataset(whole(kind).expand(K), rows(K), preprocessing(kind, K))


def assert_same_data(a: Dataset, b: Dataset) -> None:
    assert len(a) == len(b)
    assert a.replicas == b.replicas
    assert torch.equal(a.scale_inputs(a.inputs), b.scale_inputs(b.inputs))
    assert torch.equal(torch.as_tensor(a.targets), torch.as_tensor(b.targets))


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_those_of_the_copy(kind):
    data, index = replicated(kind), torch.tensor([3, 0, 28, 3])
    copy = data.gather()
    own = torch.stack([index, index + 0, index.flip(0)])
    assert input_shape(data) == input_shape(copy)
    for pick in (index, own):
        assert_same_data(data.subset(pick), copy.subset(pick))
        assert torch.equal(data.subset_targets(pick), copy.subset_targets(pick))
    for k in range(K):
        assert_same_data(data.replica(k), copy.replica(k))
    members = data.repeat(2)
    assert_same_data(members.replica(3), copy.replica(1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_part_becomes_one_of_replicas(kind):
    part = ResampledDataset(whole(kind), rows(), preprocessing(kind))
    copy, own = part.gather(), torch.tensor([[1, 2], [0, 5]])
    assert_same_data(part.expand(K), copy.expand(K))
    assert_same_data(part.subset(own), copy.subset(own))
    assert_same_data(part.subset(own[0]).subset(torch.tensor([1])), copy.subset(own[0][1:]))


def test_sources_go_along():
    stored = Dataset(draw(1, M, 2), torch.arange(M), sources=torch.arange(M)[:, None])
    part = ResampledDataset(stored, torch.tensor([7, 3]))
    assert part.sources is not None
    assert part.sources.tolist() == [[7], [3]]
    assert part.gather().sources is not None


def test_batches_are_those_of_the_copy():
    data = replicated("standardized")
    order = torch.stack([torch.randperm(N) for _ in range(K)])
    ours, theirs = (iter_batches(d, order, 10) for d in (data, data.gather()))
    for (x, t), (y, s) in zip(ours, theirs, strict=True):
        assert torch.equal(x, y)
        assert torch.equal(t, s)


def test_an_entry_beyond_its_own_samples_is_refused():
    with pytest.raises(IndexError, match=f"0 ≤ i < {N}"):
        replicated("plain").subset(torch.tensor([N]))  # which is one of those that are stored


def test_the_targets_of_all_replicas_are_there_once():
    data = ResampledDataset(
        Dataset(draw(1, 6, 2), torch.arange(6)).expand(2), torch.tensor([[4, 1], [1, 0]])
    )
    assert torch.as_tensor(used_targets(data)).tolist() == [[0, 1, 4]]


def train(data: Dataset, *, compile: bool, dtype: torch.dtype) -> Trainer:  # noqa: A002
    net = nn.Sequential(nn.Linear(FEATURES, 7), nn.ReLU(), nn.Linear(7, 2)).to(dtype=dtype)
    net = net.replicate(K) if data.replicas else net
    net.initialize(range(K) if data.replicas else 0)
    held_out = data.subset(torch.arange(6))
    trainer = Trainer(
        net,
        nn.CrossEntropyLoss(weight=torch.tensor([0.7, 1.9], dtype=dtype)),
        optim.Adam(net, lr=0.03),
        batch_size=8,
        metrics={"accuracy": Accuracy()},
        callbacks=[EarlyStopping(monitor="loss", patience=2, validation=held_out)],
        compile=compile,
    )
    trainer.fit(data, data.subset(torch.arange(20)), epochs=3)
    return trainer


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, "of one"])
def test_a_net_learns_as_from_the_copy(kind, compile):  # noqa: A002
    data: Dataset = replicated(kind.replace("of one", "standardized"))
    data = data.replica(1) if kind == "of one" else data
    ours, theirs = (
        train(d, compile=compile, dtype=torch.float32)
        for d in (data, data.gather())  # type: ignore[attr-defined]
    )
    assert str(ours.backend_status) == ("compiled" if compile else "plain")
    for name, values in theirs.history.curves.items():
        assert torch.equal(ours.history[name], values), name
    for a, b in zip(ours.net.parameters(), theirs.net.parameters(), strict=True):
        assert torch.equal(a.data, b.data)
