"""Sparse inputs: rows of them, batches that are made dense, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import coo_array, csc_matrix, csr_array

from chainrule import nn, optim
from chainrule.data import DataLoader, Dataset, standardize
from chainrule.train import Trainer, predict

DENSE = torch.arange(35, dtype=torch.float32).reshape(7, 5) * (torch.arange(35) % 3 == 1).view(7, 5)
DENSE[2] = 0
TARGETS = torch.arange(7) % 2
SPARSE = Dataset(DENSE.to_sparse(), TARGETS)
PLAIN = Dataset(DENSE, TARGETS)


@pytest.mark.parametrize("make", [csr_array, csc_matrix, coo_array])
def test_a_matrix_of_scipy_is_read(make):
    data = Dataset.of(make(DENSE.numpy().astype(np.float64)), TARGETS)
    assert str(data) == "Dataset(inputs (7, 5) float32 sparse, targets (7,) int64, replicas=None)"
    assert torch.equal(data.inputs.to_dense(), DENSE)


def test_numbers_at_one_place_are_summed_and_the_matrix_stays_as_it_is():
    doubled = csr_array((np.ones(3), np.array([1, 0, 1]), np.array([0, 3])), shape=(1, 2))
    data = Dataset.of(doubled, [0])
    assert data.inputs.to_dense().tolist() == [[1.0, 2.0]]
    assert doubled.indices.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "pick",
    [
        lambda d: d.subset(torch.tensor([3, 3, 2, 6])),
        lambda d: d.subset(torch.tensor([[3, 3, 2], [6, 1, 0]])),
        lambda d: d.expand(2).subset(torch.tensor([[3, 3, 2], [6, 1, 0]])),
        lambda d: d.subset(torch.tensor([[3, 3, 2], [6, 1, 0]])).subset(torch.tensor([2, 0])),
        lambda d: d.subset(torch.tensor([[3], [6]])).subset(torch.tensor([[0, 0], [0, 0]])),
        lambda d: d.subset(torch.tensor([[3, 2], [6, 1]])).replica(1),
        lambda d: d.expand(3).replica(2),
        lambda d: Dataset.stack([d, d.subset(torch.arange(6, -1, -1))]),
        lambda d: d.subset(torch.empty(0, dtype=torch.int64)),
        lambda d: d.to(dtype=torch.float64),
    ],
)
def test_what_is_picked_is_the_same(pick):
    found, expected = pick(SPARSE), pick(PLAIN)
    assert found.inputs.is_sparse
    assert torch.equal(found.inputs.to_dense(), expected.inputs)
    assert torch.equal(found.targets, expected.targets)


def test_batches_and_what_is_made_of_all_are_dense():
    for (x, _), (y, _) in zip(DataLoader(SPARSE, 3), DataLoader(PLAIN, 3), strict=True):
        assert torch.equal(x, y)
    assert torch.equal(standardize(SPARSE)[0][0].inputs, standardize(PLAIN)[0][0].inputs)


@pytest.mark.parametrize("replicas", [None, 2])
def test_a_training_is_the_same(replicas):
    found = []
    for data in (SPARSE, PLAIN):
        net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).initialize(3)
        net = net if replicas is None else net.replicate(replicas)
        trainer = Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net), batch_size=3, compile=False)
        history = trainer.fit(data, data, epochs=2)
        found.append([*history.curves.values(), trainer.predict(data), predict(net, data.inputs)])
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (lambda: DENSE.to_sparse_csr(), lambda: TARGETS),
        (lambda: DENSE.view(7, 5, 1).to_sparse(), lambda: TARGETS),
        (lambda: DENSE.long().to_sparse(), lambda: TARGETS),
        (lambda: DENSE, lambda: DENSE.to_sparse()),
        (lambda: torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (7, 5)), lambda: TARGETS),
    ],
    ids=["rows", "images", "whole numbers", "targets", "not coalesced"],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support", "ignore:Sparse invariant checks")
def test_what_is_stored_otherwise_is_refused(inputs, targets):
    with pytest.raises(ValueError, match="of plain memory"):
        Dataset(inputs(), targets())
