"""The trainer: one net or one cohort, from the first step to the last."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset, disk, one_hot
from chainrule.data.batches import epoch_permutations, iter_batches, iter_slices
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, Callback, EarlyStopping, Trainer, fit, train
from chainrule.train.state import TrainState
from chainrule.zoo import disk_net

SEEDS = [3, 4, 5]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))


def points(n: int = 60, seed=0) -> Dataset:
    drawn = disk(n, seed=seed)
    return Dataset(drawn.inputs, one_hot(drawn.targets, 2), drawn.replicas)


def trainer(module: nn.Module, seed=0, lr=0.1, **options) -> Trainer:
    optimizer = optim.Adam(module, lr=lr)
    options = {"batch_size": 16, "metrics": {"accuracy": Accuracy()}, **options}
    return Trainer(module, nn.MSELoss(), optimizer, seed=seed, **options)


def state(module: nn.Module) -> list[torch.Tensor]:
    return [t.clone() for t in module.state_dict().values()]


def equal(a, b) -> bool:
    return all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


def test_one_plain_training_is_what_a_loop_by_hand_does():
    module, data = nn.Linear(2, 2).initialize(1), points()
    twin = torch.nn.Linear(2, 2)
    twin.load_state_dict(module.state_dict())
    history = Trainer(module, nn.MSELoss(), optim.SGD(module, lr=0.5), batch_size=16, seed=7).fit(
        data, data, epochs=2
    )
    step, sums = torch.optim.SGD(twin.parameters(), lr=0.5), []
    for epoch in range(2):
        total = 0.0
        for index in epoch_permutations(60, [7], epoch)[0].split(16):
            step.zero_grad()
            loss = torch.nn.functional.mse_loss(twin(data.inputs[index]), data.targets[index])
            loss.backward()
            step.step()
            total += loss.item() * len(index)
        sums.append(total / 60)
    assert torch.allclose(module.weight.data, twin.weight, atol=1e-6)
    assert history["train_loss"].tolist() == pytest.approx(sums, rel=1e-5)
    final = torch.nn.functional.mse_loss(twin(data.inputs), data.targets).item()
    assert history.last("test_loss").item() == pytest.approx(final, rel=1e-5)


def test_a_replica_trains_as_the_net_alone():
    data, test = points(seed=SEEDS), points(seed=[9, 10, 11])
    cohort = net().replicate(3, SEEDS).to(torch.float64)
    together = trainer(cohort, SEEDS).fit(
        data.to(dtype=torch.float64), test.to(dtype=torch.float64), epochs=4
    )
    for k, seed in enumerate(SEEDS):
        alone = net().initialize(seed).to(torch.float64)
        own, other = (d.replica(k).to(dtype=torch.float64) for d in (data, test))
        history = trainer(alone, seed).fit(own, other, epochs=4)
        for name, curve in history.curves.items():
            assert torch.allclose(together[name][:, k], curve, rtol=1e-9)
        pairs = zip(state(cohort.replica(k)), state(alone), strict=True)
        assert all(torch.allclose(s, t, rtol=1e-9) for s, t in pairs)


def test_a_plain_data_set_serves_all_replicas():
    cohort = nn.Linear(2, 2).replicate(2, [1, 1])
    history = trainer(cohort, [5, 5]).fit(points(), points(20), epochs=2)
    assert torch.equal(history["test_loss"][:, 0], history["test_loss"][:, 1])
    assert history["test_accuracy"].shape == (2, 2)


def test_learning_rates_may_differ_per_replica():
    rates = torch.tensor([0.0, 0.1])
    cohort = nn.Linear(2, 2).replicate(2, [1, 1])
    before = state(cohort)
    trainer(cohort, [5, 5], lr=rates).fit(points(), epochs=1)
    assert torch.equal(state(cohort)[0][0], before[0][0])
    assert not torch.equal(state(cohort)[0][1], before[0][1])


def test_the_disk_is_learned():
    module = disk_net().initialize(0)
    history = trainer(module, lr=0.01).fit(points(500), points(500, 1), epochs=60)
    assert float(history.last("test_accuracy")) > 0.9


# data that does not fit


@pytest.mark.parametrize(
    ("module", "data", "message"),
    [
        (nn.Linear(2, 2), points(seed=SEEDS), "the data set has 3 replicas, the net none"),
        (nn.Linear(2, 2).replicate(2), points(seed=SEEDS), "3 replicas, the net 2"),
        (nn.Linear(2, 2), points(0), "nothing to train on"),
        (nn.Linear(3, 2), points(), r"Linear\(3, 2\): expected input \(…, 3\), got \(16, 2\)"),
    ],
)
def test_data_that_does_not_fit_is_refused(module, data, message):
    with pytest.raises(ValueError, match=message):
        trainer(module).fit(data, epochs=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected a whole number, 1 or more, got 0"),
        ({"batch_size": 1e9}, "batch_size: expected a whole number, got 10000"),
        ({"clip_norm": -1}, "clip_norm: expected a number above 0, got -1"),
        ({"clip_value": "x"}, "clip_value: expected a number, got 'x'"),
        ({"schedule_every": "year"}, "'epoch' or 'step'"),
        ({"seed": [1, 2]}, r"expected 1 seed, one"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        trainer(net(), **options)


# divergence


def poisoned(k: int, sample: int) -> Dataset:
    data = points(seed=SEEDS)
    data.inputs[k, sample] = float("inf")
    return data


def test_a_diverged_replica_is_frozen_and_named_and_its_neighbours_do_not_notice():
    sick, healthy = (nn.Linear(2, 2).replicate(3, SEEDS) for _ in range(2))
    order = epoch_permutations(60, [4], 1)[0].tolist()
    history = trainer(sick, SEEDS).fit(poisoned(1, 0), points(seed=SEEDS), epochs=3)
    trainer(healthy, SEEDS).fit(points(seed=SEEDS), epochs=3)
    for k in (0, 2):
        assert equal(state(sick.replica(k)), state(healthy.replica(k)))
    assert all(t.isfinite().all() for t in state(sick))
    assert history["test_loss"][:, 1].isnan().all()
    assert history["test_accuracy"][:, 1].isnan().all()
    assert history["test_accuracy"][:, [0, 2]].isfinite().all()
    (divergence,) = history.diverged
    step = epoch_permutations(60, [4], 0)[0].tolist().index(0) // 16 + 1
    assert (divergence.replica, divergence.epoch, divergence.step) == (1, 1, step)
    assert str(divergence).endswith("the input is not finite")
    assert order


def test_it_keeps_the_parameters_from_before_the_bad_step():
    cohort, data = nn.Linear(2, 2).replicate(3, SEEDS), poisoned(1, 0)
    first = epoch_permutations(60, [4], 0)[0].tolist().index(0) // 16
    watched = []

    class Watch(Callback):
        def on_step_end(self, trainer):
            watched.append(cohort.weight.data[1].clone())

    trainer(cohort, SEEDS, callbacks=[Watch()]).fit(data, epochs=1)
    assert all(torch.equal(w, watched[first]) for w in watched[first:])
    assert first == 0 or torch.equal(watched[first - 1], watched[first])


class Explode(nn.Module):
    """y = x, and infinity from the third use on."""

    def __init__(self):
        self.uses = 0

    def forward(self, x):
        self.uses += 1
        big = float("inf") if self.uses > 2 else 1.0
        return x * big, lambda g: g * big


def test_the_layer_that_met_infinity_is_named():
    module = nn.Sequential(nn.Linear(2, 2), Explode())
    history = trainer(module).fit(points(), epochs=5)
    assert "epoch 1, step 3: the output of layer 1, Explode()" in str(history.diverged[0])
    assert history.epochs == 1


def test_a_loss_and_a_gradient_that_overflow_are_named():
    huge = nn.Linear(2, 2).initialize(0)
    huge.weight.data.fill_(1e30)
    history = trainer(huge).fit(points(), epochs=5)
    assert "the loss MSELoss()" in str(history.diverged[0])

    class Cliff(nn.Module):
        def forward(self, x):
            return x, lambda g: g * float("inf")

    steep = nn.Sequential(nn.Linear(2, 2), Cliff())
    history = trainer(steep).fit(points(), epochs=5)
    assert "the gradient of 0.bias" in str(history.diverged[0])


def test_high_learning_rates_diverge_and_the_rest_goes_on():
    rates = torch.tensor([1e-2, 1e30, 1e-2])
    cohort = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)).replicate(3, SEEDS)
    optimizer = optim.SGD(cohort, lr=rates)
    history = Trainer(cohort, nn.MSELoss(), optimizer, seed=SEEDS).fit(points(), epochs=3)
    assert [d.replica for d in history.diverged] == [1]
    assert history["train_loss"][-1].isfinite().tolist() == [True, False, True]


# schedules, clipping, callbacks


def test_a_schedule_steps_per_epoch_or_per_step():
    for every, decays in (("epoch", 3), ("step", 12)):
        module = net()
        optimizer = optim.SGD(module, lr=1.0)
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
        Trainer(
            module,
            nn.MSELoss(),
            optimizer,
            scheduler=schedule,
            schedule_every=every,
            batch_size=16,
        ).fit(points(), epochs=3)
        assert schedule.get_last_lr() == [0.5**decays]


def test_a_plateau_is_judged_per_replica_by_the_test_loss():
    cohort = nn.Linear(2, 2).replicate(2, [1, 2])
    optimizer = optim.SGD(cohort, lr=torch.tensor([0.0, 0.1]))
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=0)
    optimizer.param_groups[0]["lr"] = torch.tensor([1e-6, 0.1], dtype=torch.float64)
    Trainer(cohort, nn.MSELoss(), optimizer, scheduler=schedule, seed=[1, 2]).fit(
        points(), points(40), epochs=4
    )
    lr = torch.as_tensor(optimizer.param_groups[0]["lr"])
    assert float(lr[0]) < 1e-6
    assert float(lr[1]) == pytest.approx(0.1)


def test_clipping_bounds_each_replica_on_its_own():
    cohort = nn.Linear(2, 2).replicate(2, [1, 2])
    before = state(cohort)
    optimizer = optim.SGD(cohort, lr=1.0)
    Trainer(cohort, nn.MSELoss(), optimizer, batch_size=60, clip_norm=1e-3, seed=[1, 2]).fit(
        points(), epochs=1
    )
    moved = sum(
        (a - b).square().flatten(1).sum(1) for a, b in zip(state(cohort), before, strict=True)
    )
    assert moved.sqrt().tolist() == pytest.approx([1e-3, 1e-3], rel=1e-2)


def test_clipping_by_value():
    module = nn.Linear(2, 2)
    before = state(module)
    Trainer(module, nn.MSELoss(), optim.SGD(module, lr=1.0), batch_size=60, clip_value=1e-4).fit(
        points(), epochs=1
    )
    moved = max(float((a - b).abs().max()) for a, b in zip(state(module), before, strict=True))
    assert moved == pytest.approx(1e-4, rel=1e-2)


def test_early_stopping_ends_each_replica_on_its_own_and_restores_its_best():
    curve = iter([[3.0, 3.0], [2.0, 2.0], [2.5, 1.0], [2.6, 0.9], [2.7, 0.8], [2.8, 0.7]])
    kept = []

    def script(output, target):
        kept.append(state(cohort))
        return torch.tensor(next(curve)).unsqueeze(1).expand(output.shape[:2])

    cohort = nn.Linear(2, 2).replicate(2, [1, 2])
    stop = EarlyStopping("test_script", patience=2)
    options = {"metrics": {"script": script}, "train_metrics": False, "callbacks": [stop]}
    history = trainer(cohort, [1, 2], **options).fit(points(), points(), epochs=6)
    assert history.stopped == {0: 4}
    assert torch.equal(cohort.weight.data[0], kept[1][0][0])
    assert torch.equal(cohort.weight.data[1], kept[5][0][1])


def test_early_stopping_of_a_plain_net_ends_the_fit():
    module = nn.Linear(2, 2)
    stop = EarlyStopping("train_loss", patience=1, mode="max", restore_best=False)
    history = trainer(module, callbacks=[stop]).fit(points(), epochs=50)
    assert history.epochs < 50
    assert history.stopped == {0: history.epochs}


@pytest.mark.parametrize("options", [{"mode": "up"}, {"patience": 0}])
def test_early_stopping_refuses_nonsense(options):
    with pytest.raises(ValueError, match="is"):
        EarlyStopping(**options)


# going on, and Ctrl-C


def test_fit_means_up_to_so_many_epochs():
    module, data = net().initialize(1), points()
    whole = trainer(module)
    whole.fit(data, epochs=4)
    other = net().initialize(1)
    parts = trainer(other)
    parts.fit(data, epochs=1)
    assert parts.fit(data, epochs=4).epochs == 4
    assert equal(state(module), state(other))
    parts.fit(data, epochs=4)
    assert equal(state(module), state(other))


@pytest.mark.parametrize("where", ["on_step_end", "on_epoch_end"])
def test_an_interrupt_goes_back_to_the_last_whole_epoch(where):
    calls = []

    def interrupt(self, trainer):
        calls.append(trainer.epoch)
        if len(calls) == 6 if where == "on_step_end" else len(calls) == 2:
            raise KeyboardInterrupt

    watch = type("Watch", (Callback,), {where: interrupt})()
    module, other = net().initialize(1), net().initialize(1)
    stopped = trainer(module, callbacks=[watch], compile=False)  # what looks at steps is plain
    history = stopped.fit(points(), points(20), epochs=5)
    assert history.interrupted
    assert history.epochs == 1
    trainer(other, compile=False).fit(points(), points(20), epochs=1)
    assert equal(state(module), state(other))
    assert not stopped.fit(points(), points(20), epochs=5).interrupted
    trainer(copy.deepcopy(other))
    straight = net().initialize(1)
    trainer(straight, compile=False).fit(points(), points(20), epochs=5)
    assert equal(state(module), state(straight))


SIGNALLED = """
import signal, threading, time
from tests.train.test_trainer import net, points, trainer
start = []
def strike():
    start.append(time.perf_counter())
    signal.raise_signal(signal.SIGINT)
