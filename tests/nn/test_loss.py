"""Every loss against torch.nn, against finite differences, and against itself in a cohort."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor
from torch import nn as tnn

from chainrule import gradcheck
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn import LayerError
from chainrule.nn import loss as losses
from tests.nn.cases import odd

REDUCTIONS = ["none", "mean", "sum"]


def probabilities(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in (0, 1)."""
    return odd(*shape, seed=seed).sigmoid()


def shares(*shape: int, seed: int = 0) -> Tensor:
    """Numbers that add up to 1 over the classes."""
    return odd(*shape, seed=seed).softmax(1 if len(shape) > 1 else 0)


def classes(L: int, *shape: int, ignored: int | None = None) -> Callable[..., Tensor]:
    """Class indices, every third of them ``ignored``."""

    def make(seed: int = 0) -> Tensor:
        t = torch.randint(L, shape, generator=torch.Generator().manual_seed(seed))
        if ignored is not None:
            t.view(-1)[::3] = ignored
        return t

    return make


@dataclass(frozen=True)
class Case:
    """A loss with its arguments, and outputs and targets for it."""

    name: str
    output: Callable[..., Any]
    target: Callable[..., Tensor]
    kwargs: dict[str, Any] = field(default_factory=dict)
    reductions: tuple[str, ...] = tuple(REDUCTIONS)

    def __str__(self) -> str:
        o, t = (
            " ".join(str(tuple(x.shape)) for _, x in named_leaves(f(seed=0)))
            for f in (self.output, self.target)
        )
        return " ".join([self.name, *(f"{k}" for k in self.kwargs), o, t])

    def loss(self, reduction: str = "mean", dtype: torch.dtype = torch.float64) -> losses.Loss:
        return getattr(losses, self.name)(reduction=reduction, **self._to(dtype))

    def twin(self, reduction: str) -> Callable[[Any, Tensor], Tensor]:
        module = getattr(tnn, self.name)(reduction=reduction, **self.kwargs)

        def call(o: Any, t: Tensor) -> Tensor:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="reduction: 'mean' divides")
                if self.name == "GaussianNLLLoss":
                    return module(o[0], t, o[1])
                if self.name == "TripletMarginLoss":
                    return module(*o)
                if self.name == "CTCLoss":
                    return torch_ctc(module, o, t, self.kwargs.get("blank", 0))
                return module(*o, t) if isinstance(o, tuple) else module(o, t)

        return call

    def _to(self, dtype: torch.dtype) -> dict[str, Any]:
        return {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in self.kwargs.items()}


def numbers(name: str, *shapes: tuple[int, ...], **kwargs: Any) -> list[Case]:
    return [
        Case(
            name, partial(odd, *shape), lambda seed, s=shape: 0.7 * odd(*s, seed=seed + 50), kwargs
        )
        for shape in shapes
    ]


def gaussian(shape: tuple[int, ...], var: tuple[int, ...], **kwargs: Any) -> Case:
    def output(seed: int) -> tuple[Tensor, Tensor]:
        return odd(*shape, seed=seed), probabilities(*var, seed=seed + 9)

    return Case("GaussianNLLLoss", output, lambda seed: odd(*shape, seed=seed + 50), kwargs)


def mixed(shape: tuple[int, ...], **kwargs: Any) -> Case:
    def target(seed: int) -> Tensor:
        return shares(*shape, seed=seed + 50)

    return Case("CrossEntropyLoss", partial(odd, *shape), target, kwargs)


def of_classes(name: str, shape: tuple[int, ...], ignored: int | None = None, **kwargs) -> Case:
    L, rest = (shape[0], ()) if len(shape) == 1 else (shape[1], (shape[0], *shape[2:]))
    if ignored is not None and ignored != -100:
        kwargs["ignore_index"] = ignored
    return Case(name, partial(odd, *shape), classes(L, *rest, ignored=ignored), kwargs)


def binary(name: str, shape: tuple[int, ...], hard: bool = False, **kwargs: Any) -> Case:
    def target(seed: int) -> Tensor:
        t = probabilities(*shape, seed=seed + 50)
        return t.round() if hard else t

    make = odd if name == "BCEWithLogitsLoss" else probabilities
    return Case(name, partial(make, *shape), target, kwargs)


def divergence(shape: tuple[int, ...], log_target: bool = False) -> Case:
    def target(seed: int) -> Tensor:
        t = shares(*shape, seed=seed + 50)
        return t.log() if log_target else t

    def output(seed: int) -> Tensor:
        return shares(*shape, seed=seed).log()

    kwargs = {"log_target": True} if log_target else {}
    return Case("KLDivLoss", output, target, kwargs, (*REDUCTIONS, "batchmean"))


