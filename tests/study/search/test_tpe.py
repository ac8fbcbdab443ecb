"""The tree-structured Parzen estimator: its density, what it proposes, and how good that is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from chainrule.study import Dimension
from chainrule.study.search.tpe import ParzenDensity, SearchAxis, make_axis, propose_points
from chainrule.study.spec.sections.space import Params

AXES = [SearchAxis(None, True), SearchAxis(5, True), SearchAxis(3, False)]
"""All between the ends, five cells, three categories."""


def points(n: int, seed: int = 0) -> np.ndarray:
    """(n, 3) points on these axes."""
    generator = np.random.default_rng(seed)
    cells = [(generator.integers(c, size=n) + 0.5) / c for c in (5, 3)]
    return np.stack([generator.random(n), *cells], axis=1)


# the density


def normal(x: float, center: float, width: float) -> float:
    """The density at x of a normal distribution within [0, 1]."""
    below, above = (0.5 * math.erfc((center - end) / width / math.sqrt(2)) for end in (0, 1))
    height = math.exp(-0.5 * ((x - center) / width) ** 2) / width / math.sqrt(2 * math.pi)
    return height / (above - below)


def width(center: float, all_centers: list[float], narrowest: float) -> float:
    """The larger gap to a neighbour; one point alone has the larger gap to an end."""
    at = sorted(all_centers)
    i = at.index(center)
    gaps = [center - at[i - 1]] if i else []
    gaps += [at[i + 1] - center] if i + 1 < len(at) else []
    return max([narrowest, *(gaps or [center, 1 - center])])


def slow_density(x: list[float], given: list[list[float]]) -> float:
    """p(x) by its definition, a kernel at a time."""
    n, total = len(given), 1.0
    for point in given:
        columns = [*zip(*given, strict=True)]
        least = max(1 / (n + 2), 0.01)
        k = normal(x[0], point[0], width(point[0], list(columns[0]), least))
        k *= normal(x[1], point[1], width(point[1], list(columns[1]), max(least, 0.1)))
        own = 1 / (n + 1) * 3 / (1 + 3 / (n + 1))  # the uniform share of all three categories
        k *= (1 - own) * 3 * (x[2] == point[2]) + own
        total += k
    return total / (n + 1)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_density_is_its_definition(n):
    given = points(n)
    given[:, 1] = (np.random.default_rng(3).permutation(5)[np.arange(n) % 5] + 0.5) / 5
    if n > 5:
        given[5, 1] = 0.11  # no two alike: which of them has the gap were a matter of order
    x = points(20, seed=1)
    expected = [slow_density(one, given.tolist()) for one in x.tolist()]
    np.testing.assert_allclose(ParzenDensity(AXES, given).evaluate(x), expected, rtol=1e-5)


def test_the_density_of_all_points_is_1():
    given = points(7)[:, [0, 2]]
    density = ParzenDensity([AXES[0], AXES[2]], given)
    along = (np.arange(2000) + 0.5) / 2000
    grid = np.array([[u, (c + 0.5) / 3] for c in range(3) for u in along])
    assert density.evaluate(grid).mean() == pytest.approx(1, abs=1e-4)


def test_no_points_leave_the_uniform_density():
    assert (ParzenDensity(AXES, np.empty((0, 3))).evaluate(points(4)) == 1).all()


def test_what_is_drawn_follows_the_density():
    density = ParzenDensity([AXES[0], AXES[2]], points(4)[:, [0, 2]])
    drawn = density.draw(40_000, np.random.default_rng(0))
    assert set(np.round(drawn[:, 1] * 6)) == {1, 3, 5}
    counts, _, _ = np.histogram2d(drawn[:, 0], drawn[:, 1], bins=(10, 3), range=[[0, 1]] * 2)
    along = (np.arange(100) + 0.5) / 1000
    for i in range(10):
        for c in range(3):
            cell = [[i / 10 + u, (c + 0.5) / 3] for u in along]
            expected = 40_000 * density.evaluate(np.array(cell)).mean() / 30
            assert abs(counts[i, c] - expected) < 5 * math.sqrt(expected) + 1


# what is proposed


def test_the_same_arguments_give_the_same_points_and_a_seed_others():
    given, losses = points(30), np.arange(30.0)
    first = propose_points(AXES, given, losses, 8, 5)
    assert first.shape == (8, 3)
    assert (propose_points(AXES, given, losses, 8, 5) == first).all()
    assert (propose_points(AXES, given, losses, 8, 6) != first).any()


def test_points_are_where_the_good_ones_are():
    given = points(100)
    losses = abs(given[:, 0] - 0.3) + (given[:, 2] != 0.5)
    proposed = propose_points(AXES, given, losses, 8, 1)
    assert np.median(abs(proposed[:, 0] - 0.3)) < 0.15  # 0.25 at random
    assert (proposed[:, 2] == 0.5).mean() > 0.7


def test_those_of_a_batch_keep_apart():
    given = points(60)[:, :1]
    batch = propose_points(AXES[:1], given, abs(given[:, 0] - 0.5), 8, 2)[:, 0]
    assert np.diff(np.sort(batch)).min() > 0
    assert np.ptp(batch) > 0.1


@pytest.mark.parametrize("losses", [np.zeros(12), np.full(12, np.nan)], ids=["equal", "nan"])
def test_values_that_say_nothing_are_no_error(losses):
    with warnings.catch_warnings(action="error"):
        proposed = propose_points(AXES, points(12), losses, 4, 0)
    assert ((proposed >= 0) & (proposed <= 1)).all()


@pytest.mark.parametrize(
    "dimension",
    [
        Dimension(low=3, high=3),
        Dimension(low=3, high=3, integer=True, log=True),
        Dimension(values=("a",)),
        Dimension(low=0, high=2**53, integer=True),
        Dimension(low=1e-150, high=1e150, log=True),
        Dimension(low=-1e150, high=1e150),
    ],
)
def test_ends_of_a_space_are_proposed_in_its_own_values(dimension):
    axis = make_axis(dimension)
    given = np.array([[dimension.locate_value(dimension.value_at(u))] for u in (0, 0.3, 0.999)])
    with warnings.catch_warnings(action="error"):
        proposed = propose_points([axis], given, np.arange(3.0), 4, 0)
    for (u,) in proposed.tolist():
        back = dimension.locate_value(dimension.value_at(u))
        assert back == pytest.approx(u, abs=1e-9) or dimension.low == dimension.high


# how good it is


class Task(NamedTuple):
    space: dict[str, Dimension]
    loss: Callable[[Params], float]
    noise: float = 0.0


def sphere(setting: Params) -> float:
    return sum((float(setting[f"x{i}"]) - 0.7 * i) ** 2 for i in range(4))


def branin(setting: Params) -> float:
    x, y = float(setting["x"]), float(setting["y"])
    bend = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


OPTIMIZERS = {"SGD": (0.4, -1), "Adam": (0.0, -3), "RMSprop": (0.15, -2.5)}
"""Optimizer → what it loses at its best, and the logarithm of the rate where that is."""


def optimizer_and_rate(setting: Params) -> float:
    """The best rate depends on the optimizer."""
    lost, best = OPTIMIZERS[str(setting["optimizer"])]
    off = math.log10(float(setting["lr"])) - best
    return lost + 0.5 * off**2 + 0.3 * bool(setting["norm"]) + 0.2 * abs(setting["pool"] - 2)


def width_and_rate(setting: Params) -> float:
    """As a net's: rates above the best one lose more, wide nets need lower ones."""
    rate, wide = math.log10(float(setting["lr"])), math.log2(float(setting["hidden"]))
    off = rate + 2.5 + 0.2 * (wide - 5)
    loss = 0.1 + 0.15 * off**2 * (3 if off > 0 else 1) + 0.02 * (float(setting["layers"]) - 3) ** 2
    loss += 0.08 * max(0, 6 - wide) + 0.3 * abs(float(setting["weight"]) - 0.3)
    return min(loss, 2.3)  # where nothing is learned


