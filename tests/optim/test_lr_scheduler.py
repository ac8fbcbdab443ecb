"""Every schedule against torch.optim.lr_scheduler, and a replica against the same net alone."""

from __future__ import annotations

import copy
import inspect
import json
import math

import pytest
import torch

from chainrule import optim
from chainrule.optim import lr_scheduler
from chainrule.optim.lr_scheduler import SequentialLR, TimeBasedLR
from tests.optim import twins

EPOCHS = 120

# (class, keyword arguments)
CASES = [
    ("LambdaLR", {"lr_lambda": lambda t: 0.95**t}),
    ("LambdaLR", {"lr_lambda": [lambda t: 1 / (t + 2), lambda t: 0.9**t]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.95 + 0.01 * (t % 3)}),
    ("MultiplicativeLR", {"lr_lambda": [lambda t: 1 / (t % 2 + 1), lambda t: 0.9]}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7}),
    (
        "CyclicLR",
        {"base_lr": [0.1, 0.2], "max_lr": [0.5, 0.4], "step_size_up": 5, "step_size_down": 9},
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 6, "mode": "triangular2"}),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 6, "mode": "exp_range", "gamma": 0.99},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 6, "scale_fn": lambda c: 1 / c},
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4, "cycle_momentum": False}),
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 30, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [3, 50, 80]}),
    ("MultiStepLR", {"milestones": [0, 80, 5, 5, 5], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 120}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 10}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 1e-3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.2, "total_iters": 40}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.5, "total_iters": 100}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 60}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 100, "power": 2.5}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 120}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 13, "steps_per_epoch": 10}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 120, "three_phase": True, "pct_start": 0.37}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 130, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 130, "div_factor": 5, "final_div_factor": 9}),
    (
        "OneCycleLR",
        {"max_lr": 0.5, "total_steps": 130, "base_momentum": [0.8, 0.7], "max_momentum": 0.9},
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 130, "cycle_momentum": False}),
]
IDS = [name + "".join(f"-{k}" for k in kwargs) for name, kwargs in CASES]

# per-replica constants, one for each of three replicas
COHORTS = [
    ("StepLR", {"step_size": [3, 7, 20], "gamma": [0.1, 0.5, 0.9]}),
    ("MultiStepLR", {"milestones": [5, 50], "gamma": [0.1, 0.5, 0.9]}),
    ("ExponentialLR", {"gamma": [0.9, 0.95, 0.99]}),
    ("TimeBasedLR", {"decay": [0.0, 0.01, 0.1]}),
    ("CosineAnnealingLR", {"T_max": [10, 20, 120], "eta_min": [0.0, 0.001, 0.01]}),
    ("CosineAnnealingWarmRestarts", {"T_0": [3, 10, 50], "T_mult": [1, 2, 1]}),
    ("ConstantLR", {"factor": [0.1, 0.5, 1.0], "total_iters": [5, 50, 100]}),
    ("LinearLR", {"start_factor": [0.1, 0.5, 1.0], "total_iters": [5, 50, 100]}),
    ("PolynomialLR", {"total_iters": [5, 50, 100], "power": [1, 2, 0.5]}),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": [5, 6, 7], "step_size_down": [3, 9, 1]},
    ),
    ("CyclicLR", {"base_lr": ([0.1, 0.2, 0.3], 0.1), "max_lr": 0.5, "step_size_up": 6}),
    ("OneCycleLR", {"max_lr": [0.1, 0.2, 0.3], "total_steps": 130, "pct_start": [0.1, 0.3, 0.5]}),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 130, "base_momentum": ([0.7, 0.8, 0.9], 0.8)}),
]


def groups(parameters, lr=0.05):
    return [{"params": parameters[:2]}, {"params": parameters[2:], "lr": lr}]


def build(module, kind="SGD", parameters=None, lr=0.3):
    """An optimizer of two groups, of ours or of torch's."""
    ours = parameters or twins.parameters()
    listed = ours if module is optim else twins.torch_parameters(ours)
    momentum = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(module, kind)(groups(listed), lr=lr, **momentum)


