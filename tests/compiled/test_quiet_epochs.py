"""Epochs that nobody looks at are trained many in a call, and are the same as one by one."""

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.data.resampled import Preprocessing, ResampledDataset
from chainrule.data.transforms.standardize import Standardizer
from chainrule.optim import lr_scheduler
from chainrule.train import Accuracy, Callback, Compiled, Plain, ProgressBar, Trainer
from chainrule.train.backends import compiled

SEEDS, EPOCHS = [3, 4, 5], 7


class Looks(Callback):
    """Sees the end of each epoch, which is therefore done alone."""

    def __init__(self):
        self.epochs = []

    def on_epoch_end(self, state):
        self.epochs.append(state.epoch)


def samples(K=3, n=45, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(K, n, 4, generator=generator, dtype=torch.float64)
    return Dataset(x.to(dtype), torch.randint(0, 3, (K, n), generator=generator), K)


def build(net=None, criterion=None, make=None, K=3, callbacks=(), dtype=torch.float32, **options):
    net = net or nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    net = net.to(dtype).initialize(1) if K is None else net.replicate(K, SEEDS[:K]).to(dtype)
    make = make or (lambda net: optim.SGD(net, lr=0.1, momentum=0.9))
    seed = SEEDS[0] if K is None else SEEDS[:K]
    options = {"batch_size": 10, "seed": seed, "compile": True, "callbacks": callbacks, **options}
    return Trainer(net, criterion or nn.CrossEntropyLoss(), make(net), **options)


def count_calls(trainer, monkeypatch):
    """Epochs of each call of the backend, in the order of the calls."""
    calls, backend = [], trainer.backend
    many, one = backend.train_epochs, backend.train_epoch
    monkeypatch.setattr(
        backend,
        "train_epochs",
        lambda s, d, orders, test: calls.append(len(orders)) or many(s, d, orders, test),
    )
    monkeypatch.setattr(backend, "train_epoch", lambda *a: calls.append(1) or one(*a))
    return calls


def assert_same(found, expected):
    assert found.backend_status == expected.backend_status == Compiled()
    assert (found.epoch, found.steps) == (expected.epoch, expected.steps)
    for (name, mine), (_, other) in zip(
        found.net.named_state(), expected.net.named_state(), strict=True
    ):
        assert torch.equal(mine.data, other.data), name
    mine, other = (t.optimizer.state_dict() for t in (found, expected))
    assert mine["state"].keys() == other["state"].keys()
    assert all(torch.equal(mine["state"][name], t) for name, t in other["state"].items())
    assert [g["step"] for g in mine["param_groups"]] == [g["step"] for g in other["param_groups"]]
    assert found.history.curves.keys() == expected.history.curves.keys()
    for name, curve in expected.history.curves.items():
        assert torch.equal(found.history[name].nan_to_num(-1), curve.nan_to_num(-1)), name
    assert found.history.diverged == expected.history.diverged
    assert torch.equal(found.active, expected.active)
    draws = [[m.rng_counter for m in t.net.modules()] for t in (found, expected)]
    assert draws[0] == draws[1]


DROPOUT = nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.Dropout(0.3), nn.Linear(9, 3))
WEIGHTED = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5]))
KINDS = {
    "momentum": {},
    "plain net": {"K": None},
    "double": {"dtype": torch.float64},
    "Adam": {"make": lambda net: optim.Adam(net, lr=0.01)},
    "NAdam": {"make": lambda net: optim.NAdam(net, lr=0.01)},
    "RAdam": {"make": lambda net: optim.RAdam(net, lr=0.01, weight_decay=0.1)},
    "two groups": {
        "make": lambda net: optim.SGD(
            [{"params": [*net[0].parameters()], "lr": 0.3}, {"params": [*net[2].parameters()]}],
            lr=0.1,
            momentum=0.5,
            replicas=3,
        )
    },
    "dropout": {"net": DROPOUT, "make": lambda net: optim.SGD(net, lr=0.1)},
    "class weights": {"criterion": WEIGHTED},
    "ignored classes": {"criterion": nn.CrossEntropyLoss(ignore_index=1)},
    "sum": {"criterion": nn.CrossEntropyLoss(reduction="sum"), "clip_norm": 1.0},
}


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_bit_for_bit_those_that_somebody_looks_at(kind, monkeypatch):
    options = KINDS[kind]
    train = samples(dtype=options.get("dtype", torch.float32))
    train = train if options.get("K", 3) else train.replica(0)
    quiet, seen = build(**options), build(callbacks=[looks := Looks()], **options)
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, epochs=EPOCHS, progress=False)
        each.fit(train, epochs=2 * EPOCHS, progress=False)
    assert calls == [EPOCHS, EPOCHS]
    assert looks.epochs == [*range(1, 2 * EPOCHS + 1)]
    assert_same(quiet, seen)