RATE = Dimension(low=1e-5, high=1, log=True)
NET = {
    "lr": RATE,
    "hidden": Dimension(low=8, high=512, log=True, integer=True),
    "layers": Dimension(low=1, high=6, integer=True),
    "weight": Dimension(low=0, high=1, step=0.05),
}
TASKS = {
    "sphere": Task({f"x{i}": Dimension(low=-5, high=5) for i in range(4)}, sphere),
    "branin": Task({"x": Dimension(low=-5, high=10), "y": Dimension(low=0, high=15)}, branin),
    "categories": Task(
        {
            "optimizer": Dimension(values=tuple(OPTIMIZERS)),
            "lr": RATE,
            "norm": Dimension(values=(True, False)),
            "pool": Dimension(values=(1, 2, 3, 4)),
        },
        optimizer_and_rate,
    ),
    "net": Task(NET, width_and_rate),
    "noisy net": Task(NET, width_and_rate, noise=0.1),
}

Propose = Callable[[list[Params], list[float], int], Params]
"""A setting, given the earlier ones, their losses, and a seed."""


def best_loss(task: Task, propose: Propose, seed: int, n: int = 60) -> float:
    """The true loss of the setting that looks best among n: 10 at random, the others proposed."""
    generator = np.random.default_rng(seed)
    settings: list[Params] = []
    seen: list[float] = []
    for i in range(n):
        if i < 10:
            at = generator.random(len(task.space)).tolist()
            setting = {p: d.value_at(u) for (p, d), u in zip(task.space.items(), at, strict=True)}
        else:
            setting = propose(settings, seen, 1000 * seed + i)
        settings.append(setting)
        seen.append(task.loss(setting) + task.noise * generator.normal())
    return task.loss(settings[int(np.argmin(seen))])