def cohort(lr=0.3):
    ours = twins.parameters(replicas=3)
    return optim.SGD(groups(ours), lr=lr, momentum=0.9, replicas=3)


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def assert_follow(mine, twin, schedule, its):
    for a, b in zip(mine.param_groups, twin.param_groups, strict=True):
        assert a["lr"] == pytest.approx(b["lr"], rel=1e-11, abs=1e-300)
        assert momentum_of(a) == pytest.approx(momentum_of(b), rel=1e-11)
    assert schedule.get_last_lr() == [group["lr"] for group in mine.param_groups]
    assert schedule.last_epoch == its.last_epoch


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_follows_torch(name, kwargs, kind):
    mine, twin = build(optim, kind), build(torch.optim, kind)
    schedule = getattr(lr_scheduler, name)(mine, **kwargs)
    its = getattr(torch.optim.lr_scheduler, name)(twin, **kwargs)
    assert_follow(mine, twin, schedule, its)
    for _ in range(EPOCHS):
        twin.step()
        schedule.step()
        its.step()
        assert_follow(mine, twin, schedule, its)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_a_rate_changed_by_the_user_or_another_schedule_is_treated_as_torch_does(name, kwargs):
    pairs = []
    for module in (optim, torch.optim):
        optimizer = build(module)
        schedules = [
            module.lr_scheduler.ExponentialLR(optimizer, 0.99),
            getattr(module.lr_scheduler, name)(optimizer, **kwargs),
        ]
        pairs.append((optimizer, schedules))
    for epoch in range(40):
        for optimizer, schedules in pairs:
            if epoch == 10:
                optimizer.param_groups[0]["lr"] *= 0.5
            optimizer.step()
            for schedule in schedules:
                schedule.step()
        (mine, (_, schedule)), (twin, (_, its)) = pairs
        assert_follow(mine, twin, schedule, its)


# torch's keeps its constants in the groups, or resumes in another cycle: see the next test
OWN_RESUME = {"CyclicLR", "OneCycleLR", "CosineAnnealingWarmRestarts"}


@pytest.mark.parametrize(("name", "kwargs"), [case for case in CASES if case[0] not in OWN_RESUME])
@pytest.mark.parametrize("last_epoch", [0, 6])
def test_resumes_as_torch_does(name, kwargs, last_epoch):
    pairs = []
    for module in (optim, torch.optim):
        optimizer = build(module)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
            group["lr"] *= 0.8
        schedule = getattr(module.lr_scheduler, name)(optimizer, **kwargs, last_epoch=last_epoch)
        pairs.append((optimizer, schedule))
    (mine, schedule), (twin, its) = pairs
    assert_follow(mine, twin, schedule, its)
    for _ in range(20):
        twin.step()
        schedule.step()
        its.step()
        assert_follow(mine, twin, schedule, its)


@pytest.mark.parametrize(("name", "kwargs"), [case for case in CASES if case[0] in OWN_RESUME])
def test_resumes_where_it_was(name, kwargs):
    optimizer = build(optim)
    schedule = getattr(lr_scheduler, name)(optimizer, **kwargs)
    for _ in range(20):
        schedule.step()
    resumed = getattr(lr_scheduler, name)(optimizer, **kwargs, last_epoch=19)
    assert resumed.last_epoch == 20
    assert resumed.get_last_lr() == schedule.get_last_lr()