def counts(**kwargs: Any) -> Case:
    make = odd if kwargs.get("log_input", True) else probabilities

    def target(seed: int) -> Tensor:
        return (3 * probabilities(4, 3, seed=seed + 50)).round()

    return Case("PoissonNLLLoss", partial(make, 4, 3), target, kwargs)


def signs(name: str, shape: tuple[int, ...], **kwargs: Any) -> Case:
    return Case(name, partial(odd, *shape), lambda seed: odd(*shape, seed=seed).sign(), kwargs)


def torch_ctc(module: tnn.CTCLoss, o: Tensor, t: Tensor, blank: int) -> Tensor:
    """torch's, without the exp(o) that its gradient has besides: it takes o for a log_softmax."""
    lengths = (t != blank).cumprod(-1).sum(-1)
    value = module(o, t, torch.full_like(lengths, len(o)), lengths)
    raw = tnn.CTCLoss(blank, "none", module.zero_infinity)
    free = o.exp().sum((0, -1)) * (raw(o, t, torch.full_like(lengths, len(o)), lengths) > 0)
    if module.reduction == "mean":
        free = (free / lengths.clamp(min=1)).mean()
    free = free.sum() if module.reduction == "sum" else free
    return value + free.detach() - free


def spelled(T: int, C: int, *words: list[int], **kwargs: Any) -> Case:
    """CTCLoss of one word, or of several that are filled up with the blank."""
    lone, size = len(words) == 1, max(map(len, words))
    rows = [word + [kwargs.get("blank", 0)] * (size - len(word)) for word in words]

    def output(seed: int) -> Tensor:
        return odd(T, *([] if lone else [len(words)]), C, seed=seed).log_softmax(-1)

    def target(seed: int) -> Tensor:
        return torch.tensor(rows[0] if lone else rows)

    return Case("CTCLoss", output, target, kwargs)


def compared(name: str, n: int, shape: tuple[int, ...], *target: int, **kwargs: Any) -> Case:
    def output(seed: int) -> tuple[Tensor, ...]:
        return tuple(odd(*shape, seed=seed + 9 * i) for i in range(n))

    return Case(name, output, lambda seed: odd(*target, seed=seed).sign(), kwargs)


W3 = torch.tensor([0.3, 1.7, 0.9], dtype=torch.float64)
SIGNS = torch.tensor([1.0, -1.0])
W40 = torch.linspace(0.2, 2, 40, dtype=torch.float64)
CE = partial(of_classes, "CrossEntropyLoss")

CASES = [
    *numbers("MSELoss", (4, 3), (5,), (2, 3, 4), ()),
    *numbers("L1Loss", (4, 3), (2, 3, 4)),
    *numbers("SmoothL1Loss", (4, 3)),
    *numbers("SmoothL1Loss", (4, 3), beta=0.4),
    *numbers("SmoothL1Loss", (4, 3), beta=0.0),
    *numbers("HuberLoss", (4, 3)),
    *numbers("HuberLoss", (4, 3), (7,), delta=0.4),
    gaussian((4, 3), (4, 3)),
    gaussian((4, 3), (4, 3), full=True, eps=0.1),
    gaussian((4, 3), (4, 1)),
    gaussian((4, 3), (1, 3)),
    gaussian((4, 3), (4,)),
    gaussian((2, 3, 4), (2, 1, 4), full=True),
    CE((4, 3)),
    CE((3,)),
    CE((5, 3, 2)),
    CE((2, 3, 4, 2)),
    CE((6, 40)),
    CE((4, 1)),
    CE((7, 3), ignored=-100),
    CE((7, 3), ignored=1),
    CE((7, 3), weight=W3),
    CE((3,), weight=W3),
    CE((5, 3, 2), ignored=-1, weight=W3),
    CE((6, 40), weight=W40),
    CE((5, 3), label_smoothing=0.2),
    CE((3,), label_smoothing=0.2),
    CE((5, 3, 2), ignored=-100, weight=W3, label_smoothing=0.2),
    CE((5, 3, 2), ignored=2, label_smoothing=1.0),
    mixed((5, 3)),
    mixed((3,)),
    mixed((2, 3, 4), weight=W3, label_smoothing=0.1),
    of_classes("NLLLoss", (4, 3)),
    of_classes("NLLLoss", (3,), weight=W3),
    of_classes("NLLLoss", (2, 3, 4, 2), ignored=-100),
    of_classes("NLLLoss", (7, 3), ignored=0, weight=W3),
    binary("BCELoss", (4, 3)),
    binary("BCELoss", (4,), hard=True),
    binary("BCELoss", (4, 3), weight=W3),
    binary("BCEWithLogitsLoss", (4, 3)),
    binary("BCEWithLogitsLoss", (4,), hard=True),
    binary("BCEWithLogitsLoss", (4, 3), weight=W3, pos_weight=2 * W3),
    binary("BCEWithLogitsLoss", (3, 4), weight=W3[:, None]),
    counts(),
    counts(full=True),
    counts(log_input=False, eps=0.1),
    signs("HingeEmbeddingLoss", (4, 3)),
    signs("HingeEmbeddingLoss", (5,), margin=1.7),
    signs("SoftMarginLoss", (4, 3)),
    binary("MultiLabelSoftMarginLoss", (4, 3), hard=True),
    binary("MultiLabelSoftMarginLoss", (4, 3), weight=W3),
    binary("MultiLabelSoftMarginLoss", (3,)),
    of_classes("MultiMarginLoss", (4, 3)),
    of_classes("MultiMarginLoss", (3,), p=2),
    of_classes("MultiMarginLoss", (5, 3), p=2, margin=0.7, weight=W3),
    compared("MarginRankingLoss", 2, (4, 3), 4, 3),
    compared("MarginRankingLoss", 2, (5,), 5, margin=0.6),
    compared("CosineEmbeddingLoss", 2, (5, 3), 5),
    compared("CosineEmbeddingLoss", 2, (5, 3), 5, margin=0.4),
    compared("CosineEmbeddingLoss", 2, (3,)),
    compared("TripletMarginLoss", 3, (5, 3), 5),
    compared("TripletMarginLoss", 3, (5, 3), 5, p=1.5, swap=True),
    compared("TripletMarginLoss", 3, (3,), margin=2.5, p=3.0),
    spelled(6, 4, [1, 2], [3, 3], [2, 0]),
    spelled(7, 4, [1, 1, 3, 2]),
    spelled(5, 3, [0, 1], [1, 2], blank=2),
    spelled(3, 3, [1, 2, 1], [1, 1, 1], [2, 0, 0], zero_infinity=True),
    divergence((4, 3)),
    divergence((2, 3, 4), log_target=True),
]

