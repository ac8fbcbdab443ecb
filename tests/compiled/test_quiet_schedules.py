"""A schedule is told to the kernel ahead: several epochs a call, the same as one by one."""

from __future__ import annotations

from itertools import count

import pytest
import torch

from chainrule import nn, optim
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, Checkpoint, EarlyStopping
from chainrule.train.backends import compiled
from tests.compiled.quiet_epochs import Looks, assert_same, build, count_calls, samples

EPOCHS = 7


def change_both(optimizer):
    """A rise, then a fall, with another factor for each replica."""
    rise = lr_scheduler.LinearLR(optimizer, 0.2, total_iters=3)
    gamma = torch.tensor([0.5, 0.7, 0.9], dtype=torch.float64)
    fall = lr_scheduler.ExponentialLR(optimizer, gamma)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], [3])


def chain(optimizer):
    parts = [lr_scheduler.ConstantLR(optimizer, 0.3, 4), lr_scheduler.StepLR(optimizer, 2, 0.5)]
    return lr_scheduler.ChainedScheduler(parts)


SCHEDULES = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3, 0.3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 5, 11], 0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.8),
    "TimeBasedLR": lambda o: lr_scheduler.TimeBasedLR(o, 0.3),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 9, 2.0),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
    "warm restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda t: 0.9),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.3, 3),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.3, 80),
    "SequentialLR": change_both,
    "ChainedScheduler": chain,
}


def build_scheduled(schedule, **options):
    """A training with this schedule of its optimizer."""
    each = build(**options)
    each.state.scheduler = schedule(each.optimizer)
    return each


def assert_same_schedule(found, expected):
    mine, other = (
        torch.cat([torch.as_tensor(lr).reshape(-1) for lr in t.scheduler.get_last_lr()])
        for t in (found, expected)
    )
    assert torch.equal(mine, other)
    assert found.scheduler.last_epoch == expected.scheduler.last_epoch
    assert_same(found, expected)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("every", ["epoch", "step"])
def test_epochs_are_the_same_as_one_by_one(name, every, monkeypatch):
    options = {"schedule_every": every, "evaluate_every": 3, "metrics": {"accuracy": Accuracy()}}
    quiet, seen = (
        build_scheduled(SCHEDULES[name], callbacks=c, **options) for c in ([], [Looks()])
    )
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(samples(), samples(n=20), epochs=EPOCHS, progress=False)
        each.fit(samples(), samples(n=20), epochs=2 * EPOCHS, progress=False)
    assert calls == [EPOCHS, EPOCHS]
    assert_same_schedule(quiet, seen)


RULES = {
    "plain net": {"K": None},
    "NAdam": {"make": lambda net: optim.NAdam(net, lr=0.01)},
    "two groups": {
        "make": lambda net: optim.SGD(
            [{"params": [*net[0].parameters()], "lr": 0.3}, {"params": [*net[2].parameters()]}],
            lr=0.1,
            momentum=0.5,
            replicas=3,
        )
    },
    "steps of two batches": {"accumulate": 2},
    "last batch left out": {"drop_last": True, "accumulate": 3},
    "Muon": {"make": lambda net: optim.Muon([net[0].weight, net[2].weight], replicas=3)},
    "AdamW of rates": {"make": lambda net: optim.AdamW(net, lr=torch.tensor([0.01, 0.02, 0.03]))},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("every", ["epoch", "step"])
def test_a_row_is_of_the_steps_of_its_epoch(rule, every, monkeypatch):
    options, train = {"schedule_every": every, **RULES[rule]}, samples()
    train = train if options.get("K", 3) else train.replica(0)
    schedule = SCHEDULES["ExponentialLR"]
    quiet, seen = (build_scheduled(schedule, callbacks=c, **options) for c in ([], [Looks()]))
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, epochs=EPOCHS, progress=False)
    assert calls == [EPOCHS]
    assert_same_schedule(quiet, seen)


@pytest.mark.parametrize("every", ["epoch", "step"])
def test_who_diverges_does_so_in_the_same_step(every):
    def rise(optimizer):
        return lr_scheduler.MultiplicativeLR(optimizer, lambda t: 30.0)

    rates = torch.tensor([1e-3, 1e-9, 1e-6], dtype=torch.float64)
    options = {"make": lambda net: optim.SGD(net, lr=rates), "schedule_every": every}
    quiet, seen = (build_scheduled(rise, callbacks=c, **options) for c in ([], [Looks()]))
    for each in (quiet, seen):
        each.fit(samples(), samples(n=20), epochs=20, progress=False)
    assert len({d.epoch for d in quiet.history.diverged}) == (3 if every == "epoch" else 2)
    assert_same_schedule(quiet, seen)


def test_ctrl_c_takes_the_schedule_back_to_the_last_whole_epoch(monkeypatch):
    quiet, calls = build_scheduled(SCHEDULES["CosineAnnealingLR"], evaluate_every=2), []
    many = quiet.backend.train_epochs

    def interrupt(*args):
        epochs = many(*args)
        calls.append(len(epochs))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epochs

    monkeypatch.setattr(quiet.backend, "train_epochs", interrupt)
    monkeypatch.setattr(quiet.backend, "epochs_at_once", lambda *_: 5)
    data = samples(), samples(n=20)
    assert quiet.fit(*data, epochs=12, progress=False).interrupted
    assert (quiet.epoch, quiet.scheduler.last_epoch) == (5, 5)
    seen = build_scheduled(SCHEDULES["CosineAnnealingLR"], evaluate_every=2, callbacks=[Looks()])
    seen.fit(*data, epochs=12, progress=False)
    quiet.fit(*data, epochs=12, progress=False)
    assert_same_schedule(quiet, seen)