def propose_ours(space: dict[str, Dimension]) -> Propose:
    def propose(settings: list[Params], seen: list[float], seed: int) -> Params:
        axes = [make_axis(dimension) for dimension in space.values()]
        at = [[d.locate_value(setting[p]) for p, d in space.items()] for setting in settings]
        (point,) = propose_points(axes, np.array(at), np.array(seen), 1, seed).tolist()
        return {p: d.value_at(u) for (p, d), u in zip(space.items(), point, strict=True)}

    return propose


def propose_optunas(space: dict[str, Dimension]) -> Propose:
    import optuna

    from chainrule.study.search.optuna_search import decode_value, encode_value, make_distribution

    kinds = {p: make_distribution(optuna, d) for p, d in space.items()}

    def propose(settings: list[Params], seen: list[float], seed: int) -> Params:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        for setting, value in zip(settings, seen, strict=True):
            codes = {p: encode_value(d, setting[p]) for p, d in space.items()}
            study.add_trial(optuna.create_trial(params=codes, distributions=kinds, value=value))
        found = study.ask(kinds).params
        return {p: decode_value(d, found[p]) for p, d in space.items()}

    return propose


def propose_at_random(space: dict[str, Dimension]) -> Propose:
    def propose(settings: list[Params], seen: list[float], seed: int) -> Params:
        at = np.random.default_rng(seed).random(len(space)).tolist()
        return {p: d.value_at(u) for (p, d), u in zip(space.items(), at, strict=True)}

    return propose


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_it_finds_as_good_settings_as_optunas_and_better_ones_than_chance(name):
    from chainrule.study.search.optuna_search import import_optuna, quiet_optuna

    task, n = TASKS[name], 24
    with quiet_optuna(import_optuna()):
        ours, theirs, chance = (
            np.array([best_loss(task, make(task.space), seed) for seed in range(n)])
            for make in (propose_ours, propose_optunas, propose_at_random)
        )
    better, worse = chance - ours, ours - theirs
    assert better.mean() > 2 * better.std(ddof=1) / math.sqrt(n)
    assert worse.mean() < 3 * worse.std(ddof=1) / math.sqrt(n)
