"""A study's run: the same rounds whatever else is run, and an honest row for each arm."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import mean, stdev

import pytest
import torch

from chainrule import nn, optim, seeds
from chainrule.data import Dataset, disk
from chainrule.studies import NAMES, find
from chainrule.study import Arm, ArmResult, Reported, Study, StudyError, StudyResult, run
from chainrule.train import Accuracy, Callback, History


def data(round_seeds):
    train = disk(40, seed=[seeds.derive(s, "train") for s in round_seeds])
    return train, disk(30, seed=[seeds.derive(s, "test") for s in round_seeds])


def arm(name: str, hidden: int = 4, lr: float = 0.05) -> Arm:
    return Arm(
        name,
        net=lambda: nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2)),
        criterion=nn.CrossEntropyLoss,
        optimizer=lambda net: optim.Adam(net, lr=lr),
    )


def study(*arms: Arm, **changes) -> Study:
    declared = Study(
        name="toy",
        summary="points in and out of a disk",
        data=data,
        arms=arms or [arm("small"), arm("large", 6)],
        metric=Accuracy(),
        rounds=3,
        epochs=2,
        batch_size=10,
    )
    return replace(declared, **changes)


def values(result: StudyResult, name: str) -> list[float]:
    (found,) = [arm for arm in result.arms if arm.arm == name]
    return list(found.values)


# what cannot be run


def test_an_arm_that_is_not_there_lists_those_that_are():
    with pytest.raises(
        StudyError, match=r"^study toy: no arm matches 'big\*'; arms: small, large$"
    ):
        run(study(), arms="big*")


@pytest.mark.parametrize("name", ["rounds", "epochs"])
@pytest.mark.parametrize("number", [0, -2])
def test_there_is_at_least_one_of_each(name, number):
    with pytest.raises(StudyError, match=f"^study toy: {name} is at least 1, got {number}$"):
        run(study(), **{name: number})


def test_an_unknown_study_lists_those_that_are_built_in():
    with pytest.raises(StudyError, match=r"^no study 'toy'; built-in studies: pairs-depth"):
        find("toy")


@pytest.mark.parametrize("name", NAMES)
def test_every_built_in_study_has_its_own_name(name):
    assert find(name).name == name
    assert len({arm.name for arm in find(name).arms}) == len(find(name).arms)


@pytest.mark.parametrize(
    ("pattern", "names"), [("*", ["small", "large"]), ("l*", ["large"]), ("s?all", ["small"])]
)
def test_arms_are_chosen_by_a_pattern(pattern, names):
    assert [arm.name for arm in study().select(pattern)] == names


def test_the_declared_numbers_count_unless_others_are_given():
    result = run(study(seed=4))
    assert (result.rounds, result.epochs, result.seed) == (3, 2, 4)
    result = run(study(), rounds=1, epochs=1, seed=9)
    assert (result.rounds, result.epochs, result.seed) == (1, 1, 9)
    assert result.arms[0].n == 1
    assert result.arms[0].history.epochs == 1


# the same rounds


def close(a, b) -> bool:
    return torch.allclose(a, b, rtol=1e-5)


def test_the_same_seed_gives_the_same_numbers():
    first, again = run(study()), run(study())
    for a, b in zip(first.arms, again.arms, strict=True):
        assert a.values == b.values
        assert torch.equal(a.history["train_loss"], b.history["train_loss"])


def test_another_seed_gives_others():
    first, other = run(study()), run(study(), seed=1)
    assert not close(first.arms[0].history["train_loss"], other.arms[0].history["train_loss"])


def test_a_round_is_the_same_whatever_the_number_of_rounds():
    few, many = run(study(), rounds=1), run(study(), rounds=4)
    for a, b in zip(few.arms, many.arms, strict=True):
        for curve in a.history.curves:
            assert close(a.history[curve], b.history[curve][:, :1])


def test_a_round_is_the_same_whichever_other_arms_are_run():
    both, one = run(study()), run(study(), arms="large")
    alone = run(study(arm("large", 6)))
    for result in (one, alone):
        assert values(result, "large") == values(both, "large")
        history = result.arms[-1].history["train_loss"]
        assert torch.equal(history, both.arms[1].history["train_loss"])


def test_rounds_differ_among_themselves():
    losses = run(study()).arms[0].history["train_loss"][-1]
    assert len(set(losses.tolist())) == 3


class Watch(nn.Module):
    """y = x, and a note of what passed in training."""

    def __init__(self, seen: list[torch.Tensor]) -> None:
        self.seen = seen

    def forward(self, x):
        if self.training:
            self.seen.append(x.clone())
        return x, lambda g: g

    def __deepcopy__(self, memo):
        return Watch(self.seen)


def test_the_arms_of_a_round_see_the_same_batches():
    seen: dict[str, list[torch.Tensor]] = {"a": [], "b": []}

    def watched(name: str, hidden: int) -> Arm:
        inner = arm(name, hidden).net
        return replace(arm(name), net=lambda: nn.Sequential(Watch(seen[name]), inner()))

    run(study(watched("a", 4), watched("b", 7)))
    assert len(seen["a"]) == 2 * 2 * 4  # cohort and solo, 2 epochs, 4 batches
    assert all(torch.equal(x, y) for x, y in zip(seen["a"], seen["b"], strict=True))


def test_data_are_made_once_for_all_arms():
    calls = []

    def counted(round_seeds):
        calls.append(list(round_seeds))
        return data(round_seeds)

    run(study(data=counted))
    assert len(calls) == 1
    assert len(set(calls[0])) == 3


def test_the_first_round_alone_is_the_cohorts_up_to_the_order_of_sums():
    nets: list[nn.Module] = []

    def kept(net):
        nets.append(net)
        return optim.Adam(net, lr=0.05)

    run(study(replace(arm("a"), optimizer=kept)))
    cohort, alone = nets
    assert (cohort.replicas, alone.replicas) == (3, None)
    pairs = zip(cohort.replica(0).parameters(), alone.parameters(), strict=True)
    assert all(torch.allclose(p.data, q.data, rtol=1e-4, atol=1e-6) for p, q in pairs)
    assert not torch.allclose(cohort.replica(1)[0].weight.data, alone[0].weight.data, rtol=1e-2)


def test_only_the_cohort_is_watched():
    seen = []

    class Note(Callback):
        def on_fit_end(self, trainer):
            seen.append(trainer.net.replicas)

    run(study(arm("a")), watch=lambda _: Note())
    assert seen == [3]


def test_the_number_of_threads_is_as_it_was():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        inside = []

        class Note(Callback):
            def on_step_end(self, trainer):
                inside.append(torch.get_num_threads())

        run(study(), watch=lambda _: Note())
        assert set(inside) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_each_arm_is_watched_under_its_name():
    names = []

    def watch(arm: Arm) -> Callback:
        names.append(arm.name)
        return Callback()

    run(study(), watch=watch)
    assert names == ["small", "large"]


# the row


def test_a_row_of_the_result():
    row = run(study()).as_rows()[0]
    assert list(row) == [
        "arm",
        "metric",
        "mean",
        "std",
        "n",
        "n_ok",
        "values",
        "parameters",
        "solo_seconds",
        "amortised_seconds",
        "cohort",
    ]
    assert (row["arm"], row["metric"], row["n"], row["n_ok"]) == ("small", "accuracy", 3, 3)
    assert row["parameters"] == 2 * 4 + 4 + 4 * 2 + 2
    assert row["solo_seconds"] > 0
    assert row["amortised_seconds"] > 0


def test_mean_and_std_are_those_of_the_rounds():
    result = run(study()).arms[0]
    assert result.mean == pytest.approx(mean(result.values))
    assert result.std == pytest.approx(stdev(result.values))


def one(values, **changes) -> ArmResult:
    made = ArmResult("a", "accuracy", values, len(values), 10, 0.5, 2.0, History(len(values)))
    return replace(made, **changes)


def test_the_std_has_n_minus_1_degrees():
    assert one([0.5, 0.7]).std == pytest.approx(0.1 * math.sqrt(2))


def test_a_single_round_has_no_std():
    assert math.isnan(one([0.5]).std)
    assert one([0.5]).as_row()["std"] is None


def test_the_cohorts_time_is_divided_by_its_rounds():
    assert one([0.1] * 4).amortised_seconds == 0.5


def test_what_was_reported_stands_in_the_row():
    assert "reported" not in one([0.5]).as_row()
    row = one([0.5], reported=Reported(0.8, 0.01)).as_row()
    assert row["reported"] == {"mean": 0.8, "std": 0.01}


def test_values_are_the_last_epochs_test_metric():
    result = run(study()).arms[0]
    assert result.values == result.history["test_accuracy"][-1].tolist()


# divergence


def poisoned(round_seeds):
    train, test = data(round_seeds)
    train.inputs[1, 0] = float("inf")
    return train, test


def test_a_round_that_diverged_counts_as_0_and_is_counted():
    healthy, sick = run(study()).arms[0], run(study(data=poisoned)).arms[0]
    assert sick.values[1] == 0
    assert [sick.values[0], sick.values[2]] == [healthy.values[0], healthy.values[2]]
    assert (sick.n, sick.n_ok) == (3, 2)
    assert sick.mean == pytest.approx((healthy.values[0] + healthy.values[2]) / 3)
    assert [d.replica for d in sick.history.diverged] == [1]


def test_a_round_with_several_losses_that_diverged_says_where():
    def both(net):
        return optim.SGD(net, lr=0.01)

    several = Arm(
        "heads",
        net=lambda: nn.Heads(main=nn.Linear(2, 2), aux=nn.Linear(2, 2)),
        criterion=lambda: nn.MultiLoss(
            {name: nn.CrossEntropyLoss() for name in ("main", "aux")}, {"aux": 0.5}
        ),
        optimizer=both,
    )

    def named(round_seeds):
        train, test = poisoned(round_seeds)
        return tuple(
            Dataset(d.inputs, dict.fromkeys(("main", "aux"), d.targets), 3) for d in (train, test)
        )

    result = run(study(several, data=named, metric=Accuracy("main"))).arms[0]
    assert result.n_ok == 2
    assert str(result.history.diverged[0]).endswith("the input is not finite")


def test_where_all_rounds_diverge_the_study_goes_on():
    wild = replace(arm("wild"), optimizer=lambda net: optim.SGD(net, lr=1e38))
    result = run(study(wild, arm("small")), epochs=3)
    assert [r.arm for r in result.arms] == ["wild", "small"]
    assert (result.arms[0].n_ok, result.arms[0].mean) == (0, 0)
    assert result.arms[1].n_ok == 3


# interrupts


class Interrupt(Callback):
    def __init__(self, where: str) -> None:
        setattr(self, where, self.interrupt)

    def interrupt(self, trainer):
        raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["on_step_end", "on_epoch_end"])
def test_an_interrupt_keeps_the_arms_that_are_done(where):
    whole = run(study())
    result = run(study(), watch=lambda arm: Interrupt(where) if arm.name == "large" else Callback())
    assert result.interrupted
    assert [arm.arm for arm in result.arms] == ["small"]
    assert result.arms[0].values == whole.arms[0].values


def test_an_interrupt_of_the_first_arm_leaves_none():
    result = run(study(), watch=lambda _: Interrupt("on_step_end"))
    assert result.interrupted
    assert result.as_rows() == []


def test_an_interrupt_of_the_lone_round_ends_the_study():
    built = []

    def optimizer(net):
        built.append(net.replicas)
        made = optim.Adam(net, lr=0.1)
        if net.replicas is None:

            def step(alive=None):
                raise KeyboardInterrupt

            made.step = step
        return made

    result = run(study(replace(arm("a"), optimizer=optimizer), arm("b")))
    assert built == [3, None]
    assert result.interrupted
    assert not result.arms


@pytest.mark.parametrize("where", ["on_fit_start", "on_fit_end", "net"])
def test_an_interrupt_between_two_epochs_keeps_the_arms_that_are_done(where):
    def interrupt():
        raise KeyboardInterrupt

    second = replace(arm("large"), net=interrupt) if where == "net" else arm("large")

    def watch(arm: Arm) -> Callback:
        return Interrupt(where) if arm.name == "large" and where != "net" else Callback()

    try:
        result = run(study(arm("small"), second), watch=watch)
    except KeyboardInterrupt:
        pytest.fail("nothing came back")
    assert result.interrupted
    assert [arm.arm for arm in result.arms] == ["small"]


def test_an_error_is_not_hidden():
    wrong = replace(arm("wrong"), net=lambda: nn.Sequential(nn.Linear(3, 2)))
    with pytest.raises(nn.LayerError, match=r"Sequential\[0\] Linear\(3, 2\): expected input"):
        run(study(wrong))


def test_plain_data_serve_all_rounds():
    def plain(round_seeds):
        return disk(40), Dataset(disk(30, 1).inputs, disk(30, 1).targets)

    with pytest.raises(ValueError, match="replica"):
        run(study(data=plain))