every = pytest.mark.parametrize("case", CASES, ids=str)
both = pytest.mark.parametrize(
    ("case", "reduction"), [(c, r) for c in CASES for r in c.reductions], ids=str
)


def oracle(case: Case, reduction: str, o: Any, t: Tensor, g: Tensor | None = None):
    """Value and gradients of the torch twin, by autograd."""
    o = tree_map(lambda x: x.clone().requires_grad_(), o)
    value = case.twin(reduction)(o, t)
    g = torch.ones_like(value) if g is None else g
    inputs = list(o) if isinstance(o, tuple) else [o]
    return value.detach(), torch.autograd.grad(value, inputs, g)


def tensors(value: Any) -> list[Tensor]:
    return [t for _, t in named_leaves(value)]


def strided(t: Tensor) -> Tensor:
    """The same numbers with gaps between, the axes the other way round."""
    wide = t.new_zeros([2 * size for size in reversed(t.shape)])
    view = wide[tuple(slice(None, None, 2) for _ in t.shape)].permute(
        tuple(reversed(range(t.dim())))
    )
    return view.copy_(t)


def close(a: Any, b: Any, tolerance: float) -> None:
    for s, t in zip(tensors(a), tensors(b), strict=True):
        assert s.dtype == t.dtype
        torch.testing.assert_close(s, t, rtol=tolerance, atol=tolerance, equal_nan=True)


# Right numbers.


@both
def test_float64_agrees_with_torch(case, reduction):
    o, t = case.output(seed=1), case.target(seed=1)
    loss = case.loss(reduction)
    value = loss(o, t)
    g = odd(*value.shape, seed=3)
    expected, gradients = oracle(case, reduction, o, t, g)
    close(value, expected, 1e-12)
    close(loss.backward(g), gradients, 1e-10)


@both
def test_gradients_agree_with_finite_differences(case, reduction):
    report = gradcheck(case.loss(reduction), case.output(seed=2), case.target(seed=2))
    assert report, report


@both
def test_float32_agrees_with_float64(case, reduction):
    def single(x: Tensor) -> Tensor:
        return x.float() if x.is_floating_point() else x

    o, t = tree_map(single, case.output(seed=1)), single(case.target(seed=1))
    loss = case.loss(reduction, torch.float32)
    value = loss(o, t)
    gradients = tensors(loss.backward(torch.ones_like(value)))
    assert {x.dtype for x in [value, *gradients]} == {torch.float32}
    double = tree_map(Tensor.double, o), t.double() if t.is_floating_point() else t
    expected, exact = oracle(case, reduction, *double)
    close([value.double(), *(d.double() for d in gradients)], [expected, *exact], 1e-5)


