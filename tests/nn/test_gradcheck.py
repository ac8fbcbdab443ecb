"""The gradient checker finds planted defects, and nothing else."""

from __future__ import annotations

import re

import pytest
import torch

from chainrule import gradcheck, nn
from chainrule.nn.inspect.gradcheck import check_layers
from chainrule.nn.loss.base import ElementwiseLoss
from tests.nn.cases import odd


class Cube(nn.Module):
    """y = w x³, and as its chain rule whatever the subclass says."""

    def __init__(self):
        self.weight = nn.Parameter(torch.tensor([1.5, -0.5, 0.75]))

    def forward(self, x):
        def rule(g):
            self.weight.grad += self.dweight(g, x)
            return self.dx(g, x)

        return self.weight.data * x**3, rule

    def dx(self, g, x):
        return 3 * g * self.weight.data * x**2

    def dweight(self, g, x):
        return (g * x**3).sum(0)


class WrongSign(Cube):
    def dx(self, g, x):
        return -super().dx(g, x)


class WrongEntry(Cube):
    def dx(self, g, x):
        dx = super().dx(g, x).clone()
        dx[-1, -1] *= 1.001
        return dx


class WrongWeight(Cube):
    def dweight(self, g, x):
        return (g * x**3).mean(0)


class Nothing(Cube):
    def dx(self, g, x):
        return torch.zeros_like(x)


class NotANumber(Cube):
    def dx(self, g, x):
        return super().dx(g, x) * float("nan")


class WrongShape(Cube):
    def dx(self, g, x):
        return super().dx(g, x).sum(0)


class Assigned(Cube):
    def forward(self, x):
        def rule(g):
            self.weight.grad = self.dweight(g, x)
            return self.dx(g, x)

        return self.weight.data * x**3, rule


class WritesInput(Cube):
    def dx(self, g, x):
        dx = super().dx(g, x)
        x += 1e-3
        return dx


class WritesGradient(Cube):
    def dx(self, g, x):
        g *= 3 * self.weight.data * x**2
        return g


class InMemoryOrder(Cube):
    """Right for rows one after another in memory, wrong for any other layout."""

    def dx(self, g, x):
        rows = x.as_strided(x.shape, (x.shape[1], 1), x.storage_offset())
        return super().dx(g, rows)


def test_a_right_chain_rule_passes():
    report = gradcheck(Cube(), odd(4, 3))
    assert report, report
    assert report.error < 1e-8
    assert [row.name for row in report.rows] == ["input", "weight"]


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        (WrongSign(), "input: the gradient is off by"),
        (WrongEntry(), "input: the gradient is off by"),
        (Nothing(), "input: the gradient is off by"),
        (NotANumber(), "input: the gradient is off by inf"),
        (WrongShape(), r"input: shape \(3,\): the gradient is off by inf"),
        (WrongWeight(), "weight: the gradient is off by"),
        (Assigned(), "weight: two passes do not add up: the gradient is assigned, not added"),
        (WritesInput(), "the input was written into"),
        (WritesGradient(), "the incoming gradient was written into"),
        (InMemoryOrder(), "the memory layout of the input changes the gradient"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_planted_defect_is_found(module, problem):
    report = gradcheck(module, odd(4, 3))
    assert not report
    assert re.search(problem, str(report))


@pytest.mark.parametrize("module", [Assigned(), InMemoryOrder()])
def test_of_a_kept_rule_only_what_was_broken_is_told(module):
    assert len(gradcheck(module, odd(4, 3)).problems) == 1


def test_a_wrong_entry_among_many_is_found_by_the_directions():
    class Late(nn.Module):
        def forward(self, x):
            slope = torch.full_like(x, 2.0)
            slope[-1] = 2.1
            return 2 * x, lambda g: g * slope

    assert not gradcheck(Late(), odd(5000), entries=1)
    assert gradcheck(Late(), odd(5000), entries=0, directions=0)


def test_the_tolerance_is_the_callers():
    assert gradcheck(WrongEntry(), odd(4, 3), tolerance=1e-2)


class InPlaceReLU(nn.Module):
    def forward(self, x):
        y = x.relu_()
        return y, lambda g: g * y.sign()


class MaskInPlace(nn.Module):
    def forward(self, x):
        def rule(g):
            g *= x > 0
            return g

        return x.relu(), rule


@pytest.mark.parametrize("module", [InPlaceReLU(), MaskInPlace()])
def test_writing_the_same_twice_is_writing(module):
    assert not gradcheck(module, odd(4, 3))


# kinks


def test_kinks_are_left_out_and_counted():
    report = gradcheck(nn.ReLU(), torch.tensor([-1.0, 0.0, 2.0]))
    assert report, report
    (row,) = report.rows
    assert row.kinks >= 1
    assert row.compared >= 2
    assert f"{row.kinks} at a kink left out" in str(report)


def test_nothing_but_kinks_is_no_proof():
    report = gradcheck(nn.ReLU(), torch.zeros(3))
    assert not report
    assert "input: nothing but kinks" in str(report)


def test_a_wrong_slope_beside_a_kink_is_found():
    class Half(nn.Module):
        def forward(self, x):
            return x.relu(), lambda g: 0.5 * g * (x > 0)

    assert not gradcheck(Half(), torch.tensor([-1.0, 0.0, 2.0]))


# what it takes and what it leaves


def test_a_loss_is_checked_with_its_target():
    report = gradcheck(nn.CrossEntropyLoss(), odd(4, 3), torch.tensor([0, 1, 2, 1]))
    assert report, report
    assert report.label == "CrossEntropyLoss()"


def test_a_wrong_loss_is_found():
    class Twice(ElementwiseLoss):
        def losses(self, o, t):
            return (o - t) ** 2, lambda g: g * (o - t)

    assert not gradcheck(Twice(), odd(4, 3), odd(4, 3, seed=1))


def test_tuples_and_dicts_are_named_by_their_keys():
    report = gradcheck(nn.Bilinear(3, 2, 2), (odd(4, 3), odd(4, 2, seed=1)))
    assert [row.name for row in report.rows] == ["input 0", "input 1", "weight", "bias"]


def test_an_input_of_whole_numbers_has_no_gradient():
    report = gradcheck(nn.Embedding(5, 3), torch.tensor([1, 4, 1]))
    assert report, report
    assert [row.name for row in report.rows] == ["weight"]


def test_an_empty_input_has_nothing_to_compare():
    report = gradcheck(nn.Linear(3, 2), torch.zeros(0, 3))
    assert report, report
    assert report.rows[0].compared == 0


def test_a_cohort_is_checked_too():
    report = gradcheck(nn.Linear(3, 2).replicate(2, [1, 2]), odd(2, 4, 3))
    assert report, report


def test_one_batch_for_all_replicas_has_the_sum_of_their_gradients():
    report = gradcheck(nn.Linear(3, 2).replicate(2, [1, 2]), odd(1, 4, 3))
    assert report, report
    assert report.rows[0].compared > 0


def test_dropout_draws_the_same_each_time():
    report = gradcheck(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)), odd(6, 3))
    assert report, report


