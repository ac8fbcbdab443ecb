"""A net trained on the compiled path and on the plain one, and whether they agree."""

import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.train import Trainer

K, N, B = 3, 53, 17
SEEDS = [5, 6, 7]


class Halve(nn.Module):
    """y = x / 2, somebody's own layer."""

    def forward(self, x):
        return x / 2, lambda g: g / 2


def make_data(inputs, targets, dtype, replicas=K):
    """Targets: a number of features, or "classes" L as a negative number, or the shape of signs, or
    a dict of these."""
    generator = torch.Generator().manual_seed(0)

    def target(size):
        if isinstance(size, tuple):
            signs = torch.randint(0, 2, (replicas, N, *size), generator=generator)
            return signs.mul(2).sub(1).to(dtype)
        if size < 0:
            return torch.randint(0, -size, (replicas, N), generator=generator)
        return torch.rand(replicas, N, size, generator=generator, dtype=torch.float64).to(dtype)

    x = torch.randn(replicas, N, *inputs, generator=generator, dtype=torch.float64).to(dtype)
    if isinstance(targets, dict):
        return Dataset(x, {name: target(size) for name, size in targets.items()}, replicas)
    return Dataset(x, target(targets), replicas)


def train_net(compiled, net, criterion, make, data, epochs=2, **options):
    net = net.replicate(K, SEEDS).to(data.inputs.dtype)
    options = {"batch_size": B, "seed": SEEDS, **options}
    trainer = Trainer(net, criterion, make(net), compile=compiled, **options)
    trainer.fit(data, epochs=epochs, progress=False)
    assert str(trainer.backend_status).startswith("compiled" if compiled else "plain")
    return trainer


def assert_equal(net, criterion, make, inputs, targets, **options):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 2e-4)):
        data = make_data(inputs, targets, dtype)
        plain, fast = (
            train_net(compiled, net, criterion, make, data, **options) for compiled in (False, True)
        )
        close = {"rtol": tolerance, "atol": tolerance}
        for mine, flat in zip(fast.optimizer.flats, plain.optimizer.flats, strict=True):
            torch.testing.assert_close(mine.data, flat.data, **close)
        for mine, state in zip(fast.optimizer.state, plain.optimizer.state, strict=True):
            torch.testing.assert_close(mine, state, **close)
        for (name, mine), (_, value) in zip(
            fast.net.named_state(), plain.net.named_state(), strict=True
        ):
            torch.testing.assert_close(mine.data, value.data, **close, msg=name)
        predictions = fast.predict(data), plain.predict(data)
        torch.testing.assert_close(*predictions, **close)
        draws = [[m.rng_counter for m in t.net.modules()] for t in (fast, plain)]
        assert draws[0] == draws[1]
        assert fast.history.curves.keys() == plain.history.curves.keys()
        for name, curve in plain.history.curves.items():
            torch.testing.assert_close(fast.history[name], curve, **close)
        assert (fast.state.steps, fast.epoch) == (plain.state.steps, plain.epoch)


def sgd(net):
    return optim.SGD(net, lr=0.1)