@both
def test_memory_layout_does_not_matter(case, reduction):
    o, t = case.output(seed=1), case.target(seed=1)
    loss = case.loss(reduction)
    value = loss(o, t)
    g = odd(*value.shape)
    expected = loss.backward(g)
    close(loss(tree_map(strided, o), strided(t)), value, 1e-13)
    close(loss.backward(strided(g)), expected, 1e-13)


@both
def test_nothing_given_is_written_into(case, reduction):
    given = [case.output(seed=1), case.target(seed=1)]
    before = copy.deepcopy(given)
    loss = case.loss(reduction)
    value = loss(*given)
    kept, g = value.clone(), odd(*value.shape)
    loss.backward(g)
    close([*tensors(given), value, g], [*tensors(before), kept, odd(*value.shape)], 0)


@both
def test_off_the_cpu_no_value_is_looked_at(case, reduction):
    """There a look waits for the device; a tensor on "meta" has no values to look at."""
    o, t = (tree_map(lambda x: x.to("meta"), f(seed=0)) for f in (case.output, case.target))
    loss = case.loss(reduction)
    value = loss(o, t)
    gradients = tensors(loss.backward(torch.ones_like(value)))
    assert [d.shape for d in gradients] == [x.shape for x in tensors(o)]


# A cohort.


@both
@pytest.mark.parametrize("shared", [False, True], ids=["own targets", "one target"])
def test_replica_equals_the_loss_alone(case, reduction, shared):
    K = 3
    outputs = [case.output(seed=k) for k in range(K)]
    targets = [case.target(seed=0 if shared else k) for k in range(K)]
    o = (
        tuple(torch.stack(x) for x in zip(*outputs, strict=True))
        if isinstance(outputs[0], tuple)
        else torch.stack(outputs)
    )
    cohort = case.loss(reduction).replicate(K)
    value = cohort(o, torch.stack(targets[:1] if shared else targets))
    g = odd(*value.shape)
    gradients = tensors(cohort.backward(g))
    for k in range(K):
        alone = case.loss(reduction)
        close(alone(outputs[k], targets[k]), value[k], 1e-12)
        close(alone.backward(g[k]), [d[k] for d in gradients], 1e-12)


@pytest.mark.parametrize(
    "case", [c for c in CASES if isinstance(c.output(seed=0), Tensor)], ids=str
)
def test_a_replica_of_nan_stays_alone(case):
    o = torch.stack([case.output(seed=k) for k in range(3)])
    t = case.target(seed=0)[None]
    cohort = case.loss().replicate(3)
    healthy, gradient = cohort(o, t), cohort.backward()
    o[1] = nan
    value, sick = cohort(o, t), cohort.backward()
    assert value.isnan().tolist() == [False, True, False]
    close([value[::2], sick[::2]], [healthy[::2], gradient[::2]], 0)
    linear = ("NLLLoss", "KLDivLoss", "HingeEmbeddingLoss", "MultiMarginLoss")
    if case.name not in linear:
        assert sick[1].isnan().any()


def test_a_cohort_reduces_per_replica():
    o = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
    assert losses.L1Loss().replicate(2)(o, torch.zeros(1, 2)).tolist() == [2, 20]


def test_backward_of_a_cohort_takes_a_number_or_one_a_replica():
    loss, o, t = losses.MSELoss().replicate(2), odd(2, 3), torch.zeros(2, 3, dtype=torch.float64)
    gradients = []
    for g in (None, 3, torch.tensor(3.0).double(), torch.tensor([1.0, 2.0]).double()):
        loss(o, t)
        gradients.append(loss.backward(g))
    one, three, same, each = gradients
    close([three, same, each], [3 * one, 3 * one, one * torch.tensor([[1.0], [2.0]])], 1e-15)


# Edges.


@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize(
    "case", [c for c in CASES if "Logits" in c.name or "Cross" in c.name], ids=str
)
def test_extreme_logits(case, size):
    o, t = size * case.output(seed=1), case.target(seed=1)
    loss = case.loss()
    expected, gradients = oracle(case, "mean", o, t)
    close([loss(o, t), loss.backward()], [expected, *gradients], 1e-12)
    assert expected.isfinite()


def test_bce_at_0_and_1():
    o = torch.tensor([0.0, 0, 1, 1, 1e-30], dtype=torch.float64)
    t = torch.tensor([0.0, 1, 0, 0.5, 1], dtype=torch.float64)
    loss, case = losses.BCELoss(reduction="sum"), Case("BCELoss", odd, odd)
    expected, gradients = oracle(case, "sum", o, t)
    close(loss(o, t), expected, 1e-12)
    close(loss.backward(), gradients, 1e-8)  # torch's 1e-12 is a float32
    assert expected == 100 + 100 + 50 + 30 * torch.tensor(10.0, dtype=torch.float64).log()


