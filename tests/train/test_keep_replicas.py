"""A cohort that goes on with some of its replicas: they do not notice."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset, disk
from chainrule.optim import lr_scheduler as schedules
from chainrule.train import Accuracy, Callback, Divergence, EarlyStopping, History, Trainer

K, KEEP = 5, [3, 0, 4]
LR = torch.tensor([0.01, 0.03, 0.07, 0.02, 0.05], dtype=torch.float64)
OTHER = torch.tensor([0.3, 0.9, 0.5, 0.7, 0.6], dtype=torch.float64)


def net(p=0.2) -> nn.Module:
    layers = [nn.Linear(2, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(p), nn.Linear(6, 2)]
    return nn.Sequential(layers).replicate(K, [11, 12, 13, 14, 15])


def points(keep=range(K)) -> Dataset:
    return Dataset.stack([disk(43, seed=s) for s in (21 + k for k in keep)])


def trainer(optimizer=None, schedule=None, module=None, **options) -> Trainer:
    module = module or net()
    moved = optim.Adam(module, lr=LR) if optimizer is None else optimizer(module)
    return Trainer(
        module,
        options.pop("criterion", nn.CrossEntropyLoss()),
        moved,
        **{
            "scheduler": schedule and schedule(moved),
            "batch_size": 10,
            "seed": [31, 32, 33, 34, 35],
            "metrics": {"accuracy": Accuracy()},
            **options,
        },
    )


def smaller(own: Trainer, keep=KEEP) -> Trainer:
    own.state.keep_replicas(torch.tensor(keep))
    return own


def assert_goes_on_as_it_would_have(make, keep=KEEP) -> None:
    whole, own = make(), make()
    own.fit(points(), points(), epochs=2, progress=False)
    whole.fit(points(), points(), epochs=4, progress=False)
    smaller(own, keep).fit(points(keep), points(keep), epochs=4, progress=False)
    for name, expected in whole.net.state_dict().items():
        torch.testing.assert_close(own.net.state_dict()[name], expected[keep])
    for name in ("train_loss", "train_accuracy"):
        torch.testing.assert_close(own.history[name], whole.history[name][:, keep])
    for mine, others in zip(own.optimizer.param_groups, whole.optimizer.param_groups, strict=True):
        rates = torch.as_tensor(others["lr"], dtype=torch.float64).expand(K)[keep]
        mine_now = torch.as_tensor(mine["lr"], dtype=torch.float64).expand(len(keep))
        assert torch.equal(mine_now, rates)


OPTIMIZERS = {
    "Adam": lambda net: optim.Adam(net, lr=LR, betas=(OTHER, 0.99), weight_decay=0.1 * LR),
    "SGD": lambda net: optim.SGD(net, lr=LR, momentum=OTHER, nesterov=True),
    "NAdam": lambda net: optim.NAdam(net, lr=LR),
    "RMSprop": lambda net: optim.RMSprop(net, lr=LR, momentum=0.5, centered=True),
    "groups": lambda net: optim.SGD(
        [{"params": net[0], "lr": LR}, {"params": net[4]}], lr=0.03, momentum=0.9
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_goes_on_as_it_would_have_with_every_optimizer(name):
    assert_goes_on_as_it_would_have(lambda: trainer(OPTIMIZERS[name]))


SCHEDULES = {
    "StepLR": lambda o: schedules.StepLR(o, 1, gamma=OTHER),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 10 * OTHER),
    "LinearLR": lambda o: schedules.LinearLR(o, OTHER, total_iters=3),
    "LambdaLR": lambda o: schedules.LambdaLR(o, lambda t: OTHER**t),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, factor=OTHER, patience=0),
    "SequentialLR": lambda o: schedules.SequentialLR(
        o,
        [schedules.ExponentialLR(o, OTHER), schedules.LambdaLR(o, lambda t: 1 / (OTHER + t))],
        [3],
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_goes_on_as_it_would_have_with_every_schedule(name):
    assert_goes_on_as_it_would_have(lambda: trainer(schedule=SCHEDULES[name]))


def test_it_goes_on_as_it_would_have_with_one_cycle_of_steps():
    def one_cycle(optimizer):
        return schedules.OneCycleLR(optimizer, [LR], total_steps=21, pct_start=OTHER)

    assert_goes_on_as_it_would_have(
        lambda: trainer(schedule=one_cycle, schedule_every="step", clip_norm=OTHER)
    )


def test_it_goes_on_as_it_would_have_with_a_dropout_of_its_own():
    assert_goes_on_as_it_would_have(lambda: trainer(module=net(OTHER.float())))


def test_it_goes_on_as_it_would_have_with_a_weight_of_its_own_on_a_loss():
    class Twice(nn.Module):
        def forward(self, x):
            return {"a": x, "b": x}, lambda g: g["a"] + g["b"]

    def make():
        module = nn.Sequential(nn.Linear(2, 2), Twice()).replicate(K, [11, 12, 13, 14, 15])
        parts = {"a": nn.CrossEntropyLoss(), "b": nn.CrossEntropyLoss(torch.tensor([0.2, 3.0]))}
        loss = nn.MultiLoss(parts, {"b": OTHER})
        return trainer(module=module, criterion=loss, metrics={"accuracy": Accuracy("a")})

    def twice(data):
        return Dataset(data.inputs, {"a": data.targets, "b": data.targets}, data.replicas)

    whole, own = make(), make()
    own.fit(twice(points()), epochs=2, progress=False)
    whole.fit(twice(points()), epochs=4, progress=False)
    smaller(own).fit(twice(points(KEEP)), epochs=4, progress=False)
    torch.testing.assert_close(own.net[0].weight.data, whole.net[0].weight.data[KEEP])


@pytest.mark.parametrize("keep", [[2], [4, 3, 2, 1, 0]], ids=["one", "all, turned round"])
def test_one_may_stay_and_all_may(keep):
    assert_goes_on_as_it_would_have(trainer, keep)


def test_twice_is_as_once():
    once, twice = trainer(), trainer()
    for own in (once, twice):
        own.fit(points(), epochs=1, progress=False)
    smaller(once, [4]).fit(points([4]), epochs=3, progress=False)
    smaller(smaller(twice, [1, 4, 2]), [1]).fit(points([4]), epochs=3, progress=False)
    assert torch.equal(once.net[0].weight.data, twice.net[0].weight.data)
    assert torch.equal(once.history["train_loss"], twice.history["train_loss"])


def test_the_same_data_for_all_go_on_to_be_so():
    whole, own = trainer(), trainer()
    own.fit(disk(43), epochs=2, progress=False)
    whole.fit(disk(43), epochs=4, progress=False)
    smaller(own).fit(disk(43), epochs=4, progress=False)
    torch.testing.assert_close(own.history["train_loss"], whole.history["train_loss"][:, KEEP])


def test_who_has_diverged_stays_so_under_its_new_number():
    rates = LR.clone()
    rates[0], rates[1] = torch.finfo(torch.float32).max, torch.finfo(torch.float32).max
    own = trainer(lambda net: optim.SGD(net, lr=rates))
    before = own.fit(points(), epochs=2, progress=False)
    assert {d.replica for d in before.diverged} == {0, 1}
    smaller(own).fit(points(KEEP), epochs=3, progress=False)
    assert [d.replica for d in own.history.diverged] == [1]
    assert own.state.active.tolist() == [True, False, True]
    assert own.history["train_loss"].isnan()[2].tolist() == [False, True, False]
    assert before.replicas == K  # what was returned is as it was


def test_early_stopping_goes_along():
    class Fixed(Callback):
        """Stops replica 3 after the first epoch, whatever its number is by then."""

        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                trainer.stop(torch.tensor([False, False, False, True, False]))

    own = trainer(callbacks=[Fixed(), EarlyStopping("train_loss", patience=9)])
    own.fit(points(), epochs=2, progress=False)
    best = own.callbacks[1].best
    smaller(own).fit(points(KEEP), epochs=3, progress=False)
    assert own.history.stopped == {0: 1}
    assert own.callbacks[1].best.shape == (3,)
    assert bool((own.callbacks[1].best <= best[KEEP]).all())


def test_a_plain_net_has_nothing_to_choose_from():
    module = nn.Linear(2, 2)
    own = Trainer(module, nn.CrossEntropyLoss(), optim.Adam(module))
    with pytest.raises(ValueError, match="a plain net has no replicas"):
        own.state.keep_replicas(torch.tensor([0]))


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (torch.tensor([5]), r"distinct replicas, 0 ≤ k < 5, got \[5\]"),
        (torch.tensor([-1]), r"distinct replicas, 0 ≤ k < 5, got \[-1\]"),
        (torch.tensor([1, 1]), r"distinct replicas, 0 ≤ k < 5, got \[1, 1\]"),
        (torch.tensor([], dtype=torch.int64), "distinct replicas"),
        (torch.tensor([True] * 5), r"an int64 tensor \(n,\), got torch.bool \(5,\)"),
        (torch.tensor([[1]]), r"an int64 tensor \(n,\), got torch.int64 \(1, 1\)"),
    ],
)
def test_other_indices_are_refused_and_nothing_changes(keep, message):
    own = trainer()
    with pytest.raises(ValueError, match=message):
        own.state.keep_replicas(keep)
    assert own.net.replicas == own.optimizer.replicas == K
    own.fit(points(), epochs=1, progress=False)


def test_a_history_alone_keeps_what_is_noted_of_those_that_stay():
    history = History(3)
    history.add({"loss": torch.tensor([1.0, 2.0, 3.0])})
    history.stopped = {2: 1, 1: 4}
    history.diverged.append(Divergence(0, 1, 2, "the loss"))
    history.keep_replicas(torch.tensor([2, 0]))
    assert history["loss"].tolist() == [[3.0, 1.0]]
    assert history.stopped == {0: 1}
    assert [d.replica for d in history.diverged] == [1]
