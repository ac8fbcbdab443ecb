"""Steps of several batches, and parameters that no step moves, on the compiled path."""

import pytest
import torch

from chainrule import nn, optim
from chainrule._util.threads import torch_threads
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, Trainer
from tests.compiled.agreement import SEEDS, K, assert_equal, make_data, sgd, train_net


def image_net():
    return nn.Sequential(
        *(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3, stride=2), nn.Tanh()),
        *(nn.Dropout(0.2), nn.Flatten(), nn.Linear(16, 4)),
    )


@pytest.mark.parametrize(
    ("size", "accumulate", "threads"),
    [(9, 2, 1), (9, 3, 1), (6, 5, 1), (27, 2, 1), (4, 100, 1), (9, 2, 2), (27, 2, 2)],
)
def test_steps_of_several_batches_agree(size, accumulate, threads, monkeypatch):
    monkeypatch.setattr("chainrule.compiled.compile.CHUNK_BYTES", 1)
    options = {"batch_size": size, "accumulate": accumulate, "clip_norm": 0.5}
    with torch_threads(threads):
        assert_equal(image_net(), nn.CrossEntropyLoss(), optim.NAdam, (2, 5, 5), -4, **options)


def test_used_twice_a_layer_agrees_in_steps_of_several_batches():
    shared = nn.Linear(4, 4)
    net = nn.Sequential(shared, nn.BatchNorm1d(4), nn.PReLU(), shared, nn.LayerNorm(4))
    assert_equal(net, nn.MSELoss(), sgd, (4,), 4, batch_size=10, accumulate=3)


def test_schedules_and_metrics_agree_in_steps_of_several_batches():
    data, found = make_data((3,), -4, torch.float64), []
    for compiled in (False, True):
        net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)).replicate(K, SEEDS)
        optimizer = optim.SGD(net.to(torch.float64), lr=0.3, momentum=0.5)
        trainer = Trainer(
            *(net, nn.CrossEntropyLoss(), optimizer),
            scheduler=lr_scheduler.ExponentialLR(optimizer, 0.9),
            schedule_every="step",
            metrics={"accuracy": Accuracy()},
            batch_size=7,
            accumulate=2,
            seed=SEEDS,
            compile=compiled,
        )
        trainer.fit(data, epochs=3, progress=False)
        assert str(trainer.backend_status) == ("compiled" if compiled else "plain")
        numbers = [trainer.state.steps, optimizer.param_groups[0]["step"]]
        assert numbers == [12, 12]
        found.append((optimizer.flats[0].data, trainer.history.curves))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_a_replica_has_the_same_bits_alone_in_steps_of_several_batches():
    data = make_data((2, 5, 5), -4, torch.float32)
    options = {"batch_size": 9, "accumulate": 3, "compile": True}
    trainers = []
    for seed, net, samples in (
        (SEEDS, image_net().replicate(K, SEEDS), data),
        (SEEDS[1], image_net().initialize(SEEDS[1]), data.replica(1)),
    ):
        trainer = Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net), seed=seed, **options)
        trainer.fit(samples, epochs=3, progress=False)
        trainers.append(trainer)
    cohort, alone = (trainer.optimizer.flats[0].data for trainer in trainers)
    assert torch.equal(cohort[1], alone[0])


@pytest.mark.parametrize("make", [optim.Adam, optim.Adafactor, optim.Muon])
def test_two_threads_share_the_parameters_of_a_replica_and_change_no_bit(make, monkeypatch):
    monkeypatch.setattr("chainrule.compiled.compile.CHUNK_BYTES", 1)
    monkeypatch.setattr("chainrule.compiled.compile.MIN_CHUNK_VECTORS", 1)
    data, found = make_data((6,), 4, torch.float32, replicas=1).replica(0), []
    for threads in (1, 2):
        layers = nn.Linear(6, 20, bias=False), nn.Tanh(), nn.Linear(20, 4, bias=False)
        net = nn.Sequential(*layers).initialize(0)
        options = {"batch_size": 50, "compile": True, "clip_norm": 0.5}
        with torch_threads(threads):
            trainer = Trainer(net, nn.MSELoss(), make(net, lr=0.01), seed=0, **options)
            trainer.fit(data, epochs=3, progress=False)
        found.append(trainer.optimizer.flats[0].data)
    assert torch.equal(*found)