def test_a_long_training_takes_several_calls(monkeypatch):
    quiet = build()
    calls = count_calls(quiet, monkeypatch)
    quiet.fit(samples(), epochs=150, progress=False)
    assert sum(calls) == 150
    assert max(calls) <= 64


def test_the_test_set_is_looked_at_where_it_is_due(monkeypatch):
    train, test = samples(), samples(n=20)
    quiet, seen = build(evaluate_every=4), build(callbacks=[Looks()], evaluate_every=4)
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, test, epochs=10, progress=False)
    assert calls == [3, 1, 3, 1, 1, 1]
    assert_same(quiet, seen)
    assert quiet.history["test_loss"][:, 0].isfinite().nonzero().flatten().tolist() == [3, 7, 9]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("train_metrics", [False, True])
def test_a_look_at_the_test_set_after_each_does_not_part_them(kind, train_metrics, monkeypatch):
    options = {"metrics": {"accuracy": Accuracy()}, "train_metrics": train_metrics, **KINDS[kind]}
    dtype = options.get("dtype", torch.float32)
    train, test = samples(dtype=dtype), samples(n=150, dtype=dtype)
    if not options.get("K", 3):
        train, test = train.replica(0), test.replica(0)
    quiet, seen = build(**options), build(callbacks=[Looks()], **options)
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, test, epochs=EPOCHS, progress=False)
        each.fit(train, test, epochs=2 * EPOCHS, progress=False)
    assert calls == [EPOCHS, EPOCHS]
    assert ("train_accuracy" in quiet.history.curves) == train_metrics
    assert_same(quiet, seen)
    assert torch.equal(quiet.state.test_output, quiet.predict(test))


def test_parts_of_a_data_set_are_looked_at_as_copies_of_them_are(monkeypatch):
    stored = samples(n=80).replica(0).expand(3)
    generator = torch.Generator().manual_seed(2)
    rows = torch.rand(3, 80, generator=generator).argsort(1)
    std = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1).expand(3, 1, 4)
    scale = Standardizer(torch.full((3, 1, 4), 0.5), std)
    parts = [
        ResampledDataset(stored, own, Preprocessing(standardizer=scale))
        for own in (rows[:, :45], rows[:, 45:])
    ]
    options = {"metrics": {"accuracy": Accuracy()}, "train_metrics": True}
    quiet, seen = build(**options), build(callbacks=[Looks()], **options)
    calls = count_calls(quiet, monkeypatch)
    quiet.fit(*parts, epochs=EPOCHS, progress=False)
    seen.fit(*(part.gather() for part in parts), epochs=EPOCHS, progress=False)
    assert calls == [EPOCHS]
    assert_same(quiet, seen)
    assert torch.equal(quiet.state.test_output, seen.state.test_output)


def test_several_heads_have_outputs_of_their_own_in_each_epoch(monkeypatch):
    heads = nn.Heads(a=nn.Linear(4, 3), b=nn.Linear(4, 3))
    loss = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.CrossEntropyLoss()})
    train, test = (
        Dataset(d.inputs, {"a": d.targets, "b": 2 - d.targets}, 3)
        for d in (samples(), samples(n=20))
    )
    options = {"metrics": {"a": Accuracy("a"), "b": Accuracy("b")}}
    quiet, seen = (build(heads, loss, callbacks=c, **options) for c in ([], [Looks()]))
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, test, epochs=EPOCHS, progress=False)
    assert calls == [EPOCHS]
    assert_same(quiet, seen)


def test_long_outputs_are_of_fewer_epochs_at_once(monkeypatch):
    monkeypatch.setattr(compiled, "CHUNK_NUMBERS", 3 * 3 * (45 + 20) * 3)
    each = build(metrics={"accuracy": Accuracy()})
    calls = count_calls(each, monkeypatch)
    each.fit(samples(), samples(n=20), epochs=7, progress=False)
    assert calls == [3, 3, 1]


