"""Epochs that nobody looks at are trained many in a call, and are the same as one by one."""

import pytest
import torch

from chainrule import nn, optim
from chainrule.data import Dataset
from chainrule.data.resampled import Preprocessing, ResampledDataset
from chainrule.data.transforms.standardize import Standardizer
from chainrule.train import Accuracy, Callback, Compiled, Plain, ProgressBar
from chainrule.train.backends import compiled
from tests.compiled.quiet_epochs import Looks, assert_same, build, count_calls, samples

EPOCHS = 7
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


@pytest.mark.parametrize(
    ("every", "looks"),
    [(2, [1, 3, 5, 7, 9, 11]), (3, [2, 5, 8, 9, 11]), (5, [4, 9, 11]), (20, [9, 11])],
)
@pytest.mark.parametrize("train_metrics", [False, True])
def test_the_test_set_is_looked_at_where_it_is_due(every, looks, train_metrics, monkeypatch):
    train, test = samples(), samples(n=150)
    options = {"metrics": {"accuracy": Accuracy()}, "train_metrics": train_metrics}
    quiet, seen = (build(evaluate_every=every, callbacks=c, **options) for c in ([], [Looks()]))
    calls = count_calls(quiet, monkeypatch)
    for each in (quiet, seen):
        each.fit(train, test, epochs=10, progress=False)
        each.fit(train, test, epochs=12, progress=False)
    assert calls == [10, 2]
    assert_same(quiet, seen)
    assert quiet.history["test_loss"][:, 0].isfinite().nonzero().flatten().tolist() == looks
    assert torch.equal(quiet.state.test_output, quiet.predict(test))


def test_epochs_after_the_last_look_leave_no_output_of_it(monkeypatch):
    each = build(evaluate_every=4)
    calls = count_calls(each, monkeypatch)
    monkeypatch.setattr(each.backend, "epochs_at_once", lambda *_: 3)
    found = []
    add = each.history.add
    monkeypatch.setattr(
        each.history, "add", lambda v: found.append(each.state.test_output is None) or add(v)
    )
    each.fit(samples(), samples(n=20), epochs=9, progress=False)
    assert calls == [3, 3, 3]
    assert found == [True, True, True, False, True, True, True, False, False]


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
        {"compile": False},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_looks_or_is_told_in_between_has_each_epoch_alone(options, monkeypatch):
    each = build(**options)
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