def test_who_diverges_between_the_batches_of_a_step_takes_no_part_in_it():
    data = make_data((3,), -4, torch.float64)
    data.inputs[1, 40] = float("nan")
    found = []
    for compiled in (False, True):
        net = nn.Linear(3, 4)
        options = {"batch_size": 5, "accumulate": 4}
        found.append(train_net(compiled, net, nn.CrossEntropyLoss(), sgd, data, **options))
    plain, fast = found
    assert fast.history.diverged == plain.history.diverged
    torch.testing.assert_close(fast.optimizer.flats[0].data, plain.optimizer.flats[0].data)


def keep_first(net):
    """An optimizer of all but the net's first two parameters."""
    parameters = list(net.parameters())[2:]
    return optim.Adam(parameters, eps=1e-3, replicas=net.replicas)


FROZEN = [
    nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 6), nn.PReLU(), nn.Linear(6, 2)),
    nn.Sequential(
        *(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 3, 2), nn.ReLU(), nn.Conv1d(3, 2, 2)),
        *(nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(2, 2)),
    ),
    nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
    nn.Sequential(nn.PReLU(), nn.PReLU(), nn.Linear(3, 2)),
    nn.Sequential(
        nn.Unflatten(1, (1, 3)), nn.ConvTranspose1d(1, 2, 2), nn.Flatten(), nn.Linear(8, 2)
    ),
    nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)),
]


@pytest.mark.parametrize("net", FROZEN, ids=lambda net: repr(net[0]))
def test_what_the_optimizer_does_not_move_stays_and_the_rest_agrees(net):
    found = []
    for compiled in (False, True):
        data = make_data((3,), 2, torch.float64)
        options = {"clip_norm": 0.3, "clip_value": 0.1}
        trainer = train_net(compiled, net, nn.MSELoss(), keep_first, data, **options)
        first, second, *_ = trainer.net.parameters()
        fresh = net.replicate(K, SEEDS).to(torch.float64)
        assert all(
            torch.equal(mine.data, new.data)
            for mine, new in zip((first, second), fresh.parameters(), strict=False)
        )
        found.append((trainer.optimizer.flats[0].data, trainer.predict(data)))
        found[-1] += (trainer.history.curves, trainer.optimizer.state)
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_frozen_windows_of_three_by_three_agree():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 3), nn.Flatten())
    found = []
    for compiled in (False, True):
        data = make_data((2, 6, 6), 8, torch.float64)
        trainer = train_net(compiled, net, nn.MSELoss(), keep_first, data)
        found.append(trainer.optimizer.flats[0].data)
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_a_frozen_parameter_may_be_written_to():
    found = []
    for compiled in (False, True):
        data = make_data((3,), 2, torch.float64)
        trainer = train_net(compiled, FROZEN[0], nn.MSELoss(), keep_first, data)
        next(trainer.net.parameters()).data.mul_(1.5)
        trainer.accept_parameters()
        trainer.fit(data, epochs=3, progress=False)
        found.append((trainer.optimizer.flats[0].data, trainer.predict(data)))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_a_frozen_parameter_of_another_dtype_takes_the_plain_path():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)).initialize(0)
    optimizer = keep_first(net)
    net[0].to(torch.float64)
    trainer = Trainer(net, nn.MSELoss(), optimizer)
    data = make_data((3,), 2, torch.float32, replicas=1).replica(0)
    with pytest.raises(nn.LayerError):
        trainer.fit(data, epochs=1, progress=False)
    assert "a frozen parameter of another dtype" in str(trainer.backend_status)