@pytest.mark.parametrize("lr", [0.3, [0.1, 0.2, 0.3]])
@pytest.mark.parametrize(("name", "kwargs"), COHORTS)
def test_replica_with_its_own_constants_equals_the_net_alone(name, kwargs, lr):
    def wide(value):
        if isinstance(value, tuple):  # one for each group
            return [wide(part) for part in value]
        if isinstance(value, list) and name + str(value) != "MultiStepLR[5, 50]":
            return torch.tensor(value, dtype=torch.float64)
        return value

    def single(value, k):
        if isinstance(value, tuple):
            return [single(part, k) for part in value]
        return value[k] if isinstance(value, list) and len(value) == 3 else value

    together = cohort(wide(lr))
    schedule = getattr(lr_scheduler, name)(together, **{k: wide(v) for k, v in kwargs.items()})
    alone = [build(optim, lr=single(lr, k)) for k in range(3)]
    schedules = [
        getattr(lr_scheduler, name)(alone[k], **{n: single(v, k) for n, v in kwargs.items()})
        for k in range(3)
    ]
    for _ in range(EPOCHS):
        schedule.step()
        for i, group in enumerate(together.param_groups):
            for k, (optimizer, part) in enumerate(zip(alone, schedules, strict=True)):
                if i == 0:
                    part.step()
                own = optimizer.param_groups[i]
                assert of(group["lr"], k) == own["lr"]
                assert of(group["momentum"], k) == own["momentum"]
    twins.step(together, 0)


def of(number, k):
    return number[k].item() if isinstance(number, torch.Tensor) else number


def test_lambda_may_give_a_factor_per_replica():
    optimizer = cohort()
    schedule = lr_scheduler.LambdaLR(optimizer, lambda t: torch.tensor([1.0, 0.5, 0.25]) ** t)
    schedule.step()
    assert optimizer.param_groups[0]["lr"].tolist() == [0.3, 0.15, 0.075]


def test_first_rate_is_not_changed_by_writing_into_the_present_one():
    optimizer = cohort(torch.tensor([1.0, 2.0, 3.0]))
    schedule = TimeBasedLR(optimizer, 1.0)
    optimizer.param_groups[0]["lr"] *= 0
    schedule.step()
    assert optimizer.param_groups[0]["lr"].tolist() == [0.5, 1.0, 1.5]


def test_time_based():
    optimizer = build(optim)
    schedule = TimeBasedLR(optimizer, 0.25)
    for t in range(EPOCHS):
        assert schedule.get_last_lr() == pytest.approx(
            [0.3 / (1 + 0.25 * t), 0.05 / (1 + 0.25 * t)]
        )
        schedule.step()


def test_warm_restarts_take_a_fraction_of_an_epoch():
    mine, twin = build(optim), build(torch.optim)
    kwargs = {"T_0": 4, "T_mult": 2}
    schedule = lr_scheduler.CosineAnnealingWarmRestarts(mine, **kwargs)
    its = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(twin, **kwargs)
    for i in range(100):
        schedule.step(i / 7)
        its.step(i / 7)
        assert_follow(mine, twin, schedule, its)
    with pytest.raises(ValueError, match="Expected non-negative epoch, but got -1"):
        schedule.step(-1)


# one after another

