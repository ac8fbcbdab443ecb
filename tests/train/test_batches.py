"""Batches of any size of any number of samples: every sample once, in the order asked for."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import Dataset
from chainrule.data.batches import epoch_permutations, iter_batches, iter_slices

numbers = st.integers(1, 40)
roots = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4)


def numbered(n: int, K: int | None) -> Dataset:
    """Data in which sample i of replica k is 100 k + i, and its target the negative of that."""
    x = torch.arange(n).float() + 100 * torch.arange(K or 1).unsqueeze(1)
    x = x.unsqueeze(-1) if K else x[0].unsqueeze(-1)
    return Dataset(x, {"t": -x}, K)


@given(n=numbers, batch_size=numbers, roots=roots, epoch=st.integers(0, 1000))
def test_each_replica_sees_each_of_its_samples_once(n, batch_size, roots, epoch):
    order = epoch_permutations(n, roots, epoch)
    batches = list(iter_batches(numbered(n, len(roots)), order, batch_size))
    assert [x.shape[1] for x, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    seen = torch.cat([x for x, _ in batches], 1).squeeze(-1)
    assert torch.equal(seen, order + 100 * torch.arange(len(roots)).unsqueeze(1))
    assert torch.equal(torch.cat([t["t"] for _, t in batches], 1).squeeze(-1), -seen)


@given(n=numbers, root=st.integers(0, 2**63 - 1), others=roots, epoch=st.integers(0, 1000))
def test_an_order_depends_on_its_own_seed_and_epoch_alone(n, root, others, epoch):
    alone = epoch_permutations(n, [root], epoch)
    assert torch.equal(epoch_permutations(n, [*others, root], epoch)[-1:], alone)
    assert torch.equal(alone.sort().values, torch.arange(n).unsqueeze(0))


@given(n=st.integers(0, 40), batch_size=numbers, K=st.sampled_from([None, 1, 3]))
def test_slices_joined_are_the_data(n, batch_size, K):
    data = numbered(n, K)
    parts = [x for x, _ in iter_slices(data, batch_size)]
    axis = 0 if K is None else 1
    assert torch.equal(torch.cat([data.inputs.narrow(axis, 0, 0), *parts], axis), data.inputs)
