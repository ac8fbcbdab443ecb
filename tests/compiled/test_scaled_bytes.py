"""Inputs that stay bytes: the kernel multiplies them as the plain path does."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Trainer

from .agreement import SEEDS, K

PIXELS = torch.randint(0, 256, (41, 2, 7, 9), generator=torch.Generator().manual_seed(5)).byte()
LABELS = torch.arange(41) % 3


def make_net():
    return nn.Sequential(
        nn.Conv2d(2, 5, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(30, 3)
    )


def train(data, kernel, replicas=K, dtype=torch.float32, augment=None):
    net = make_net().to(dtype)
    net = net.initialize(3) if replicas is None else net.replicate(replicas, SEEDS)
    criterion, rule = nn.CrossEntropyLoss(), optim.SGD(net, lr=0.05)
    seed = SEEDS[0] if replicas is None else SEEDS
    trainer = Trainer(
        net, criterion, rule, batch_size=7, seed=seed, compile=kernel, augment=augment
    )
    trainer.fit(data, data, epochs=2, progress=False)
    assert str(trainer.backend_status) == ("compiled" if kernel else "plain")
    return trainer


@pytest.mark.parametrize("kernel", [False, True], ids=["plain", "compiled"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("replicas", [None, K])
def test_bytes_with_a_scale_are_what_their_numbers_are(kernel, dtype, replicas):
    data = Dataset.of(PIXELS, LABELS, scale=1 / 255, dtype=dtype)
    numbers = Dataset(data.scale_inputs(PIXELS), LABELS)
    mine, expected = (train(each, kernel, replicas, dtype) for each in (data, numbers))
    for name in ("train_loss", "test_loss"):
        assert torch.equal(mine.history[name], expected.history[name])
    assert torch.equal(mine.predict(data), expected.predict(numbers))


def test_each_replica_has_bytes_of_its_own():
    data = Dataset.of(PIXELS, LABELS, scale=1 / 255).subset(
        torch.stack([torch.arange(30) + k for k in range(K)])
    )
    fast, plain = train(data, True), train(data, False)
    torch.testing.assert_close(fast.predict(data), plain.predict(data), rtol=2e-4, atol=2e-4)


def test_another_scale_is_seen_at_once():
    data = Dataset.of(PIXELS, LABELS, scale=1 / 255)
    trainer = train(data, True)
    other = Dataset.of(PIXELS, LABELS, scale=1 / 100)
    expected = Dataset(other.scale_inputs(PIXELS), LABELS)
    assert torch.equal(trainer.predict(other), trainer.predict(expected))


def test_bytes_are_augmented_as_numbers():
    def flip(x, seeds, step):
        return x.flip(-1)

    data = Dataset.of(PIXELS, LABELS, scale=1 / 255)
    fast, plain = (train(data, kernel, augment=flip) for kernel in (True, False))
    torch.testing.assert_close(
        fast.history["train_loss"], plain.history["train_loss"], rtol=2e-4, atol=2e-4
    )


def test_a_scale_of_another_dtype_than_the_net_is_left_to_the_layers():
    data = Dataset.of(PIXELS, LABELS, scale=1 / 255, dtype=torch.float64)
    with pytest.raises(ValueError, match="float64"):
        train(data, "auto")