def test_a_metric_that_sees_the_net_is_taken_of_each_epoch_by_itself(monkeypatch):
    def norm(output, target):
        return trainer.net[0].weight.data.norm(dim=(1, 2))

    trainer = build(metrics={"norm": norm})
    calls = count_calls(trainer, monkeypatch)
    trainer.fit(samples(), samples(n=20), epochs=4, progress=False)
    assert calls == [1] * 4
    assert trainer.history["test_norm"].unique(dim=0).shape == (4, 3)


@pytest.mark.parametrize("lr", [[0.1, 1e30, 0.1], [0.1, 40.0, 3e38], [1e38, 1e38, 1e38]])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("test", [None, samples(n=20)], ids=["alone", "with a test set"])
def test_who_diverges_does_so_in_the_same_step_and_nobody_else_notices(lr, layers, test):
    deep = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    net = deep if layers == 2 else nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    rule = {"make": lambda net: optim.SGD(net, lr=torch.tensor(lr, dtype=torch.float64))}
    quiet, seen = (build(net, callbacks=c, **rule) for c in ([], [Looks()]))
    train = samples()
    train.inputs[2] *= 1e3
    for each in (quiet, seen):
        each.fit(train, test, epochs=20, progress=False)
    assert_same(quiet, seen)
    assert bool(quiet.history.diverged) == (layers == 2)  # of tanh all stays finite


def test_an_update_that_overflows_is_noticed_in_its_own_epoch():
    train = Dataset(torch.full((3, 1, 1), 0.25), torch.full((3, 1, 1), -3e38), 3)
    rule = {"make": lambda net: optim.SGD(net, lr=torch.tensor([0.1, 3e38, 1e38]))}
    quiet, seen = (
        build(nn.Linear(1, 1, bias=False), nn.L1Loss(), callbacks=c, **rule)
        for c in ([], [Looks()])
    )
    for each in (quiet, seen):
        each.fit(train, epochs=20, progress=False)
    assert [d.where for d in quiet.history.diverged] == ["the update of the parameters"] * 2
    assert_same(quiet, seen)


def test_ctrl_c_goes_back_to_the_last_whole_epoch(monkeypatch):
    quiet, train = build(), samples()
    many = quiet.backend.train_epochs
    calls = []

    def interrupt(state, data, orders, test):
        calls.append(len(orders))
        epochs = many(state, data, orders, test)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epochs

    monkeypatch.setattr(quiet.backend, "train_epochs", interrupt)
    monkeypatch.setattr(quiet.backend, "epochs_at_once", lambda *_: 5)
    history = quiet.fit(train, epochs=12, progress=False)
    assert history.interrupted
    assert (quiet.epoch, history.epochs) == (5, 5)
    whole = build()
    whole.fit(train, epochs=5, progress=False)
    assert_same(quiet, whole)
    for each in (quiet, whole):
        each.fit(train, epochs=12, progress=False)
    assert_same(quiet, whole)


@pytest.mark.parametrize(
    "options",
    [
        {"augment": lambda x, seeds, step: x},
        {"callbacks": [Looks()]},
        {"schedule": True},
        {"compile": False},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_looks_or_is_told_in_between_has_each_epoch_alone(options, monkeypatch):
    each = build(**{k: v for k, v in options.items() if k != "schedule"})
    if "schedule" in options:
        each.state.scheduler = lr_scheduler.ExponentialLR(each.optimizer, 0.9)
    calls = count_calls(each, monkeypatch)
    each.fit(samples(), epochs=4, progress=False)
    assert calls == [1] * 4
    assert each.backend_status == (Plain() if "compile" in options else Compiled())


def test_a_line_of_progress_can_wait(monkeypatch):
    each = build(callbacks=[ProgressBar()])
    calls = count_calls(each, monkeypatch)
    each.fit(samples(), epochs=4, progress=False)
    assert calls == [4]


def test_who_wants_to_see_each_epoch_begin_is_called_in_each():
    class Begins(Looks):
        def on_epoch_start(self, state):
            self.epochs.append(state.epoch)

        on_epoch_end = Callback.on_epoch_end

    trainer = build(callbacks=[begins := Begins()])
    trainer.fit(samples(), epochs=3)
    assert begins.epochs == [0, 1, 2]
