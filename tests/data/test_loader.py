"""DataLoader: the batches of each epoch, as a trainer takes them."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import DataLoader, Dataset, disk
from chainrule.train import Trainer


def test_a_loop_by_hand_sees_what_a_trainer_sees():
    data, nets = disk(50, seed=1), [nn.Linear(2, 2).initialize(3) for _ in range(2)]
    Trainer(nets[0], nn.CrossEntropyLoss(), optim.SGD(nets[0], lr=0.5), batch_size=16, seed=7).fit(
        data, epochs=3, progress=False
    )
    criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(nets[1], lr=0.5)
    loader = DataLoader(data, batch_size=16, shuffle=True, seed=7)
    for _ in range(3):
        for x, target in loader:
            criterion(nets[1](x), target)
            optimizer.zero_grad()
            nets[1].backward(criterion.backward(), input_grad=False)
            optimizer.step()
    torch.testing.assert_close(nets[0].weight.data, nets[1].weight.data)
    assert loader.epoch == 3


def test_without_a_shuffle_the_order_is_that_of_the_data():
    data = disk(7, seed=[1, 2])
    loader = DataLoader(data, batch_size=3)
    assert [x.shape[1] for x, _ in loader] == [3, 3, 1]
    assert len(loader) == 3
    assert torch.equal(torch.cat([x for x, _ in loader], 1), data.inputs)
    assert [t.shape for _, t in DataLoader(disk(7), 4)] == [(4,), (3,)]


def test_a_smaller_last_batch_is_left_out_on_request():
    loader = DataLoader(disk(10), 4, shuffle=True, drop_last=True)
    assert len(loader) == 2
    assert [len(x) for x, _ in loader] == [4, 4]


def test_an_epoch_is_the_same_again_by_its_number():
    loader = DataLoader(disk(20), 20, shuffle=True)
    first, second = (next(iter(loader))[0] for _ in range(2))
    assert not torch.equal(first, second)
    loader.epoch = 0
    assert torch.equal(next(iter(loader))[0], first)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DataLoader(disk(5), 0), "batch_size: expected at least 1, got 0"),
        (lambda: DataLoader(disk(5), 6, drop_last=True), "leaves nothing of 5 samples"),
        (lambda: DataLoader(disk(5), 2, seed=[1, 2]), "expected 1 seed"),
    ],
)
def test_what_makes_no_batches_is_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_no_samples_make_no_batches():
    assert list(DataLoader(Dataset(torch.empty(0, 2), torch.empty(0)), 3)) == []
