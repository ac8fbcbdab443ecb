"""What a training promises holds on the compiled path too."""

import copy
from re import escape

import pytest
import torch

from chainrule import nn, optim
from chainrule._util.notices import print_once
from chainrule.compiled import BuildError, build, kernel, toolchain
from chainrule.data import Dataset, disk
from chainrule.nn.init import HeNormal
from chainrule.optim import lr_scheduler
from chainrule.train import (
    Accuracy,
    Callback,
    Compiled,
    CompileError,
    EarlyStopping,
    Plain,
    Trainer,
)
from chainrule.train.batches import add_replica_axis
from tests.compiled.agreement import Halve

SEEDS = [11, 12, 13]


def network(K=3):
    net = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))
    return net.replicate(K, SEEDS[:K])


def trainer(net, lr=0.1, seed=SEEDS, criterion=None, make=optim.SGD, **options):
    criterion = criterion or nn.CrossEntropyLoss()
    options = {"compile": True, **options}
    return Trainer(net, criterion, make(net, lr=lr), seed=seed, batch_size=20, **options)


def weights(trainer):
    return trainer.optimizer.flats[0].data


def test_a_replica_is_bit_for_bit_the_same_in_any_cohort():
    together, alone = network(), network().replica(1)
    several, single = trainer(together), trainer(alone, seed=12)
    for each in (several, single):
        each.fit(disk(130), disk(50, 1), epochs=3, progress=False)
        assert each.backend_status == Compiled()
    assert torch.equal(weights(several)[1], weights(single)[0])


def test_threads_change_nothing():
    found = []
    for threads in (1, 3):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        each = trainer(network())
        each.fit(disk(130), epochs=3, progress=False)
        torch.set_num_threads(before)
        found.append(weights(each))
    assert torch.equal(*found)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_a_replica_that_diverges_is_frozen_and_the_others_do_not_notice(make):
    rates = torch.tensor([0.1, 1e38, 0.1], dtype=torch.float64)
    found = []
    for lr in (rates, 0.1):
        for compiled in (False, True):
            each = trainer(network(), lr, compile=compiled, make=make)
            each.fit(disk(130), epochs=3, progress=False)
            found.append((weights(each), each.history))
    (plain, theirs), (fast, ours), _, (healthy, _) = found
    assert ours.diverged == theirs.diverged
    assert ours.diverged[0].replica == 1
    assert torch.equal(fast[[0, 2]], healthy[[0, 2]])
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(
        ours["train_loss"], theirs["train_loss"], equal_nan=True, rtol=1e-5, atol=1e-6
    )


def test_nan_in_the_data_is_noticed_where_relu_would_hide_it():
    data = disk(130, seed=[0, 1, 2])
    data.inputs[2, 40] = torch.nan
    each = trainer(network())
    each.fit(data, epochs=2, progress=False)
    (only,) = each.history.diverged
    assert (only.replica, only.epoch, only.where) == (2, 1, "the input is not finite")


def test_a_stopped_replica_keeps_its_weights_and_has_a_loss():
    found = []
    for compiled in (False, True):
        each = trainer(network(), compile=compiled)
        each.fit(disk(130), epochs=1, progress=False)
        each.state.stop(torch.tensor([False, True, False]))
        before = weights(each)[1].clone()
        each.fit(disk(130), epochs=3, progress=False)
        assert torch.equal(weights(each)[1], before)
        found.append((weights(each), each.history["train_loss"]))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


def test_schedules_early_stopping_and_checkpoints(tmp_path):
    def build_one():
        net = network()
        optimizer = optim.Adam(net, lr=torch.tensor([0.01, 0.1, 0.03]))
        schedule = lr_scheduler.ExponentialLR(optimizer, gamma=torch.tensor([0.9, 0.5, 1.0]))
        return Trainer(
            net,
            nn.CrossEntropyLoss(),
            optimizer,
            scheduler=schedule,
            seed=SEEDS,
            metrics={"accuracy": Accuracy()},
            callbacks=[EarlyStopping(patience=2)],
            compile=True,
        )

    whole, first, second = build_one(), build_one(), build_one()
    train, test = disk(230), disk(100, 1)
    whole.fit(train, test, epochs=6, progress=False)
    first.fit(train, test, epochs=3, progress=False)
    first.save(tmp_path / "training")
    second.load(tmp_path / "training")
    second.fit(train, test, epochs=6, progress=False)
    assert second.backend_status == Compiled()
    assert torch.equal(weights(whole), weights(second))
    assert all(torch.equal(whole.history[n], second.history[n]) for n in whole.history.curves)


