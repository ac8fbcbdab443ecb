"""Who has the threads while a net is trained layer by layer; afterwards all is as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Callback, Trainer, TrainState


class Counts(Callback):
    """How many threads PyTorch has in each epoch."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def on_epoch_end(self, state: TrainState) -> None:
        self.threads.add(torch.get_num_threads())


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_within(net: nn.Module, *shape: int, batch_size: int = 10) -> set[int]:
    counts = Counts()
    data = Dataset(torch.randn(20, *shape), torch.randint(0, 2, (20,)))
    trainer = Trainer(
        *(net, nn.CrossEntropyLoss(), optim.SGD(net)),
        batch_size=batch_size,
        callbacks=[counts],
        compile=False,
    )
    trainer.fit(data, epochs=2, progress=False)
    assert torch.get_num_threads() == 3
    return counts.threads


def test_small_work_gets_one_thread():
    net = nn.Sequential(nn.Linear(2, 25), nn.ReLU(), nn.Linear(25, 2))
    assert threads_within(net, 2) == {1}


def test_large_products_and_convolutions_keep_what_there_is():
    large = nn.Sequential(nn.Linear(800, 800), nn.ReLU(), nn.Linear(800, 2))
    images = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2))
    assert threads_within(large, 800) == {3}
    assert threads_within(images, 1, 8, 8) == {3}


def test_layers_of_ones_own_keep_what_there_is():
    class Twice(nn.Module):
        def forward(self, x):
            return 2 * x, lambda g: 2 * g

    assert threads_within(nn.Sequential(Twice(), nn.Linear(2, 2)), 2) == {3}


def test_an_error_leaves_the_threads_as_they_were():
    class Fails(Callback):
        def on_epoch_end(self, state: TrainState) -> None:
            raise ZeroDivisionError

    net = nn.Linear(2, 2)
    data = Dataset(torch.randn(20, 2), torch.randint(0, 2, (20,)))
    trainer = Trainer(
        net, nn.CrossEntropyLoss(), optim.SGD(net), callbacks=[Fails()], compile=False
    )
    with pytest.raises(ZeroDivisionError):
        trainer.fit(data, epochs=1, progress=False)
    assert torch.get_num_threads() == 3
