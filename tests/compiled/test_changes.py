"""What changes between epochs, fits and predictions is seen on the compiled path too."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from chainrule import nn, optim
from chainrule.compiled import compile_training
from chainrule.data import Dataset
from chainrule.nn import LayerError
from chainrule.nn.hooks import forward_hook
from chainrule.train import Callback, Compiled, Trainer, TrainState

N, SEEDS = 24, [5, 6]


class Watches(Callback):
    """Looks at each step, which the kernel does not wait for."""

    def on_step_end(self, state: TrainState) -> None:
        pass


class Training:
    """A trainer, and its data in memory that can be written to past PyTorch: not contiguous."""

    def __init__(self, compile: bool | Literal["auto"]) -> None:  # noqa: A002
        net = nn.Sequential(
            *(nn.Linear(3, 8), nn.LeakyReLU(0.1), nn.Linear(8, 8), nn.ELU(0.5)),
            *(nn.Linear(8, 8), nn.Hardtanh(-1.0, 1.0), nn.BatchNorm1d(8), nn.Dropout(0.1)),
            *(nn.Linear(8, 2), nn.Tanh()),
        )
        net = net.replicate(2, SEEDS).to(torch.float64)
        loss = nn.MultiLoss({"a": nn.OneHotLoss(nn.HuberLoss(delta=0.4), -0.9, 0.9)})
        generator = np.random.default_rng(3)
        self.x = generator.normal(size=(3, N))
        self.y = generator.integers(0, 2, size=(N, 2))
        inputs, targets = torch.from_numpy(self.x).T, torch.from_numpy(self.y)[:, 1]
        self.data = Dataset(inputs, targets)
        self.test = Dataset(torch.from_numpy(self.x[:, ::2].copy()).T, targets[::2].clone())
        optimizer = optim.Adam(net, lr=0.01, weight_decay=1e-3)
        self.trainer = Trainer(
            *(net, loss.losses["a"], optimizer), batch_size=7, seed=SEEDS, compile=compile
        )

    @property
    def state(self) -> TrainState:
        return self.trainer.state


def set_attribute(path: str, *values: object) -> Callable[[Training, random.Random], None]:
    """One of the values for an attribute, as a change."""

    def change(training: Training, draw: random.Random) -> None:
        *parents, name = path.split(".")
        target: object = training.state
        for parent in parents:
            target = target[int(parent)] if parent.isdigit() else getattr(target, parent)  # type: ignore[index]
        setattr(target, name, draw.choice(values))

    return change


def set_hyperparameter(name: str, *values: object) -> Callable[[Training, random.Random], None]:
    """One of the values for a number of the optimizer, as a change."""

    def change(training: Training, draw: random.Random) -> None:
        training.trainer.optimizer.param_groups[0][name] = draw.choice(values)

    return change


def replace_layer(training: Training, draw: random.Random) -> None:
    layer = draw.choice((nn.Tanh, nn.Sigmoid, nn.Softsign, nn.GELU, nn.ReLU))()
    training.trainer.net[draw.choice((1, 3, 5))] = layer  # type: ignore[index]


def write_data(training: Training, draw: random.Random) -> None:
    """Past PyTorch, as somebody with the array does."""
    training.x[draw.randrange(3), draw.randrange(N)] += 1.0
    training.y[draw.randrange(N), 1] = draw.randrange(2)


def write_parameters(training: Training, draw: random.Random) -> None:
    next(training.trainer.net.parameters()).data.mul_(draw.choice((0.9, 1.1)))
    if training.trainer.epoch:
        training.trainer.accept_parameters()


def write_moments(training: Training, draw: random.Random) -> None:
    """As another who has them in memory otherwise."""
    (state,) = training.trainer.optimizer.state
    transposed = state["exp_avg"].T.contiguous().T
    state["exp_avg"] = transposed * draw.choice((0.0, 0.9))


def write_buffers(training: Training, draw: random.Random) -> None:
    norm = training.trainer.net[6]  # type: ignore[index]
    norm.running_mean.data += 0.1
    norm.running_var.data = norm.running_var.data.T.contiguous().T * 1.1


def draw_by_torch(training: Training, draw: random.Random) -> None:
    torch.manual_seed(draw.randrange(100))
    training.trainer.net[7].seeds = draw.choice((None, [3, 4]))  # type: ignore[index]


def replace_loss(training: Training, draw: random.Random) -> None:
    loss = draw.choice((nn.SmoothL1Loss(beta=0.3), nn.MSELoss(), nn.MSELoss(reduction="sum")))
    training.state.criterion = nn.OneHotLoss(loss, -0.8, 0.7).replicate(2)


def look_at_steps(training: Training, draw: random.Random) -> None:
    training.trainer.callbacks[1:] = [] if len(training.trainer.callbacks) > 1 else [Watches()]


CHANGES: list[Callable[[Training, random.Random], None]] = [
    set_attribute("batch_size", 3, 5, 12, N, 100),
    set_attribute("clip_value", None, 0.01),
    set_attribute("clip_norm", None, 0.1, torch.tensor([0.05, 0.2], dtype=torch.float64)),
    set_attribute("augment", None, lambda x, seeds, step: x + 0.1 * step),
    set_attribute("net.1.negative_slope", 0.0, 0.2),
    set_attribute("net.3.alpha", 0.3, 1.5),
    set_attribute("net.5.max_val", 0.7, 2.0),
    set_attribute("net.6.momentum", None, 0.3),
    set_attribute("net.7.p", 0.0, 0.4, torch.tensor([0.1, 0.2])),
    set_attribute("criterion.low", -0.5, -1.0),
    set_attribute("criterion.loss.delta", 0.2, 0.6),
    set_attribute("criterion.loss.reduction", "mean", "sum"),
    set_attribute("net.1.forward", nn.ReLU().forward, nn.Tanh().forward),
    set_hyperparameter("lr", 0.02, 0.005, torch.tensor([0.01, 0.03], dtype=torch.float64)),
    set_hyperparameter("betas", (0.8, 0.99), (0.9, 0.999)),
    set_hyperparameter("weight_decay", 0.0, 1e-2),
    replace_layer,
    write_data,
    write_parameters,
    write_moments,
    write_buffers,
    draw_by_torch,
    replace_loss,
    look_at_steps,
]


class Changes(Callback):
    """Makes the changes of a seed at the end of epochs."""

    def __init__(self, training: Training, draw: random.Random) -> None:
        self.training, self.draw = training, draw

    def on_epoch_end(self, state: TrainState) -> None:
        if self.draw.random() < 0.7:
            for change in self.draw.sample(CHANGES, self.draw.randint(1, 2)):
                change(self.training, self.draw)


def carry_out(seed: int, compiled: bool) -> tuple[list[Tensor], set[str]]:
    """All numbers that a training of this seed shows, and which ways its fits ended."""
    draw, training = random.Random(seed), Training("auto" if compiled else False)
    trainer, found, ways = training.trainer, [], set()
    trainer.callbacks.append(Changes(training, draw))
    for _ in range(4):
        trainer.fit(training.data, training.test, epochs=trainer.epoch + 2, progress=False)
        ways.add(str(trainer.backend_status)[:8])
        found.append(trainer.optimizer.flats[0].data.clone())
        for change in draw.sample(CHANGES, draw.randint(0, 3)):
            change(training, draw)
        found += [trainer.predict(training.test), trainer.predict(training.data)]
    return [*found, *(trainer.history[name] for name in trainer.history.curves)], ways


@pytest.mark.parametrize("seed", range(12))
def test_changes_are_seen_at_once(seed):
    (plain, _), (compiled, ways) = carry_out(seed, False), carry_out(seed, True)
    assert len(plain) == len(compiled)
    for expected, found in zip(plain, compiled, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    if seed == 0:
        assert "compiled" in ways


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 400, 100))
def test_many_changes_are_seen_at_once(first):
    compiled = 0
    for seed in range(first, first + 100):
        (plain, _), (fast, ways) = carry_out(seed, False), carry_out(seed, True)
        compiled += "compiled" in ways
        for expected, found in zip(plain, fast, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert compiled > 50


@pytest.mark.parametrize("call", ["on_fit_start", "on_epoch_start"])
def test_a_change_just_before_the_first_epoch_is_seen(call):
    found = []
    for compiled in ("auto", False):
        training = Training(compiled)

        def replace(self, state):
            state.net[1] = nn.Sigmoid()
            state.batch_size = 5

        training.trainer.callbacks.append(type("Replaces", (Callback,), {call: replace})())
        training.trainer.fit(training.data, epochs=1, progress=False)
        found.append(training.trainer.optimizer.flats[0].data)
        assert str(training.trainer.backend_status).startswith("compiled" if compiled else "plain")
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("call", ["on_fit_start", "on_epoch_start"])
def test_a_new_parameter_just_before_the_first_epoch_is_refused(call):
    def replace(self, state):
        state.net[0] = nn.Linear(3, 8).replicate(2, SEEDS).to(torch.float64)

    training = Training("auto")
    training.trainer.callbacks.append(type("Replaces", (Callback,), {call: replace})())
    with pytest.raises(RuntimeError, match="is newer than the optimizer"):
        training.trainer.fit(training.data, epochs=1, progress=False)


def test_targets_that_leave_their_range_are_refused_in_the_next_epoch():
    for compiled in (False, True):
        training = Training("auto" if compiled else False)
        training.trainer.fit(training.data, epochs=1, progress=False)
        training.y[3, 1] = 2  # past PyTorch
        with pytest.raises(LayerError, match="expected class indices from 0 to 1, got 2"):
            training.trainer.fit(training.data, epochs=2, progress=False)


def test_a_layer_that_somebody_else_wrote_is_asked():
    class Half(nn.Linear):  # type: ignore[misc]
        def forward(self, x):
            y, rule = super().forward(x / 2)
            return y, lambda g: rule(g) / 2

    data = Dataset(torch.randn(20, 2), torch.randn(20, 1))
    net = nn.Sequential(Half(2, 1))
    trainer = Trainer(net, nn.MSELoss(), optim.SGD(net, lr=0.1))
    trainer.fit(data, epochs=1, progress=False)
    assert "Half.forward, which is not chainrule's" in str(trainer.backend_status)


def test_a_method_of_another_class_is_asked(monkeypatch):
    training = Training("auto")
    training.trainer.fit(training.data, epochs=1, progress=False)
    monkeypatch.setattr(nn.ELU, "forward", nn.Tanh.forward)
    training.trainer.fit(training.data, epochs=2, progress=False)
    assert "ELU.forward, which is not chainrule's" in str(training.trainer.backend_status)


def train_against_itself(compiled: bool) -> Trainer:
    """Each batch is moved to where the net, as it is then, is worse."""
    training = Training("auto" if compiled else False)
    net, criterion = training.trainer.net, training.trainer.criterion

    def move(x, seeds, step):
        y, rule = net.eval().forward(x)
        targets = torch.zeros(1, x.shape[1], dtype=torch.int64)
        g = criterion.forward(y, targets)[1](torch.ones(2, dtype=x.dtype))
        net.train()
        return x + 0.1 * rule(g).sign()

    training.state.augment = move
    training.trainer.fit(training.data, epochs=3, progress=False)
    return training.trainer


def test_an_augmentation_that_looks_at_the_net_sees_it_at_each_step():
    plain, fast = map(train_against_itself, (False, True))
    assert "an augmentation that may look at what is trained" in str(fast.backend_status)
    assert torch.equal(fast.optimizer.flats[0].data, plain.optimizer.flats[0].data)


def test_a_layer_without_the_nets_replicas_is_asked():
    training = Training("auto")
    training.trainer.fit(training.data, epochs=1, progress=False)
    training.trainer.net[-1] = nn.Softmax(1)  # which is over the samples
    training.trainer.fit(training.data, epochs=2, progress=False)
    assert "Softmax(dim=1), which has not the net's" in str(training.trainer.backend_status)


def test_weights_of_losses_of_other_replicas_are_refused_by_the_loss():
    net = nn.Heads(a=nn.Linear(3, 2)).replicate(2, SEEDS).to(torch.float64)
    criterion = nn.MultiLoss({"a": nn.CrossEntropyLoss()}, {"a": torch.ones(3)})
    trainer = Trainer(net, criterion, optim.SGD(net))
    data = Training("auto").data
    with pytest.raises(LayerError, match="expected weight 'a' a number or a tensor"):
        trainer.fit(Dataset(data.inputs, {"a": data.targets}), epochs=1, progress=False)


def test_a_hook_sees_predictions():
    training, seen = Training(True), []

    def look(module, x, y, rule):
        seen.append(module)
        return rule

    training.trainer.fit(training.data, epochs=1, progress=False)
    with forward_hook(look):
        training.trainer.predict(training.test)
    assert len(seen) == len(training.trainer.net)


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: torch.nn.Parameter(t, False)])
def test_weights_that_are_written_to_past_pytorch_are_seen(wrap):
    found = []
    for compiled in (True, False):
        weights = np.ones(1500)
        net = nn.Linear(3, 1500).to(torch.float64).initialize(0)
        data = Dataset(torch.eye(3, dtype=torch.float64), torch.arange(3))
        loss = nn.CrossEntropyLoss(wrap(torch.from_numpy(weights)))
        trainer = Trainer(net, loss, optim.SGD(net, lr=0.1), compile=compiled)
        trainer.fit(data, epochs=1, progress=False)
        weights[:3] = 1, 2, 3
        trainer.fit(data, epochs=2, progress=False)
        found.append(trainer.history["train_loss"])
    torch.testing.assert_close(*found, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["exp_avg", "exp_avg_sq"])
def test_a_state_of_another_dtype_is_left_to_the_optimizer(name):
    training = Training("auto")
    training.trainer.fit(training.data, epochs=1, progress=False)
    (state,) = training.trainer.optimizer.state
    state[name] = state[name].float()
    with suppress(RuntimeError):  # what torch says of two dtypes
        training.trainer.fit(training.data, epochs=2, progress=False)
    assert training.trainer.optimizer.state[0][name].dtype == torch.float32
    assert training.trainer.backend_status == Compiled()


@pytest.mark.parametrize("name", ["running_mean", "running_var"])
def test_statistics_of_another_dtype_take_the_plain_path(name):
    training = Training("auto")
    training.trainer.fit(training.data, epochs=1, progress=False)
    buffer = getattr(training.trainer.net[6], name)
    buffer.data = buffer.data.float()
    with suppress(LayerError):
        training.trainer.fit(training.data, epochs=2, progress=False)
    assert "running statistics of another" in str(training.trainer.backend_status)


@pytest.mark.parametrize("several", [False, True])
def test_a_program_is_kept_while_nothing_changes(several, monkeypatch):
    made = []

    def count(*args, **options):
        made.append(args)
        return compile_training(*args, **options)

    monkeypatch.setattr("chainrule.train.backends.programs.compile_training", count)
    training = Training(True)
    trainer, train, test = training.trainer, training.data, training.test
    if several:  # a loss that keeps the last values of its parts
        net = nn.Sequential(nn.Heads({"a": nn.Linear(3, 2), "b": nn.Linear(3, 2)}))
        net = net.replicate(2, SEEDS).to(torch.float64)
        criterion = nn.MultiLoss({name: nn.CrossEntropyLoss() for name in "ab"})
        train, test = (Dataset(d.inputs, dict.fromkeys("ab", d.targets)) for d in (train, test))
        trainer = Trainer(net, criterion, optim.Adam(net), seed=SEEDS, compile=True)
    for epochs in (3, 5):
        trainer.fit(train, test, epochs=epochs, progress=False)
        trainer.evaluate(test)
    assert trainer.backend_status == Compiled()
    assert len(made) == 1