def test_a_cohort_made_smaller_goes_on():
    whole, smaller = trainer(network()), trainer(network())
    whole.fit(disk(130), epochs=4, progress=False)
    smaller.fit(disk(130), epochs=2, progress=False)
    smaller.state.keep_replicas(torch.tensor([2, 0]))
    smaller.fit(disk(130), epochs=4, progress=False)
    assert smaller.backend_status == Compiled()
    assert torch.equal(weights(whole)[[2, 0]], weights(smaller))


def test_the_weights_of_the_losses_may_change_between_epochs():
    class Fade(Callback):
        def on_epoch_end(self, trainer):
            trainer.criterion.weights["b"] = 1.0 / trainer.epoch

    data = disk(130)
    data = Dataset(data.inputs, {"a": data.targets, "b": data.targets})
    found = []
    for compiled in (False, True):
        net = nn.Heads(a=nn.Linear(2, 2), b=nn.Linear(2, 2)).replicate(3, SEEDS)
        criterion = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.CrossEntropyLoss()})
        each = trainer(net, compile=compiled, criterion=criterion, callbacks=[Fade()])
        each.fit(data, epochs=3, progress=False)
        found.append(weights(each))
    torch.testing.assert_close(*found)


class Looks(Callback):
    def on_step_end(self, trainer):
        pass


PLAIN = [
    ({"callbacks": [Looks()]}, "Looks, which looks at each step"),
]


@pytest.mark.parametrize(("options", "what"), PLAIN)
def test_what_is_not_known_takes_the_plain_path_and_says_so(options, what):
    found = []
    for compiled in (False, True):
        each = trainer(network(), compile="auto" if compiled else False, **options)
        each.fit(disk(130), epochs=1, progress=False)
        found.append(weights(each))
    assert str(each.backend_status).startswith(f"plain: there is no compiled form of {what}")
    assert torch.equal(*found)


@pytest.mark.parametrize(("options", "what"), PLAIN)
def test_who_insists_is_told_what_is_not_known_before_anything_is_trained(options, what):
    each = trainer(network(), **options)
    before = weights(each).clone()
    with pytest.raises(CompileError, match=f"compile=True: there is no .* form of {escape(what)}"):
        each.fit(disk(130), epochs=1, progress=False)
    assert torch.equal(weights(each), before)
    assert each.epoch == 0


def test_a_trainer_that_is_told_nothing_takes_the_kernel_where_that_can():
    net = network()
    told_nothing = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net))
    told_nothing.fit(disk(40), epochs=1, progress=False)
    assert told_nothing.backend_status == Compiled()
    assert told_nothing.backend_status.kernel == kernel(torch.float32).key


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="compile is True, False or 'auto', got 'always'"):
        trainer(network(), compile="always")


@pytest.mark.parametrize(
    "layer",
    [
        Halve(),
        nn.Linear(4, 4, init=HeNormal()).to(torch.float64),
    ],
    ids=repr,
)
def test_layers_that_are_not_known(layer):
    net = nn.Sequential(nn.Linear(2, 4), layer, nn.Linear(4, 2)).to(torch.float64)
    each = trainer(net, seed=0, compile="auto")
    train = disk(40).to(dtype=torch.float64)
    each.fit(train, epochs=1, progress=False)
    known = isinstance(layer, nn.Linear)
    assert str(each.backend_status).startswith(
        "compiled" if known else "plain: there is no compiled form of"
    )


def test_wrong_data_are_refused_as_on_the_plain_path():
    wrong = Dataset(torch.randn(40, 2), torch.full((40,), 2))
    with pytest.raises(nn.LayerError, match="expected class indices from 0 to 1, got 2"):
        trainer(network(), compile="auto").fit(wrong, epochs=1, progress=False)
    double = disk(40).to(dtype=torch.float64)
    with pytest.raises(nn.LayerError, match=r"expected torch\.float32, got torch\.float64"):
        trainer(network(), compile="auto").fit(double, epochs=1, progress=False)
    vectors = Dataset(torch.randn(40, 2), torch.randn(40, 2, dtype=torch.float64))
    with pytest.raises(nn.LayerError, match=r"expected torch\.float32"):
        trainer(network(), compile="auto", criterion=nn.MSELoss()).fit(
            vectors, epochs=1, progress=False
        )


