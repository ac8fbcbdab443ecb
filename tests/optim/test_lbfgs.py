"""LBFGS against torch's, move by move; a cohort against its nets alone."""

from __future__ import annotations

import copy
import inspect

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.interop import TorchTrainer
from chainrule.interop.torch import to_torch
from chainrule.nn import Parameter
from chainrule.optim.line_search import Point, find_cubic_minimum, search_strong_wolfe
from chainrule.train import Trainer
from tests.nn.cases import odd

STARTS = torch.tensor([[-1.5, 2.0], [1.2, 1.2], [0.3, -0.7]], dtype=torch.float64)

CASES = [
    {"lr": 1e-3},
    {"lr": 1e-3, "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 1},
    {"line_search_fn": "strong_wolfe", "lr": 0.3, "max_eval": 7},
    {"line_search_fn": "strong_wolfe", "tolerance_grad": 1.0},
    {"line_search_fn": "strong_wolfe", "tolerance_change": 0.1},
]


def rosenbrock(p, grad):
    """(1 − a)² + 100 (b − a²)², and its gradient into grad        p, grad (…, 2)"""
    a, b = p[..., 0], p[..., 1]
    grad[..., 0] = -2 * (1 - a) - 400 * a * (b - a * a)
    grad[..., 1] = 200 * (b - a * a)
    return (1 - a) ** 2 + 100 * (b - a * a) ** 2


def descend(start, steps, replicas=None, **kwargs):
    """The parameters after each step of ours."""
    p = Parameter(start.clone())
    optimizer = optim.LBFGS([p], replicas=replicas, **kwargs)
    found = []
    for _ in range(steps):
        optimizer.step(lambda: rosenbrock(p.data, p.grad))
        found.append(p.data.clone())
    return torch.stack(found)


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize("kwargs", CASES, ids=str)
def test_every_step_is_torchs(start, kwargs):
    p = torch.nn.Parameter(start.clone())
    twin = torch.optim.LBFGS([p], **kwargs)

    def closure():
        p.grad = torch.zeros_like(p)
        return rosenbrock(p.detach(), p.grad)

    for found in descend(start, 4, **kwargs):
        twin.step(closure)
        torch.testing.assert_close(found, p.detach(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_net_goes_where_torchs_goes(search):
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(torch.float64)
    net.initialize(3)
    twin = to_torch(net)
    x, t = odd(9, 3), odd(9, 2, seed=1)
    kwargs = {"lr": 0.5, "max_iter": 6, "line_search_fn": search}
    ours, theirs = optim.LBFGS(net, **kwargs), torch.optim.LBFGS(twin.parameters(), **kwargs)
    criterion = nn.MSELoss()

    def closure():
        ours.zero_grad()
        loss = criterion(net(x), t)
        net.backward(criterion.backward())
        return loss

    def torch_closure():
        theirs.zero_grad()
        loss = torch.nn.functional.mse_loss(twin(x), t)
        loss.backward()
        return loss

    for _ in range(4):
        first, second = ours.step(closure), theirs.step(torch_closure)
        torch.testing.assert_close(first, second.detach(), rtol=1e-10, atol=1e-10)
        for p, q in zip(net.parameters(), twin.parameters(), strict=True):
            torch.testing.assert_close(p.data, q.detach(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kwargs", CASES, ids=str)
def test_a_replica_goes_its_own_way(kwargs):
    together = descend(STARTS, 5, replicas=3, **kwargs)
    for k, start in enumerate(STARTS):
        assert torch.equal(together[:, k], descend(start, 5, **kwargs))


def test_each_replica_has_its_own_rate():
    rates = torch.tensor([0.001, 0.002, 0.0005], dtype=torch.float64)
    together = descend(STARTS, 3, replicas=3, lr=rates)
    for k, start in enumerate(STARTS):
        assert torch.equal(together[:, k], descend(start, 3, lr=rates[k].item()))


def test_the_strong_search_finds_the_minimum():
    (found,) = descend(STARTS[0], 1, line_search_fn="strong_wolfe", max_iter=60)
    torch.testing.assert_close(found, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-5)


def test_who_takes_no_part_keeps_all():
    p = Parameter(STARTS.clone())
    optimizer = optim.LBFGS([p], replicas=3, line_search_fn="strong_wolfe", max_iter=3)

    def closure():
        return rosenbrock(p.data, p.grad)

    optimizer.step(closure)
    before = p.data.clone(), {name: t.clone() for name, t in optimizer.state[0].items()}
    optimizer.step(closure, active=torch.tensor([True, False, True]))
    assert torch.equal(p.data[1], before[0][1])
    assert not torch.equal(p.data[0], before[0][0])
    for name, t in optimizer.state[0].items():
        assert torch.equal(t[1], before[1][name][1])


def test_a_state_reloaded_half_way_changes_nothing():
    p = Parameter(STARTS.clone())
    first = optim.LBFGS([p], replicas=3, lr=0.001, max_iter=3, history_size=4)
    first.step(lambda: rosenbrock(p.data, p.grad))
    q = Parameter(p.data.clone())
    second = optim.LBFGS([q], replicas=3, lr=0.001, max_iter=3, history_size=4)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(2):
        first.step(lambda: rosenbrock(p.data, p.grad))
        second.step(lambda: rosenbrock(q.data, q.grad))
    assert torch.equal(p.data, q.data)


def test_nan_ends_the_search_and_moves_nothing():
    for kwargs in ({}, {"line_search_fn": "strong_wolfe"}):
        start = torch.tensor([float("nan"), 1.0], dtype=torch.float64)
        assert descend(start, 1, **kwargs)[0, 1] == 1.0


def test_a_line_that_only_falls_is_followed_to_its_25th_point():
    line = search_strong_wolfe(Point(0.0, 0.0, torch.zeros(1), -1.0), 1.0, 1.0)
    t = next(line)
    for _ in range(25):
        t = line.send(Point(t, -t, torch.zeros(1), -1.0))
    with pytest.raises(StopIteration) as end:
        line.send(Point(t, -t, torch.zeros(1), -1.0))
    assert end.value.value.t == t


@pytest.mark.parametrize(
    ("loss", "slope", "expected"),
    [(0.0, 1.0, 0.5), (-2.0, -4.0, 1.5), (-1.0, -1.0, 3.0)],
    ids=["a parabola", "no minimum", "a straight line"],
)
def test_the_minimum_of_a_cubic(loss, slope, expected):
    a, b = Point(0.0, 0.0, torch.zeros(1), -1.0), Point(1.0, loss, torch.zeros(1), slope)
    for pair in ((a, b), (b, a)):
        assert find_cubic_minimum(*pair, 0.0, 3.0) == pytest.approx(expected)


DATA = Dataset(odd(30, 2).float(), odd(30, 1, seed=2).float())


def make_trainer(K=None, optimizer=None, trainer=Trainer, **kwargs):
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    net = net.initialize(0) if K is None else net.replicate(K, seeds=range(K))
    optimizer = optimizer or {"line_search_fn": "strong_wolfe", "max_iter": 5}
    return trainer(net, nn.MSELoss(), optim.LBFGS(net, **optimizer), batch_size=30, **kwargs)


def test_a_trainer_gives_it_the_closure():
    trainer = make_trainer(3, seed=[0, 1, 2])
    history = trainer.fit(DATA, epochs=8, progress=False)
    first, last = history["train_loss"][0], history["train_loss"][-1]
    assert (last < first / 2).all()
    alone = make_trainer()
    assert torch.allclose(alone.fit(DATA, epochs=8, progress=False)["train_loss"][-1], last[0])


def test_clipped_gradients_are_clipped_at_every_look():
    trainer = make_trainer(clip_value=1e-12)
    before = trainer.net[0].weight.data.clone()
    trainer.fit(DATA, epochs=1, progress=False)
    assert torch.equal(trainer.net[0].weight.data, before)  # below tolerance_grad


def test_training_goes_on_after_a_replica_diverged():
    trainer = make_trainer(2, seed=[0, 1])
    trainer.net[0].weight.data[1, 0, 0] = float("inf")
    history = trainer.fit(DATA, epochs=3, progress=False)
    assert [d.replica for d in history.diverged] == [1]
    assert history["train_loss"][-1][0].isfinite()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_trainer(accumulate=2), "expected accumulate=1 and a larger batch_size"),
        (lambda: make_trainer(trainer=TorchTrainer), "TorchTrainer has no LBFGS"),
        (lambda: optim.LBFGS(nn.Linear(2, 1)).step(), r"write step\(closure\)"),
        (lambda: optim.LBFGS(nn.Linear(2, 1), line_search_fn="wolfe"), "None or 'strong_wolfe'"),
        (lambda: optim.LBFGS(nn.Linear(2, 1), max_iter=0), "max_iter: expected a whole number"),
        (lambda: optim.LBFGS(nn.Linear(2, 1), history_size=1.5), "history_size: expected a whole"),
        (lambda: optim.LBFGS(nn.Linear(2, 1), max_eval=0), "max_eval: expected a whole number"),
        (lambda: optim.LBFGS(nn.Linear(2, 1), tolerance_grad=-1), "tolerance_grad: expected at le"),
        (lambda: optim.LBFGS(nn.Linear(2, 1)).step(lambda: None), r"returns the loss \(\), got No"),
        (
            lambda: optim.LBFGS(nn.Linear(2, 1)).step(lambda: torch.ones(2)),
            r"returns the loss \(\), got the shape \(2,\)",
        ),
        (
            lambda: optim.LBFGS(nn.Linear(2, 1).replicate(3)).step(lambda: torch.ones(2)),
            r"the loss \(3,\), one of each replica, got the shape \(2,\)",
        ),
        (
            lambda: optim.LBFGS([{"params": nn.Linear(2, 1)}, {"params": nn.Linear(3, 1)}]),
            "takes one group of parameters, got 2",
        ),
    ],
)
def test_what_makes_no_sense_is_said(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_arguments_order_and_defaults_are_torchs():
    def signature(cls):
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.name != "replicas"}

    assert signature(optim.LBFGS) == signature(torch.optim.LBFGS)


def test_other_optimizers_take_a_closure_and_return_its_loss():
    p = Parameter(STARTS[0].clone())
    optimizer = optim.SGD([p], lr=0.001)
    expected = rosenbrock(p.data, p.grad)
    before = p.data.clone()
    assert optimizer.step(lambda: rosenbrock(p.data, p.grad)) == expected
    assert torch.equal(p.data, before - 0.001 * p.grad)