def test_a_training_that_was_saved_goes_on_within_its_schedule(tmp_path):
    quiet, seen = (
        build_scheduled(change_both, evaluate_every=4, callbacks=c) for c in ([], [Looks()])
    )
    data = samples(), samples(n=20)
    quiet.fit(*data, epochs=5, progress=False)
    quiet.save(tmp_path / "half.safetensors")
    other = build_scheduled(change_both, evaluate_every=4)
    other.load(tmp_path / "half.safetensors")
    seen.fit(*data, epochs=5, progress=False)
    for each in (seen, other):
        each.fit(*data, epochs=12, progress=False)
    assert_same_schedule(other, seen)


def test_callbacks_see_each_epoch_with_its_rate(tmp_path):
    class Rates(Looks):
        def on_epoch_end(self, state):
            self.epochs.append(state.optimizer.param_groups[0]["lr"])

    stopping = EarlyStopping("test_loss", patience=1, mode="max", restore_best=False)
    each = build_scheduled(
        SCHEDULES["ExponentialLR"],
        callbacks=[rates := Rates(), stopping, Checkpoint(tmp_path / "last.safetensors", 3)],
        evaluate_every=2,
    )
    train = samples()
    each.fit(train, train, epochs=20, progress=False)
    assert each.history.stopped == {0: 4, 1: 4, 2: 4}
    assert rates.epochs == pytest.approx([0.1 * 0.8**t for t in range(1, 5)])


def plateau(optimizer):
    return lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)


class ByWeights(lr_scheduler.LRScheduler):
    """Falls with the weights of a net that its method names."""

    last_epoch = 0

    def step(self):
        self.last_epoch += 1
        self.optimizer.param_groups[0]["lr"] = 0.1 * float(FOLLOWED[0].weight.data.abs().mean())


FOLLOWED = nn.Sequential(nn.Linear(4, 9))


@pytest.mark.parametrize("schedule", [plateau, ByWeights], ids=["plateau", "by weights"])
def test_a_schedule_that_looks_at_an_epoch_has_each_alone(schedule, monkeypatch):
    each = build_scheduled(schedule)
    calls = count_calls(each, monkeypatch)
    each.fit(samples(), samples(n=20), epochs=4, progress=False)
    assert calls == [1] * 4
    assert each.scheduler.last_epoch == 4


def test_a_schedule_that_ends_does_so_after_its_last_epoch():
    def schedule(optimizer):
        return lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=4)

    quiet, seen = (build_scheduled(schedule, callbacks=c) for c in ([], [Looks()]))
    for each in (quiet, seen):
        with pytest.raises(ValueError, match="The specified number of total steps is 4"):
            each.fit(samples(), epochs=9, progress=False)
    assert quiet.history.epochs == 5  # after which it was asked for a step more
    assert_same_schedule(quiet, seen)


def test_momentum_that_is_turned_on_later_is_the_same():
    def cycle(optimizer):
        return lr_scheduler.CyclicLR(optimizer, 0.01, 0.3, 2, base_momentum=0.0, max_momentum=0.9)

    quiet, seen = (build_scheduled(cycle, callbacks=c) for c in ([], [Looks()]))
    for each in (quiet, seen):
        each.fit(samples(), epochs=EPOCHS, progress=False)
    assert_same_schedule(quiet, seen)


@pytest.mark.parametrize("rule", [optim.SGD, optim.RMSprop])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: lr_scheduler.ChainedScheduler([s])])
def test_momentum_that_is_off_in_some_steps_takes_the_plain_path(rule, wrap):
    def cycle(optimizer):
        return wrap(
            lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 5, base_momentum=0.0, max_momentum=0.9)
        )

    found = []
    for way in ("auto", False):
        options = {"make": lambda net: rule(net, lr=0.1, momentum=0.9), "compile": way}
        each = build_scheduled(cycle, schedule_every="step", **options)
        found.append(each.fit(samples(), epochs=4, progress=False)["train_loss"])
        if way:
            assert str(each.backend_status).endswith("a schedule by step that turns momentum off")
    assert torch.equal(*found)


class Alternate(lr_scheduler.LambdaLR):
    """Momentum in every other step."""

    def step(self):
        super().step()
        self.optimizer.param_groups[0]["momentum"] = 0.9 * (self.last_epoch % 2 == 0)


def test_a_schedule_of_ones_own_that_turns_momentum_off_says_what_to_write():
    def build(**how):
        return build_scheduled(lambda o: Alternate(o, lambda t: 1.0), schedule_every="step", **how)

    with pytest.raises(ValueError, match=r"Alternate turns a part of .* compile=False"):
        build().fit(samples(), epochs=2, progress=False)
    assert build(compile=False).fit(samples(), epochs=2, progress=False).epochs == 2


def test_a_call_is_told_so_many_rows(monkeypatch):
    monkeypatch.setattr(compiled, "MAX_ROWS", 14)
    each = build_scheduled(SCHEDULES["ExponentialLR"], schedule_every="step")
    calls = count_calls(each, monkeypatch)
    each.fit(samples(), epochs=EPOCHS, progress=False)  # five steps each
    assert calls == [2, 2, 2, 1]


def test_a_schedule_is_asked_once_for_each_epoch():
    asked = count()
    each = build_scheduled(lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + next(asked))))
    each.fit(samples(), epochs=EPOCHS, progress=False)
    assert next(asked) == EPOCHS + 1