SEQUENCES = [
    ([("LinearLR", {"total_iters": 10}), ("CosineAnnealingLR", {"T_max": 90})], [10]),
    ([("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 3})], [20]),
    (
        [
            ("LambdaLR", {"lr_lambda": lambda t: 1 / (t + 1)}),
            ("PolynomialLR", {"total_iters": 30}),
            ("MultiStepLR", {"milestones": [0, 20]}),
            ("CosineAnnealingWarmRestarts", {"T_0": 7}),
        ],
        [20, 50, 80],
    ),
    ([("ExponentialLR", {"gamma": 0.9}), ("LinearLR", {}), ("StepLR", {"step_size": 9})], [0, 20]),
    ([("ExponentialLR", {"gamma": 0.9})], []),
]


def sequence(module, optimizer, parts, milestones):
    schedulers = [getattr(module.lr_scheduler, name)(optimizer, **kw) for name, kw in parts]
    return module.lr_scheduler.SequentialLR(optimizer, schedulers, milestones)


@pytest.mark.parametrize(("parts", "milestones"), SEQUENCES)
def test_sequences_follow_torch(parts, milestones):
    mine, twin = build(optim), build(torch.optim)
    schedule = sequence(optim, mine, parts, milestones)
    its = sequence(torch.optim, twin, parts, milestones)
    assert_follow(mine, twin, schedule, its)
    for _ in range(EPOCHS):
        twin.step()
        schedule.step()
        its.step()
        assert_follow(mine, twin, schedule, its)


def test_a_sequence_may_be_part_of_a_sequence():
    optimizer = build(optim)
    inner = sequence(optim, optimizer, [("ExponentialLR", {"gamma": 0.5})] * 2, [2])
    outer = SequentialLR(optimizer, [lr_scheduler.StepLR(optimizer, 99), inner], [3])
    rates = [outer.get_last_lr()[0]]
    for _ in range(7):
        outer.step()
        rates.append(outer.get_last_lr()[0])
    assert rates == [0.3, 0.3, 0.3, 0.3, 0.15, 0.3, 0.15, 0.075]


def test_a_resumed_sequence_leaves_the_rates():
    optimizer = build(optim)
    parts = [lr_scheduler.StepLR(optimizer, 99), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    optimizer.param_groups[0]["lr"] = 0.1
    schedule = SequentialLR(optimizer, parts, [2], last_epoch=4)
    schedule.step()
    assert schedule.last_epoch == 6
    assert schedule.get_last_lr()[0] == 0.05


# at the same time

CHAINS = [
    [("ConstantLR", {"factor": 0.1, "total_iters": 20}), ("ExponentialLR", {"gamma": 0.9})],
    [("StepLR", {"step_size": 3}), ("MultiplicativeLR", {"lr_lambda": lambda t: 0.99})],
]


def chain(module, optimizer, parts):
    schedulers = [getattr(module.lr_scheduler, name)(optimizer, **kw) for name, kw in parts]
    return module.lr_scheduler.ChainedScheduler(schedulers, optimizer)


@pytest.mark.parametrize("parts", CHAINS)
def test_chains_follow_torch(parts):
    mine, twin = build(optim), build(torch.optim)
    schedule, its = chain(optim, mine, parts), chain(torch.optim, twin, parts)
    for t in range(60):
        assert schedule.get_last_lr() == pytest.approx(its.get_last_lr(), rel=1e-11)
        assert schedule.last_epoch == t
        twin.step()
        schedule.step()
        its.step()


def test_a_chain_is_of_schedules_of_one_optimizer():
    optimizer = build(optim)
    part = lr_scheduler.ExponentialLR(optimizer, 0.9)
    with pytest.raises(ValueError, match="at least one schedule"):
        lr_scheduler.ChainedScheduler([])
    with pytest.raises(ValueError, match="of the same optimizer"):
        lr_scheduler.ChainedScheduler([part], build(optim))
    with pytest.raises(ValueError, match="does not support ReduceLROnPlateau"):
        lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(optimizer)])
    with pytest.raises(TypeError, match="a list of schedules, got SGD"):
        lr_scheduler.ChainedScheduler(optimizer)
    with pytest.raises(TypeError, match="expects schedules, got SGD"):
        lr_scheduler.ChainedScheduler([optimizer])


def test_a_chain_goes_on_from_its_state_and_with_some_replicas():
    optimizer = cohort(torch.tensor([0.1, 0.2, 0.3]))
    parts = CHAINS[0]
    schedule = chain(optim, optimizer, parts)
    for _ in range(5):
        schedule.step()
    again = chain(optim, cohort(torch.tensor([0.1, 0.2, 0.3])), parts)
    again.load_state_dict(schedule.state_dict())
    assert again.last_epoch == 5
    with pytest.raises(ValueError, match=r"not of 1 scheduler$"):
        chain(optim, cohort(), parts[:1]).load_state_dict(schedule.state_dict())
    schedule.keep_replicas(torch.tensor([2]))
    assert schedule.schedulers[1].base_lrs[0].tolist() == [pytest.approx(0.3)]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"mode": "square"}, "expected a mode of triangular, triangular2, exp_range, got 'square'"),
        ({"step_size_up": 0}, "step_size_up: expected a finite number above 0, got 0"),
        ({"step_size_down": float("inf")}, "step_size_down: expected a finite number above 0"),
        ({"scale_mode": "x"}, "scale_mode: expected cycle or iterations, got 'x'"),
    ],
)
def test_cycles_that_make_no_sense_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        lr_scheduler.CyclicLR(build(optim), 0.1, 0.5, **kwargs)