def has_batch(case: Case) -> bool:
    """Whether the first axis of all its tensors is the batch."""
    o, t = tensors(case.output(seed=0)), case.target(seed=0)
    if case.name == "MultiMarginLoss":  # torch returns memory that nobody wrote
        return False
    lone = not t.dim() or (case.name in ("CrossEntropyLoss", "NLLLoss") and o[0].dim() == 1)
    sized = any(isinstance(v, Tensor) and v.dim() > 1 for v in case.kwargs.values())
    in_time = case.name == "CTCLoss"  # whose first axis is another
    return not (lone or sized or in_time) and all(len(x) == len(t) for x in o)


@pytest.mark.parametrize("case", [*filter(has_batch, CASES)], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_empty_batch(case, reduction):
    o, t = tree_map(lambda x: x[:0], case.output(seed=0)), case.target(seed=0)[:0]
    loss = case.loss(reduction)
    expected, gradients = oracle(case, reduction, o, t)
    value = loss(o, t)
    close([value, *tensors(loss.backward(torch.ones_like(value)))], [expected, *gradients], 0)


@pytest.mark.parametrize("kwargs", [{}, {"weight": W3}, {"label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_all_targets_ignored(kwargs, reduction):
    case = CE((4, 3), **kwargs)
    o, t = odd(4, 3), torch.full((4,), -100)
    loss = case.loss(reduction)
    expected, gradients = oracle(case, reduction, o, t)
    value = loss(o, t)
    close([value, loss.backward(torch.ones_like(value))], [expected, *gradients], 0)
    assert value.isnan().all() == (reduction == "mean")


def test_an_ignored_sample_of_nan_does_not_show_in_the_value():
    o = odd(3, 2)
    o[1] = nan
    value = losses.CrossEntropyLoss()(o, torch.tensor([0, -100, 1]))
    close(value, losses.CrossEntropyLoss()(o[::2], torch.tensor([0, 1])), 1e-15)


def test_an_impossible_class_that_is_not_the_target_costs_nothing():
    o = torch.tensor([[0.0, 1.0, -inf]])
    loss = losses.CrossEntropyLoss()
    assert loss(o, torch.tensor([1])).isfinite()
    assert loss.backward()[0, 2] == 0


@pytest.mark.parametrize(
    "case",
    [
        Case("HingeEmbeddingLoss", lambda seed: torch.tensor([1.0, 1.0]), lambda seed: SIGNS),
        Case("MarginRankingLoss", lambda seed: (torch.ones(2), torch.ones(2)), lambda seed: SIGNS),
        Case(
            "MultiMarginLoss",
            lambda seed: torch.tensor([[1.0, 0, 0.5]]),
            lambda seed: torch.tensor([0]),
        ),
        Case(
            "CosineEmbeddingLoss",
            lambda seed: (torch.tensor([[1.0, 0.0]] * 2), torch.tensor([[0.0, 1.0]] * 2)),
            lambda seed: SIGNS,
        ),
    ],
    ids=str,
)
def test_at_the_edge_of_a_margin_the_slope_is_torchs(case):
    o, t = tree_map(Tensor.double, case.output(seed=0)), case.target(seed=0)
    t = t.double() if t.is_floating_point() else t
    loss = case.loss("sum")
    expected, gradients = oracle(case, "sum", o, t)
    close([loss(o, t), *tensors(loss.backward())], [expected, *gradients], 1e-15)


@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"])
def test_at_the_kinks(name):
    o = torch.tensor([-2.0, -1, -0.0, 0, 1, 2], dtype=torch.float64)
    case = Case(name, odd, odd)
    loss = case.loss("sum")
    expected, gradients = oracle(case, "sum", o, torch.zeros_like(o))
    close([loss(o, torch.zeros_like(o)), loss.backward()], [expected, *gradients], 0)


def test_kl_of_a_probability_of_zero_is_zero():
    o, t = torch.tensor([[-0.5, -2.0]]), torch.tensor([[1.0, 0.0]])
    assert losses.KLDivLoss("none")(o, t).tolist() == [[0.5, 0]]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gaussian_takes_torchs_arguments(reduction):
    mean, var, t = odd(4, 3), probabilities(4, 3), odd(4, 3, seed=1)
    loss = losses.GaussianNLLLoss(reduction=reduction)
    assert torch.equal(loss(mean, t, var), loss((mean, var), t))
    close(loss(mean, t, 0.7), loss((mean, torch.full_like(mean, 0.7)), t), 0)


def test_gaussian_takes_the_two_heads_of_a_net():
    loss, pair, t = losses.GaussianNLLLoss(), (odd(4, 3), probabilities(4, 3)), odd(4, 3, seed=1)
    value, (dmean, dvar) = loss(pair, t), loss.backward()
    assert torch.equal(loss(dict(zip(("mean", "var"), pair, strict=True)), t), value)
    gradient = loss.backward()
    assert torch.equal(gradient["mean"], dmean)
    assert torch.equal(gradient["var"], dvar)


def test_gaussian_gradient_is_not_stopped_by_the_limit():
    o = (odd(3), torch.tensor([0.0, 1e-9, 1.0], dtype=torch.float64))
    loss, case = losses.GaussianNLLLoss(eps=0.1), gaussian((3,), (3,), eps=0.1)
    expected, gradients = oracle(case, "mean", o, odd(3, seed=1))
    close([loss(o, odd(3, seed=1)), *loss.backward()], [expected, *gradients], 1e-12)


def test_gaussian_nan():
    loss = losses.GaussianNLLLoss()
    assert loss((torch.zeros(2), torch.tensor([1.0, nan])), torch.ones(2)).isnan()
    assert all(d.isnan().any() for d in loss.backward())


def test_the_mean_gradient_of_l1_at_nan_is_nan():
    loss = losses.L1Loss(reduction="sum")
    loss(torch.tensor([nan, 2.0]), torch.zeros(2))
    close(loss.backward(), torch.tensor([nan, 1.0]), 0)


# One call, one backward.


def test_backward_needs_a_call_first():
    with pytest.raises(RuntimeError, match=r"^MSELoss\(\): backward needs a call of the loss"):
        losses.MSELoss().backward()


def test_backward_goes_through_a_call_once():
    loss = losses.MSELoss()
    loss(odd(2), odd(2))
    loss.backward()
    with pytest.raises(RuntimeError, match="each call once"):
        loss.backward()


def test_each_rule_keeps_its_own_call():
    loss, t = losses.MSELoss(reduction="sum"), torch.zeros(2)
    _, first = loss.forward(torch.tensor([1.0, 2.0]), t)
    _, second = loss.forward(torch.tensor([5.0, 6.0]), t)
    assert second(torch.tensor(1.0)).tolist() == [10, 12]
    assert first(torch.tensor(1.0)).tolist() == [2, 4]


def test_backward_belongs_to_the_last_call():
    loss, t = losses.MSELoss(reduction="sum"), torch.zeros(2)
    loss(torch.tensor([1.0, 2.0]), t)
    loss(torch.tensor([5.0, 6.0]), t)
    assert loss.backward().tolist() == [10, 12]


def test_a_failed_call_leaves_nothing_to_go_back_through():
    loss = losses.MSELoss()
    loss(odd(2), odd(2))
    with pytest.raises(LayerError):
        loss(odd(2), odd(3))
    with pytest.raises(RuntimeError):
        loss.backward()


def test_a_value_that_is_not_reduced_needs_g():
    loss = losses.MSELoss(reduction="none")
    loss(odd(2, 3), odd(2, 3))
    expected = (
        r"^MSELoss\(reduction='none'\): the value is not reduced: backward needs g of \(2, 3\)"
    )
    with pytest.raises(LayerError, match=expected):
        loss.backward()
    with pytest.raises(LayerError, match=r"expected g of \(2, 3\) .*, got \(3,\)"):
        loss.backward(odd(3))
    assert loss.backward(odd(2, 3)).shape == (2, 3)  # the call is still there


@every
def test_copy_and_pickle_leave_the_call_behind(case):
    loss = case.loss()
    value = loss(case.output(seed=0), case.target(seed=0))
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        with pytest.raises(RuntimeError):
            other.backward()
        assert torch.equal(other(case.output(seed=0), case.target(seed=0)), value)


# Wrong use.

FLOAT, CLASS = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
WRONG = [
    ("MSELoss", {}, FLOAT, FLOAT[:, :1], r"MSELoss\(\): expected target \(4, 3\), got \(4, 1\)"),
    ("MSELoss", {}, FLOAT[:, 0], FLOAT, r"expected target \(4,\), got \(4, 3\)"),
    ("MSELoss", {}, FLOAT, FLOAT.double(), r"expected torch.float32, got torch.float64"),
    ("MSELoss", {}, CLASS, CLASS, r"expected a floating dtype, got torch.int64"),
    ("MSELoss", {}, 1.0, FLOAT, r"expected output \(…\), got a float"),
    ("CrossEntropyLoss", {}, FLOAT, CLASS[:3], r"expected class indices \(4,\), got \(3,\)"),
    ("CrossEntropyLoss", {}, FLOAT, CLASS.int(), r"expected class indices of torch.int64 .*int32"),
    ("CrossEntropyLoss", {}, FLOAT, FLOAT[:, 0], r"or class probabilities \(4, 3\), got \(4,\)"),
    ("CrossEntropyLoss", {}, FLOAT, CLASS + 3, r"expected class indices from 0 to 2, got 3"),
    ("CrossEntropyLoss", {}, FLOAT, CLASS - 7, r"expected class indices from 0 to 2, got -7"),
    ("CrossEntropyLoss", {}, FLOAT.sum(), CLASS, r"expected output \(N, L, …\), got \(\)"),
    ("CrossEntropyLoss", {}, FLOAT[:, :0], CLASS, r"expected at least one class, got \(4, 0\)"),
    ("CrossEntropyLoss", {}, FLOAT, None, r"expected class indices \(4,\), got None"),
    (
        "CrossEntropyLoss",
        {"weight": torch.ones(2)},
        FLOAT,
        CLASS,
        r"\(weight=tensor\(2,\)\): expected one class for each weight, got 3 classes",
    ),
    ("CrossEntropyLoss", {"ignore_index": 1}, FLOAT, FLOAT, r"got probabilities"),
    ("NLLLoss", {}, FLOAT, CLASS - 1, r"NLLLoss\(\): expected class indices from 0 to 2, got -1"),
    ("NLLLoss", {}, FLOAT, FLOAT, r"expected class indices \(4,\), got \(4, 3\)"),
    ("BCELoss", {}, FLOAT + 1.5, FLOAT, r"expected output in \[0, 1\], got 1.5"),
    ("BCELoss", {}, FLOAT, FLOAT - 0.5, r"expected target in \[0, 1\], got -0.5"),
    (
        "BCELoss",
        {"weight": torch.ones(4)},
        FLOAT,
        FLOAT,
        r"expected weight to fit \(4, 3\), got \(4,\)",
    ),
    (
        "BCEWithLogitsLoss",
        {"pos_weight": torch.ones(2, 4, 3)},
        FLOAT,
        FLOAT,
        r"expected pos_weight to fit \(4, 3\), got \(2, 4, 3\)",
    ),
    ("GaussianNLLLoss", {}, FLOAT, FLOAT, r"expected a pair \(mean, var\), got \(4, 3\)"),
    ("GaussianNLLLoss", {}, (FLOAT, FLOAT - 2), FLOAT, r"expected var of 0 or more, got -2"),
    ("GaussianNLLLoss", {}, (FLOAT, FLOAT[:3]), FLOAT, r"expected var \(4, 3\), .*, got \(3, 3\)"),
    ("GaussianNLLLoss", {}, (FLOAT, FLOAT[:1, :1]), FLOAT, r"expected var .*, got \(1, 1\)"),
    ("KLDivLoss", {}, FLOAT, FLOAT[:1], r"KLDivLoss\(\): expected target \(4, 3\), got \(1, 3\)"),
]


@pytest.mark.parametrize(("name", "kwargs", "output", "target", "message"), WRONG)
def test_wrong_calls_say_what_is_right(name, kwargs, output, target, message):
    with pytest.raises(LayerError, match=message):
        getattr(losses, name)(**kwargs)(output, target)


@pytest.mark.parametrize(
    ("output", "target", "message"),
    [
        (odd(2, 4), odd(2, 4), r"expected output \(3, …\), got \(2, 4\)"),
        (odd(3, 4), odd(2, 4), r"expected target \(3 or 1, 4\), got \(2, 4\)"),
        (odd(3, 4), odd(4), r"expected target \(3 or 1, 4\), got \(4,\)"),
        (odd(3), odd(), r"expected target \(3 or 1,\), got \(\)"),
    ],
)
def test_wrong_calls_of_a_cohort(output, target, message):
    with pytest.raises(LayerError, match=message):
        losses.MSELoss().replicate(3)(output, target)


def test_a_cohort_has_a_variance_for_each_replica():
    loss = losses.GaussianNLLLoss().replicate(2)
    with pytest.raises(LayerError, match="expected var"):
        loss((odd(2, 3), probabilities(1, 3)), odd(2, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.MSELoss("average"), "'none', 'mean', 'sum', got 'average'"),
        (lambda: losses.MSELoss("batchmean"), "got 'batchmean'"),
        (lambda: losses.SmoothL1Loss(beta=-1), "beta must not be negative, got -1"),
        (lambda: losses.HuberLoss(delta=0), "delta must be positive, got 0"),
        (lambda: losses.GaussianNLLLoss(eps=0), "eps must be positive, got 0"),
        (lambda: losses.CrossEntropyLoss(label_smoothing=1.1), r"in \[0, 1\], got 1.1"),
        (lambda: losses.MSELoss().replicate(0), "at least one replica, got 0"),
        (lambda: losses.MSELoss().replicate(2).replicate(2), "a cohort of 2 already"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_torchs_positional_arguments():
    assert losses.HuberLoss("sum", 0.5).delta == 0.5
    assert losses.SmoothL1Loss("sum", 0.5).beta == 0.5
    for name in ("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"):
        assert getattr(losses, name)(W3).weight is W3


def test_label_shows_what_is_not_a_default():
    assert repr(losses.CrossEntropyLoss(W3, label_smoothing=0.1)) == (
        "CrossEntropyLoss(weight=tensor(3,), label_smoothing=0.1)"
    )
    assert repr(losses.KLDivLoss("batchmean")) == "KLDivLoss(reduction='batchmean')"


@pytest.mark.parametrize(
    ("output", "target", "fix"),
    [
        ((5, 1), (5,), r"target\.reshape\(5, 1\)"),
        ((5,), (5, 1), r"target\.reshape\(5,\)"),
        ((5, 2), (2,), r"target\.expand\(5, 2\)"),
        ((5, 2), (5, 1), r"target\.expand\(5, 2\)"),
        ((5, 2), (), r"target\.expand\(5, 2\)"),
    ],
)
@pytest.mark.parametrize("loss", [losses.MSELoss(), losses.L1Loss(), losses.BCEWithLogitsLoss()])
def test_a_target_that_torch_would_broadcast_is_told_how_to_fit(loss, output, target, fix):
    with pytest.raises(LayerError, match=rf"expected target .* nothing is broadcast, write {fix}"):
        loss(torch.zeros(output), torch.zeros(target))


def test_a_cohorts_target_keeps_its_replicas_when_it_is_made_to_fit():
    with pytest.raises(LayerError, match=r"write target\.reshape\(1, 5, 1\)"):
        losses.MSELoss().replicate(3)(torch.zeros(3, 5, 1), torch.zeros(1, 5))


def test_a_target_that_does_not_fit_at_all_has_no_hint():
    with pytest.raises(LayerError, match=r"expected target \(5, 2\), got \(5,\)$"):
        losses.MSELoss()(torch.zeros(5, 2), torch.zeros(5))


def test_a_larger_target_is_not_cut_to_fit():
    with pytest.raises(LayerError, match=r"got \(5, 2\); nothing is broadcast$"):
        losses.MSELoss()(torch.zeros(2), torch.zeros(5, 2))


@pytest.mark.parametrize(
    ("loss", "given"),
    [
        (losses.MarginRankingLoss(0.3), (odd(4), odd(4, seed=1), odd(4).sign())),
        (losses.CosineEmbeddingLoss(), (odd(4, 3), odd(4, 3, seed=1), odd(4).sign())),
    ],
    ids=str,
)
def test_a_pair_may_be_given_apart(loss, given):
    a, b, t = given
    assert torch.equal(loss(a, b, t), loss((a, b), t))


def test_a_triplet_may_be_given_apart_and_needs_no_target():
    loss, (a, b, n) = losses.TripletMarginLoss(), (odd(4, 3, seed=s) for s in range(3))
    assert torch.equal(loss(a, b, n), loss((a, b, n)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.SoftMarginLoss()(odd(2), odd(2)), "expected targets of 1 and -1, got"),
        (lambda: losses.MultiMarginLoss(3), "p is 1 or 2, got 3"),
        (
            lambda: losses.MultiMarginLoss()(odd(2, 3), torch.tensor([0, 3])),
            "expected class indices from 0 to 2, got 3",
        ),
        (
            lambda: losses.MultiMarginLoss()(odd(2, 3), torch.tensor([0.0, 1.0])),
            "expected class indices of torch.int64, got torch.float32",
        ),
        (
            lambda: losses.MultiMarginLoss(weight=[1.0, 2.0])(odd(2, 3), torch.tensor([0, 1])),
            r"one class for each weight, got 3 classes and weights \(2,\)",
        ),
        (
            lambda: losses.MultiLabelSoftMarginLoss([1.0, 2.0])(odd(2, 3), odd(2, 3)),
            r"one class for each of 2 weights, got \(2, 3\)",
        ),
        (lambda: losses.TripletMarginLoss(margin=0), "margin must be positive, got 0"),
        (lambda: losses.TripletMarginLoss(p=0), "p must be positive and finite, got 0"),
        (
            lambda: losses.TripletMarginLoss()((odd(2, 3), odd(2, 3))),
            r"expected outputs \(anchor, positive, negative\), got a tuple",
        ),
        (
            lambda: losses.MarginRankingLoss()(odd(2), odd(3), SIGNS),
            r"expected outputs of one shape \(2,\), got \(3,\)",
        ),
    ],
)
def test_what_a_margin_loss_cannot_take_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("loss", [losses.SoftMarginLoss(), losses.MultiLabelSoftMarginLoss()])
def test_losses_of_logits_decide_at_0(loss):
    assert loss.decision_threshold == 0