@pytest.fixture
def no_kernel(monkeypatch, tmp_path):
    """A machine on which no kernel was built yet; what is printed once may be printed again."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    build.load_kernel.cache_clear()
    print_once.cache_clear()
    yield tmp_path
    build.load_kernel.cache_clear()


def test_without_a_compiler_a_line_says_so_once_and_the_path_is_the_plain_one(
    monkeypatch, no_kernel, capsys
):
    monkeypatch.setattr(build, "compiler", lambda: None)
    for _ in range(2):
        each = trainer(network(), compile="auto")
        each.fit(disk(40), epochs=2, progress=False)
        assert str(each.backend_status).startswith("plain: there is no C++ compiler")
    assert capsys.readouterr().err == (
        "chainrule: trainings take the plain path: there is no C++ compiler: install g++ or "
        "clang++, or set CXX\n"
    )


def test_who_insists_is_told_that_there_is_no_compiler(monkeypatch, no_kernel):
    monkeypatch.setattr(build, "compiler", lambda: None)
    with pytest.raises(BuildError, match=r"no C\+\+ compiler: install g\+\+ or clang\+\+"):
        trainer(network()).fit(disk(40), epochs=2, progress=False)


def quick_build(monkeypatch):
    """One micro-kernel without optimizations: a build of three seconds instead of eighteen."""
    monkeypatch.setenv("CHAINRULE_MICRO_KERNEL", str(build.micro_kernels()[0]))
    for module in (build, toolchain):
        monkeypatch.setattr(module, "FLAGS", ("-std=c++20", "-O0"))


def test_while_the_kernel_is_built_a_training_is_plain_from_its_first_epoch_to_its_last(
    monkeypatch, no_kernel
):
    started: list[list[str]] = []
    monkeypatch.setattr(build, "spawn", started.append)
    quick_build(monkeypatch)
    early, plain = trainer(network(), compile="auto"), trainer(network(), compile=False)
    for each in (early, plain):
        each.fit(disk(40), epochs=2, progress=False)
    assert str(early.backend_status) == (
        "plain: the kernel is being built, for trainings that begin later"
    )
    assert len(started) == 1
    build.build_beside(started[0][-1])  # as the other process does
    assert {path.suffix for path in no_kernel.iterdir()} <= {".json", ".so"}
    late = trainer(network(), compile="auto")
    for each in (early, plain, late):
        each.fit(disk(40), epochs=4, progress=False)
    assert torch.equal(weights(early), weights(plain))
    assert late.backend_status == Compiled()


def test_a_build_beside_that_fails_is_told_and_not_tried_by_each(monkeypatch, no_kernel, capsys):
    started: list[list[str]] = []
    monkeypatch.setattr(build, "spawn", started.append)
    monkeypatch.setenv("CXX", "false")
    trainer(network(), compile="auto").fit(disk(40), epochs=1, progress=False)
    build.build_beside(started[0][-1])
    each = trainer(network(), compile="auto")
    each.fit(disk(40), epochs=1, progress=False)
    assert "failed to compile the kernel" in str(each.backend_status)
    assert "failed to compile the kernel" in capsys.readouterr().err


def test_a_trainer_can_be_copied():
    each = trainer(network())
    each.fit(disk(40), epochs=1, progress=False)
    other = copy.deepcopy(each)
    for one in (each, other):
        one.fit(disk(40), epochs=2, progress=False)
    assert other.backend_status == Compiled()


def test_status_of_a_trainer_that_was_not_told():
    assert trainer(network(), compile=False).backend_status == Plain()


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("replicas", [None, 3])
def test_outputs_and_evaluation_are_those_of_the_net(replicas, heads):
    net = nn.Sequential(nn.Linear(2, 12), nn.ReLU())
    net = nn.Sequential(net, nn.Heads(a=nn.Linear(12, 2)) if heads else nn.Linear(12, 2))
    net = net.to(torch.float64)
    net = net if replicas is None else net.replicate(replicas, SEEDS)
    train, test = (disk(n, n).to(dtype=torch.float64) for n in (130, 301))
    criterion = nn.CrossEntropyLoss()
    if heads:
        train, test = (Dataset(d.inputs, {"a": d.targets}) for d in (train, test))
        criterion = nn.MultiLoss({"a": criterion})
    each = trainer(net, criterion=criterion, seed=7)
    history = each.fit(train, test, epochs=2, progress=False)
    assert each.backend_status == Compiled()
    found = each.predict(test)
    expected = net(test.inputs if replicas is None else test.inputs[None])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    loss = each.criterion(expected, add_replica_axis(test, replicas).targets)
    torch.testing.assert_close(history.last("test_loss"), loss, rtol=1e-12, atol=1e-12)


def test_a_net_that_was_moved_predicts_with_what_it_has():
    each = trainer(network())
    each.fit(disk(40), epochs=1, progress=False)
    for parameter in each.net.parameters():
        parameter.data = torch.zeros_like(parameter.data)
    assert torch.equal(each.predict(disk(40)), torch.zeros(3, 40, 2))