# plateaus

METRICS = [1 / (1 + t // 9) + 0.001 * (t % 5) for t in range(EPOCHS)]
PLATEAUS = [
    {},
    {"patience": 2, "factor": 0.5},
    {"patience": 1, "mode": "max", "cooldown": 3},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "mode": "max"},
    {"patience": 0, "min_lr": 1e-3, "eps": 1e-2, "threshold": 0.3},
    {"patience": 0, "min_lr": [1e-3, 1e-2], "cooldown": 1, "factor": 0.9},
]


@pytest.mark.parametrize("kwargs", PLATEAUS)
@pytest.mark.parametrize("sign", [1, -1])
def test_plateau_follows_torch(kwargs, sign):
    mine, twin = build(optim), build(torch.optim)
    schedule = lr_scheduler.ReduceLROnPlateau(mine, **kwargs)
    its = torch.optim.lr_scheduler.ReduceLROnPlateau(twin, **kwargs)
    for t, metric in enumerate(METRICS):
        value = math.nan if t == 7 else sign * metric
        schedule.step(torch.tensor(value, dtype=torch.float64) if t % 2 else value)
        its.step(value)
        assert_follow(mine, twin, schedule, its)
        assert schedule.best == its.best
        assert schedule.num_bad_epochs == its.num_bad_epochs
        assert schedule.cooldown_counter == its.cooldown_counter


def test_plateau_is_per_replica():
    numbers = {"patience": [0, 1, 3], "factor": [0.5, 0.6, 0.7], "cooldown": [0, 1, 2]}
    together = cohort()
    schedule = lr_scheduler.ReduceLROnPlateau(together, **twins.tensors(numbers))
    alone = [build(optim) for _ in range(3)]
    schedules = [
        lr_scheduler.ReduceLROnPlateau(alone[k], **twins.of_replica(numbers, k)) for k in range(3)
    ]
    for t, metric in enumerate(METRICS):
        metrics = torch.tensor([metric, -t, math.nan], dtype=torch.float64)
        schedule.step(metrics)
        for k in range(3):
            schedules[k].step(metrics[k])
            assert schedule.best[k] == schedules[k].best
            assert schedule.num_bad_epochs[k] == schedules[k].num_bad_epochs
            for a, b in zip(schedule.get_last_lr(), schedules[k].get_last_lr(), strict=True):
                assert a[k] == b


def test_plateau_of_a_cohort_with_one_metric_for_all():
    optimizer = cohort(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    for _ in range(2):
        schedule.step(1.0)
    assert schedule.get_last_lr()[0].tolist() == [0.5, 1.0, 1.5]


# state


def scheduled(name, kwargs, optimizer):
    if name == "SequentialLR":
        parts, milestones = kwargs["parts"], kwargs["milestones"]
        return sequence(optim, optimizer, parts, milestones)
    return getattr(lr_scheduler, name)(optimizer, **kwargs)


STATES = [
    *CASES,
    *(("SequentialLR", {"parts": p, "milestones": m}) for p, m in SEQUENCES),
    *(("ReduceLROnPlateau", kwargs) for kwargs in PLATEAUS),
]


@pytest.mark.parametrize(("name", "kwargs"), STATES)
def test_state_reloaded_half_way_changes_nothing(name, kwargs):
    def go(schedule, epochs):
        rates = []
        for t in epochs:
            schedule.step(*([METRICS[t]] if name == "ReduceLROnPlateau" else []))
            rates.append(schedule.get_last_lr())
        return rates

    first, second = build(optim), build(optim)
    schedule = scheduled(name, kwargs, first)
    go(schedule, range(37))
    saved = json.loads(json.dumps([schedule.state_dict(), first.state_dict()]))
    rates = go(schedule, range(37, EPOCHS))
    again = scheduled(name, kwargs, second)
    again.load_state_dict(saved[0])
    second.load_state_dict(saved[1])
    assert go(again, range(37, EPOCHS)) == rates
    assert saved == json.loads(json.dumps(saved))


def test_state_of_a_cohort_holds_tensors():
    schedule = TimeBasedLR(cohort(), torch.tensor([0.1, 0.2, 0.3]))
    again = TimeBasedLR(cohort(), 0.5)
    schedule.step()
    again.load_state_dict(copy.deepcopy(schedule.state_dict()))
    schedule.step()
    again.step()
    assert torch.equal(schedule.get_last_lr()[0], again.get_last_lr()[0])


@pytest.mark.parametrize(
    ("name", "kwargs", "change"),
    [
        ("StepLR", {"step_size": 3}, lambda s: s.pop("gamma")),
        ("StepLR", {"step_size": 3}, lambda s: s.update(power=3)),
        ("SequentialLR", SEQUENCES[0], lambda s: s["schedulers"].pop()),
        ("SequentialLR", SEQUENCES[0], lambda s: s["schedulers"][1].pop("T_max")),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(name, kwargs, change):
    if name == "SequentialLR":
        kwargs = dict(zip(("parts", "milestones"), kwargs, strict=True))
    schedule = scheduled(name, kwargs, build(optim))
    state = copy.deepcopy(schedule.state_dict())
    before = copy.deepcopy(state)
    state["last_epoch"] = 5
    change(state)
    with pytest.raises(ValueError, match=r"missing or unexpected|the state is not of 2 schedulers"):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before


# errors


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("LambdaLR", {"lr_lambda": [abs]}, "Expected 2 lr_lambdas, but got 1"),
        ("StepLR", {"step_size": 0}, "Expected positive step_size"),
        ("CosineAnnealingLR", {"T_max": 0}, "Expected positive T_max"),
        ("TimeBasedLR", {"decay": -1}, "Invalid decay value"),
        ("LinearLR", {"start_factor": 0}, "Starting multiplicative factor expected"),
        ("LinearLR", {"end_factor": 1.1}, "Ending multiplicative factor expected"),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "Expected positive integer T_0, but got 0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1.5}, "Expected positive integer T_0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 0}, "Expected integer T_mult >= 1"),
        ("OneCycleLR", {"max_lr": 1}, "You must define either total_steps OR"),
        ("OneCycleLR", {"max_lr": 1, "epochs": 3}, "You must define either total_steps OR"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 0}, "Expected positive integer total_steps"),
        (
            "OneCycleLR",
            {"max_lr": 1, "epochs": 3, "steps_per_epoch": 1.5},
            "steps_per_epoch: expected a whole number, got 1.5",
        ),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 9, "pct_start": 1.5}, "Expected float between"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 9, "pct_start": 1}, "Expected float between"),
        ("OneCycleLR", {"max_lr": 1, "total_steps": 9, "anneal_strategy": "x"}, "anneal_strategy"),
        ("OneCycleLR", {"max_lr": [1], "total_steps": 9}, "max_lr must have the same length"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "Factor should be < 1.0."),
        ("ReduceLROnPlateau", {"mode": "x"}, "mode x is unknown!"),
        ("ReduceLROnPlateau", {"threshold_mode": "x"}, "threshold mode x is unknown!"),
        ("ReduceLROnPlateau", {"min_lr": [1]}, "min_lr must have the same length"),
        ("ExponentialLR", {"gamma": torch.ones(2)}, r"gamma: expected a number or a tensor \(1,\)"),
        ("ExponentialLR", {"gamma": "a"}, "ExponentialLR: gamma: expected a number, got 'a'"),
        ("StepLR", {"step_size": "a"}, "step_size: expected .*, got 'a'"),
        ("CosineAnnealingLR", {"T_max": "a"}, "T_max: expected .*, got 'a'"),
        ("CyclicLR", {"base_lr": 1, "max_lr": 2, "step_size_up": "a"}, "step_size_up: .* got 'a'"),
        ("MultiStepLR", {"milestones": 3}, "milestones: expected a list of whole numbers, got 3"),
        ("MultiStepLR", {"milestones": "30"}, "milestones: expected .*, got '30'"),
        ("LambdaLR", {"lr_lambda": 3}, "lr_lambda: expected a function of the epoch, or .* got 3"),
        ("SequentialLR", {"schedulers": 3, "milestones": []}, "schedulers: expected a list, got 3"),
    ],
)
def test_wrong_constants(name, kwargs, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(lr_scheduler, name)(build(optim), **kwargs)


def test_a_constant_must_hold_in_every_replica():
    with pytest.raises(ValueError, match="Starting multiplicative factor"):
        lr_scheduler.LinearLR(cohort(), torch.tensor([0.1, 0.5, 1.5]))


@pytest.mark.parametrize(
    "make",
    [
        lambda o: lr_scheduler.ExponentialLR(o, 0.9),
        lambda o: lr_scheduler.LambdaLR(o, abs),
        lambda o: lr_scheduler.OneCycleLR(o, 1, 9),
        lambda o: lr_scheduler.ReduceLROnPlateau(o),
        lambda o: lr_scheduler.SequentialLR(o, [], []),
    ],
)
def test_a_schedule_needs_an_optimizer(make):
    with pytest.raises(TypeError, match=r"expected a chainrule\.optim\.Optimizer, got a list"):
        make([])


def test_one_cycle_needs_a_momentum_to_cycle_and_ends():
    optimizer = optim.Adagrad(twins.parameters())
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        lr_scheduler.OneCycleLR(optimizer, 1, 3)
    schedule = lr_scheduler.OneCycleLR(optimizer, 1, 3, cycle_momentum=False)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 4 times.* total steps is 3"):
        schedule.step()
    assert schedule.last_epoch == 3


def test_one_cycle_without_a_way_up_starts_at_the_top():
    schedule = lr_scheduler.OneCycleLR(build(optim), 1.0, 10, pct_start=0.1)
    assert schedule.get_last_lr() == [1.0, 1.0]


def test_resuming_needs_the_first_rates():
    with pytest.raises(KeyError, match="'initial_lr' is not specified in param_groups"):
        lr_scheduler.ExponentialLR(build(optim), 0.9, last_epoch=3)


def test_metrics_of_another_number_of_replicas():
    schedule = lr_scheduler.ReduceLROnPlateau(cohort())
    with pytest.raises(ValueError, match=r"metrics: expected a number or a tensor \(3,\)"):
        schedule.step(torch.ones(2))


def sequences_that_are_wrong():
    optimizer = build(optim)
    step = lr_scheduler.StepLR(optimizer, 3)
    return [
        ([], [], "one scheduler more than milestones"),
        ([step], [3], "one scheduler more than milestones"),
        ([step, step, step], [5, 3], "increasing milestones"),
        ([lr_scheduler.ReduceLROnPlateau(optimizer)], [], "does not support ReduceLROnPlateau"),
        ([lr_scheduler.StepLR(build(optim), 3)], [], "belong to the same optimizer"),
    ], optimizer


def test_wrong_sequences():
    cases, optimizer = sequences_that_are_wrong()
    for schedulers, milestones, message in cases:
        with pytest.raises(ValueError, match=message):
            SequentialLR(optimizer, schedulers, milestones)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES} | {"ReduceLROnPlateau"}))
def test_arguments_are_torchs(name):
    own, twin = (
        {p.name: p.default for p in inspect.signature(getattr(module, name)).parameters.values()}
        for module in (lr_scheduler, torch.optim.lr_scheduler)
    )
    assert list(own.items()) == list(twin.items())
