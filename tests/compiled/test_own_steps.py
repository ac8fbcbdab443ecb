"""Optimizers whose steps are their own, with the kernel's gradients, agree with the plain path."""

from functools import partial

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.optim import lr_scheduler
from chainrule.train import Compiled, Trainer
from tests.compiled.agreement import SEEDS, B, K, N, assert_equal, make_data, train_net


class Heavy(optim.Optimizer):
    """m ← β m + g, p ← p − lr m: somebody's own."""

    state_names = ("moment",)

    def __init__(self, params, lr=0.05, beta=0.8, replicas=None):
        super().__init__(params, {"lr": lr, "beta": beta, "maximize": False}, replicas)

    def update(self, p, g, state, h):
        state["moment"].mul_(h.beta).add_(g)
        p.sub_(h.lr * state["moment"])


class Sharp(Heavy):
    """The gradient is that at a place a little further up."""

    needs_closure = True

    def update(self, p, g, state, h):
        up = 0.01 * g
        p.add_(up)
        h.closure()
        p.sub_(up)
        super().update(p, g, state, h)


class Halved(optim.SGD):
    """An update of ours that somebody has changed."""

    def update(self, p, g, state, h):
        super().update(p, g / 2, state, h)


def mlp(*layers):
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), *layers, nn.Linear(8, 2))


OPTIMIZERS = [
    Heavy,
    Sharp,
    partial(Halved, lr=0.1, momentum=0.5),
    partial(optim.LBFGS, lr=0.1, max_iter=3),
    partial(optim.LBFGS, max_iter=2, history_size=2, line_search_fn="strong_wolfe"),
]


def steady(make):
    """LBFGS takes all samples at a time: of parts its steps grow, and rounding with them."""
    return {"batch_size": N} if isinstance(make, partial) and make.func is optim.LBFGS else {}


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_steps_of_an_optimizers_own_agree(make):
    assert_equal(mlp(), nn.CrossEntropyLoss(), make, (3,), -2, **steady(make))


@pytest.mark.parametrize("options", [{"clip_norm": 0.1}, {"clip_value": 0.02}], ids=repr)
@pytest.mark.parametrize("make", OPTIMIZERS[:3])
def test_clipped_gradients_agree_at_each_look(make, options):
    assert_equal(mlp(), nn.CrossEntropyLoss(), make, (3,), -2, **options)


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("layer", [nn.Dropout(0.3), nn.BatchNorm1d(8)], ids=repr)
def test_each_look_at_the_loss_draws_and_moves_running_statistics(make, layer):
    assert_equal(mlp(layer), nn.MSELoss(), make, (3,), 2, **steady(make))


@pytest.mark.parametrize("make", [Heavy, Halved])
def test_several_batches_make_a_step(make):
    assert_equal(mlp(), nn.MSELoss(), partial(make, lr=0.1), (3,), 2, accumulate=2)


def make_groups(net):
    """Two groups, without the first parameter."""
    parameters = [*net.parameters()][1:]
    groups = [{"params": parameters[:1], "lr": 0.2}, {"params": parameters[1:]}]
    return Heavy(groups, replicas=net.replicas)


def test_groups_and_what_is_not_moved_agree():
    assert_equal(mlp(), nn.MSELoss(), make_groups, (3,), 2, clip_norm=0.2)


def train(compiled, net, make, data, **options):
    optimizer = make(net)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
    trainer = Trainer(
        *(net, nn.CrossEntropyLoss(), optimizer),
        scheduler=schedule,
        schedule_every="step",
        metrics={"accuracy": lambda y, t: (y.argmax(-1) == t).double()},
        batch_size=N if steady(make) else B,
        seed=SEEDS[: net.replicas] if net.replicas else 5,
        compile=compiled,
        **options,
    )
    trainer.fit(data, data, epochs=3, progress=False)
    assert (trainer.backend_status == Compiled()) == compiled
    return trainer


@pytest.mark.parametrize("replicas", [None, K])
@pytest.mark.parametrize("make", OPTIMIZERS)
def test_schedules_by_step_and_metrics_of_batches_agree(make, replicas):
    data = make_data((3,), -2, torch.float64)
    if replicas is None:
        data = Dataset(data.inputs[0], data.targets[0])
    trainers = []
    for compiled in (False, True):
        net = mlp().initialize(5) if replicas is None else mlp().replicate(K, SEEDS)
        trainers.append(train(compiled, net.to(torch.float64), make, data))
    plain, fast = trainers
    for name, curve in plain.history.curves.items():
        torch.testing.assert_close(fast.history[name], curve, rtol=1e-10, atol=1e-10)
    assert plain.optimizer.param_groups[0]["lr"] == fast.optimizer.param_groups[0]["lr"]
    assert plain.state.steps == fast.state.steps


@pytest.mark.parametrize("make", [Heavy, Sharp, partial(optim.LBFGS, lr=0.1, max_iter=3)])
def test_who_diverges_keeps_its_parameters_and_the_others_go_on(make):
    data = make_data((3,), 2, torch.float64)
    data.inputs[1, 20] = torch.inf
    plain, fast = (train_net(c, mlp(), nn.MSELoss(), make, data) for c in (False, True))
    assert fast.history.diverged == plain.history.diverged
    assert len(fast.history.diverged) == 1
    torch.testing.assert_close(fast.optimizer.flats[0].data, plain.optimizer.flats[0].data)


def test_a_step_that_somebody_has_put_in_is_taken(monkeypatch):
    """From the next epoch on, by whichever way the gradients come."""
    data, taken = make_data((3,), 2, torch.float64), []
    net = mlp().replicate(K, SEEDS).to(torch.float64)
    trainer = Trainer(net, nn.MSELoss(), optim.SGD(net, lr=0.1), batch_size=B, compile=True)
    trainer.fit(data, epochs=1, progress=False)
    update = optim.SGD.update

    def count(self, *args):
        taken.append(1)
        return update(self, *args)

    monkeypatch.setattr(optim.SGD, "update", count)
    trainer.fit(data, epochs=2, progress=False)
    assert len(taken) == -(-N // B)
    assert trainer.backend_status == Compiled()