def test_the_module_and_the_input_stay_as_they_were():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).initialize(1)
    before = [t.clone() for t in net.state_dict().values()]
    x = torch.rand(5, 3)
    kept = x.clone()
    gradcheck(net, x)
    assert all(torch.equal(s, t) for s, t in zip(before, net.state_dict().values(), strict=True))
    assert net[0].weight.data.dtype == torch.float32
    assert not any(p.grad.any() for p in net.parameters())
    assert [m.rng_counter for m in net.modules()] == [0, 0, 0, 0]
    assert torch.equal(x, kept)


def test_it_is_the_same_each_time():
    assert str(gradcheck(Cube(), odd(4, 3))) == str(gradcheck(Cube(), odd(4, 3)))


def test_the_report_can_be_read():
    lines = str(gradcheck(Cube(), odd(4, 3))).splitlines()
    assert lines[0].startswith("ok   Cube(): largest error ")
    assert lines[1].strip().startswith("input: ")
    assert lines[1].endswith(" in 15 comparisons")


def test_a_failed_report_says_so_first():
    assert str(gradcheck(WrongSign(), odd(4, 3))).startswith("FAIL WrongSign(): largest error ")


# layer by layer


def test_each_layer_is_checked_where_it_stands():
    net = nn.Sequential(nn.Linear(3, 4), nn.Residual(nn.Tanh()), nn.Linear(4, 2))
    reports = check_layers(net, torch.rand(5, 3))
    assert [path for path, _ in reports] == ["0", "1.module", "2", ""]
    assert all(report for _, report in reports)


def test_the_wrong_layer_is_the_one_that_is_named():
    net = nn.Sequential(nn.Linear(2, 3), WrongSign(), nn.Linear(3, 2))
    failed = [path for path, report in check_layers(net, torch.rand(5, 2)) if not report]
    assert failed == ["1", ""]


def test_a_layer_used_twice_is_checked_at_each_use():
    layer = nn.Linear(3, 3)
    reports = check_layers(nn.Sequential(layer, nn.Tanh(), layer), torch.rand(5, 3))
    assert [path for path, _ in reports] == ["0", "1", "0", ""]


def test_a_lone_layer_is_checked_once():
    assert [path for path, _ in check_layers(nn.Tanh(), torch.rand(5, 3))] == [""]


# right nets that a coarse check would blame


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: wide(nn.ReLU), torch.randn(100, 50)),
        (lambda: wide(nn.SELU), torch.randn(100, 50)),
        (lambda: nn.LayerNorm(5), torch.randn(4, 5) * 1e-3),
        (lambda: nn.LayerNorm(5), torch.ones(4, 5)),
        (lambda: nn.BatchNorm1d(3, momentum=None), torch.randn(6, 3) * 1e-2),
    ],
)
def test_a_steep_or_wide_net_is_no_false_alarm(make, x):
    torch.manual_seed(1)
    report = gradcheck(make(), x)
    assert report, report


def wide(activation):
    return nn.Sequential(nn.Linear(50, 100), activation(), nn.Linear(100, 100), activation())


class OnSelf(nn.Module):
    def forward(self, x):
        self.x = x
        return x * x, lambda g: 2 * self.x * g


class Silent(nn.Module):
    def forward(self, x):
        return 2 * x, lambda g: None


@pytest.mark.parametrize(
    ("module", "problem"), [(OnSelf(), "not in its closure"), (Silent(), "returns no gradient")]
)
def test_a_rule_without_its_own_state_or_result_is_caught(module, problem):
    report = gradcheck(module, odd(4, 3))
    assert not report
    assert problem in str(report)