threading.Timer(1.0, strike).start()
history = trainer(net()).fit(points(2000), epochs=100_000)
assert time.perf_counter() - start[0] < 2
assert history.interrupted and 0 < history.epochs < 100_000
"""


def test_a_real_signal_ends_the_fit_within_two_seconds():
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", SIGNALLED], check=True, timeout=60, cwd=root)


# prediction and evaluation


def test_evaluation_leaves_no_trace():
    module = net().initialize(1)
    own = trainer(module)
    before = state(module)
    first = own.evaluate(points())
    assert own.evaluate(points()) == first
    assert equal(state(module), before)
    assert module.training


def test_prediction_in_slices_is_prediction_at_once(monkeypatch):
    module = net().initialize(1)
    own = trainer(module, batch_size=7)
    whole = own.predict(points())
    monkeypatch.setattr("chainrule.train.inference.SLICE_BYTES", 1)
    assert torch.allclose(own.predict(points()), whole)


def test_a_net_whose_samples_depend_on_each_other_is_not_sliced(monkeypatch):
    layers = nn.Linear(2, 3), nn.BatchNorm1d(3, track_running_stats=False)
    own = trainer(nn.Sequential(*layers, nn.Linear(3, 2)).initialize(1), batch_size=7)
    whole = own.predict(points())
    monkeypatch.setattr("chainrule.train.inference.SLICE_BYTES", 1)
    assert torch.equal(own.predict(points()), whole)


def test_slices_count_what_all_replicas_see(monkeypatch):
    module, seen = net().replicate(4), []
    own = trainer(module, batch_size=7, seed=[0, 1, 2, 3])
    forward = type(module).forward
    monkeypatch.setattr(
        type(module), "forward", lambda net, x: seen.append(x.shape[1]) or forward(net, x)
    )
    monkeypatch.setattr(
        "chainrule.train.inference.SLICE_BYTES", 20 * 4 * 8
    )  # two numbers of 4 bytes
    own.predict(points(50))
    assert sum(seen) == 50
    assert 10 < max(seen) <= 20


def test_several_heads_are_trained_and_measured_by_name():
    module = nn.Heads(main=nn.Linear(2, 2), other=nn.Linear(2, 3)).initialize(1)
    drawn = disk(40)
    data = Dataset(drawn.inputs, {"main": drawn.targets, "other": drawn.targets})
    criterion = nn.MultiLoss({"main": nn.CrossEntropyLoss(), "other": nn.CrossEntropyLoss()})
    history = fit(
        module,
        data,
        data,
        criterion=criterion,
        optimizer=optim.SGD(module, lr=0.1),
        epochs=2,
        metrics={"accuracy": Accuracy("main")},
    )
    assert history["test_accuracy"].shape == (2,)


def test_a_head_of_weight_zero_changes_nothing_in_the_main_result():
    drawn = disk(64)
    data = Dataset(drawn.inputs, {"main": drawn.targets, "other": drawn.targets})
    results = []
    for weight in (None, 0.0):
        names = ["main"] if weight is None else ["main", "other"]
        trunk = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.3))
        heads = nn.Heads({name: nn.Linear(8, 2) for name in names})
        module = nn.Sequential(trunk, heads).initialize(5)
        weights = {"main": 1.0} | ({} if weight is None else {"other": weight})
        criterion = nn.MultiLoss({name: nn.CrossEntropyLoss() for name in names}, weights)
        Trainer(module, criterion, optim.Adam(module, lr=0.05), batch_size=16).fit(data, epochs=3)
        results.append(module.state_dict())
    assert all(torch.equal(results[1][name], t) for name, t in results[0].items())


# the one-call form


def test_the_one_call_form_of_the_first_report():
    module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)).initialize(1)
    history = train(
        module,
        points(),
        points(30),
        epochs=3,
        lr=0.1,
        schedule=lr_scheduler.TimeBasedLR,
        lr_decay=0.1,
        weight_decay=1e-3,
        criterion=nn.MSELoss(),
        batch_size=20,
        optimizer=optim.SGD,
        train_history=True,
        test_history=True,
    )
    assert list(history.curves) == ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert "test_loss" not in train(module, points(), points(), 1, test_history=False).curves


# batches


def test_every_sample_comes_once_an_epoch_in_an_order_of_its_own():
    data = Dataset(torch.arange(10.0)[None, :, None], torch.zeros(1, 10), 2)
    order = epoch_permutations(10, [1, 2], 0)
    batches = list(iter_batches(data, order, 4))
    assert [x.shape for x, _ in batches] == [(2, 4, 1), (2, 4, 1), (2, 2, 1)]
    seen = torch.cat([x for x, _ in batches], 1).squeeze(-1)
    assert torch.equal(seen, order.float())
    assert not torch.equal(order[0], order[1])
    assert not torch.equal(order[0], epoch_permutations(10, [1], 1)[0])


def test_small_gathers_give_the_same_batches(monkeypatch):
    data = points(50, SEEDS)
    order = epoch_permutations(50, SEEDS, 0)
    whole = list(iter_batches(data, order, 8))
    monkeypatch.setattr("chainrule.data.batches.CHUNK_BYTES", 1)
    for (x, t), (y, u) in zip(whole, iter_batches(data, order, 8), strict=True):
        assert torch.equal(x, y)
        assert torch.equal(t, u)


def test_slices_are_views():
    data = points(10)
    assert all(x.data_ptr() >= data.inputs.data_ptr() for x, _ in iter_slices(data, 4))
    assert sum(len(x) for x, _ in iter_slices(data, 4)) == 10


# parts that do not belong together


def other_net():
    net = nn.Linear(2, 2)
    return net, nn.MSELoss(), optim.SGD(nn.Linear(2, 2), lr=0.1)


def bare_parameters():
    net = nn.Linear(2, 2).replicate(2)
    return net, nn.MSELoss(), optim.SGD(net.parameters(), lr=0.1)


def not_reduced():
    net = nn.Linear(2, 2)
    return net, nn.MSELoss(reduction="none"), optim.SGD(net, lr=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (other_net, r"parameters that are not the net's \(another"),
        (bare_parameters, "say replicas=net.replicas"),
        (not_reduced, "does not reduce"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        Trainer(*make())


def test_a_plateau_cannot_be_judged_per_step():
    net = nn.Linear(2, 2)
    optimizer = optim.SGD(net, lr=0.1)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="judges epochs"):
        Trainer(net, nn.MSELoss(), optimizer, scheduler=plateau, schedule_every="step")


@pytest.mark.parametrize(
    ("data", "epochs", "message"),
    [
        ((torch.rand(3, 2), torch.rand(3, 2)), 1, "expected a Dataset"),
        (points(), 2.5, "whole number"),
    ],
)
def test_what_is_no_data_set_or_no_number_of_epochs_is_a_type_error(data, epochs, message):
    with pytest.raises(TypeError, match=message):
        trainer(nn.Linear(2, 2)).fit(data, epochs=epochs)


def test_a_summed_loss_is_summed_over_the_epoch():
    net, data = nn.Linear(2, 2), points()
    history = Trainer(net, nn.MSELoss(reduction="sum"), optim.SGD(net, lr=0.0), batch_size=16).fit(
        data, data, epochs=1
    )
    assert history.last("train_loss").item() == pytest.approx(history.last("test_loss").item())


def test_evaluation_leaves_each_module_in_its_mode():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[1].eval()
    trainer(net).evaluate(points())
    assert [net[0].training, net[1].training] == [True, False]


def test_an_update_that_overflows_last_is_a_divergence_and_is_undone():
    rates = torch.tensor([0.1, 1e38])
    cohort, data = nn.Linear(2, 2).replicate(2, [1, 2]), points()
    data.inputs.mul_(100)
    before = state(cohort.replica(1))
    history = Trainer(
        cohort, nn.MSELoss(), optim.SGD(cohort, lr=rates), batch_size=60, seed=[1, 2]
    ).fit(data, data, epochs=1)
    assert [(d.replica, d.where) for d in history.diverged] == [(1, "the update of the parameters")]
    assert equal(state(cohort.replica(1)), before)
    assert history["test_loss"][0].isfinite().tolist() == [True, False]


def test_a_stopped_replica_is_measured_with_its_own_running_statistics():
    class StopFirst(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                trainer.stop(torch.tensor([True, False]))

    net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).replicate(2, [1, 2])
    own = trainer(net, [1, 2], callbacks=[StopFirst()])
    history = own.fit(points(), points(30, 1), epochs=4)
    curve = history["test_loss"][:, 0]
    assert curve[1:].tolist() == pytest.approx([curve[0].item()] * 3, rel=1e-6)


def test_an_interrupt_before_an_epoch_begins_ends_the_fit_too(monkeypatch):
    def interrupt(trainer, last):
        raise KeyboardInterrupt

    own = trainer(nn.Linear(2, 2))
    monkeypatch.setattr("chainrule.train.epochs.take_snapshot", interrupt)
    assert own.fit(points(), epochs=3).interrupted


def test_an_interrupt_between_two_epochs_keeps_those_that_are_whole(monkeypatch):
    looks = iter([True, True])

    def interrupt(state):
        for look in looks:
            return look
        raise KeyboardInterrupt

    own = trainer(nn.Linear(2, 2), compile=False)
    monkeypatch.setattr(TrainState, "running", property(interrupt))
    history = own.fit(points(), points(20), epochs=5)
    assert (history.interrupted, history.epochs) == (True, 2)


def test_a_second_interrupt_while_the_first_is_answered_is_no_end_of_a_fit(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    own = trainer(nn.Linear(2, 2), compile=False)
    monkeypatch.setattr("chainrule.train.epochs.run_epoch", interrupt)
    monkeypatch.setattr("chainrule.train.epochs.restore_snapshot", interrupt)
    with pytest.raises(KeyboardInterrupt):
        own.fit(points(), points(20), epochs=5)


def test_metrics_on_the_training_batches_can_be_left_out():
    assert (
        "train_accuracy"
        not in train(nn.Linear(2, 2), points(), points(), 1, train_history=False).curves
    )


def test_a_decay_without_a_schedule_is_refused():
    with pytest.raises(ValueError, match="lr_decay needs a schedule"):
        train(nn.Linear(2, 2), points(), epochs=1, lr_decay=0.5)


def test_a_trainer_says_how_far_it_is_and_what_it_was_told():
    each = trainer(net().initialize(0), seed=7)
    each.fit(points(), epochs=2)
    assert each.steps == 8
    assert (each.seeds, each.batch_size, each.scheduler) == ([7], 16, None)
    assert each.metrics.keys() == {"accuracy"}
    assert each.active.tolist() == [True]


def test_a_negative_number_of_epochs_is_refused():
    with pytest.raises(ValueError, match="epochs is at least 0"):
        trainer(nn.Linear(2, 2)).fit(points(), epochs=-1)


def test_early_stopping_puts_nothing_back_after_an_interrupt():
    class Interrupt(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 3:
                raise KeyboardInterrupt

    net, straight = net_of(1), net_of(1)
    stop = EarlyStopping("train_loss", patience=50, mode="max")
    assert trainer(net, callbacks=[stop, Interrupt()]).fit(points(), epochs=5).interrupted
    trainer(straight).fit(points(), epochs=2)
    assert equal(state(net), state(straight))


def net_of(seed: int) -> nn.Module:
    return net().initialize(seed)
