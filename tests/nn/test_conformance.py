"""What holds for every layer: each test runs over the whole table of cases."""

from __future__ import annotations

import copy
import pickle
import zlib
from functools import cache

import pytest
import torch
from torch import Tensor

from chainrule import gradcheck, nn
from chainrule._util.pytree import named_leaves, tree_map
from chainrule.nn.config import from_config, to_config
from tests.nn.cases import Case, odd
from tests.nn.cases.basic import CASES as BASIC
from tests.nn.cases.sequences import CASES as SEQUENCES
from tests.nn.cases.spatial import CASES as SPATIAL

CASES = [*BASIC, *SPATIAL, *SEQUENCES]
every = pytest.mark.parametrize("case", CASES, ids=str)
twins = pytest.mark.parametrize("case", [c for c in CASES if c.twin], ids=str)
MODES = [True, False]
"""Of training and of evaluation. A test does both: there are thousands of cases."""


@cache
def find_modes(case: Case) -> list[bool]:
    """One of the two is enough where a module of this case says the same in both."""
    outputs = [named_leaves(build(case, training)(case.x())) for training in MODES]
    same = all(torch.equal(a, b) for (_, a), (_, b) in zip(*outputs, strict=True))
    return MODES[:1] if same else MODES


def build(case: Case, training: bool = True, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The case's module with odd non-zero parameters, so that no wrong gradient hides."""
    torch.manual_seed(0)
    module = case.make().to(dtype).train(training)
    for i, parameter in enumerate(module.parameters()):
        parameter.data.copy_(odd(*parameter.data.shape, seed=100 + i))
    for m in module.modules():
        m.seeds = [zlib.crc32(case.name.encode())]
    return module


def cotangent(y, seed=7):
    return tree_map(lambda t: odd(*t.shape, seed=seed).to(t.dtype), y)


def close(a, b, tolerance: float) -> None:
    """Equal up to an error relative to the largest number."""
    pairs = list(zip(named_leaves(a), named_leaves(b), strict=True))
    for (_, s), (_, t) in pairs:
        assert s.shape == t.shape
        scale = max(1.0, float(t.abs().max())) if t.numel() else 1.0
        error = float((s.double() - t.double()).abs().max()) if t.numel() else 0.0
        assert error <= tolerance * scale


def gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in module.parameters()]


def oracle(case: Case, module: nn.Module, x, g=None, training: bool = True):
    """Output, input gradients and parameter gradients of the torch twin, by autograd."""
    twin = case.twin().double().train(training)
    twin.load_state_dict(
        {k: v.double() if v.is_floating_point() else v for k, v in module.state_dict().items()}
    )
    x = tree_map(lambda t: t.detach().clone(), x)
    x = tree_map(lambda t: t.double().requires_grad_() if t.is_floating_point() else t, x)
    y = twin(*x) if isinstance(x, tuple) else twin(x)
    g = cotangent(tree_map(Tensor.detach, y)) if g is None else g
    parameters = list(twin.parameters())
    wanted = [t for _, t in named_leaves(x) if t.is_floating_point()]
    outputs, gs = ([t for _, t in named_leaves(tree)] for tree in (y, tree_map(Tensor.double, g)))
    found = torch.autograd.grad(outputs, [*wanted, *parameters], gs, allow_unused=True)
    found = [
        torch.zeros_like(t) if d is None else d
        for t, d in zip([*wanted, *parameters], found, strict=True)
    ]
    return tree_map(Tensor.detach, y), found[: len(wanted)], found[len(wanted) :], twin


@every
def test_gradients_agree_with_finite_differences(case):
    for training in find_modes(case):
        report = gradcheck(build(case, training), case.x())
        assert report, report
        assert report.rows or case.integer or not len(list(named_leaves(case.x())))


@twins
def test_float64_agrees_with_autograd(case):
    """In training not where numbers are drawn, others by the twin: test_dropout has the masks."""
    for training in MODES:
        if not (case.random and training):
            compare_with_autograd(case, training)


def compare_with_autograd(case: Case, training: bool) -> None:
    module, x = build(case, training), case.x()
    y, dx, dparameters, twin = oracle(case, module, x, training=training)
    close(module(x), y, 1e-12)
    found = module.backward(cotangent(y))
    close([] if case.integer else found, dx if not isinstance(found, Tensor) else dx[0], 1e-10)
    close(gradients(module), dparameters, 1e-10)
    close(list(module.state_dict().values()), list(twin.state_dict().values()), 1e-12)


@twins
def test_float32_agrees_with_autograd(case):
    if case.random:
        pytest.skip("the twin draws other numbers")
    module = build(case, dtype=torch.float32)
    x = tree_map(lambda t: t.float() if t.is_floating_point() else t, case.x())
    y, dx, dparameters, _ = oracle(case, module, x)
    close(module(x), y, 1e-5)
    found = module.backward(tree_map(Tensor.float, cotangent(y)))
    close([] if case.integer else found, dx if not isinstance(found, Tensor) else dx[0], 1e-5)
    close(gradients(module), dparameters, 1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if c.keeps_shape], ids=str)
def test_used_twice_in_a_chain(case):
    module = build(case)
    report = gradcheck(nn.Sequential(module, module), 0.4 * case.x())
    assert report, report


@every
def test_used_in_two_branches(case):
    """Its gradients are the sums of those of two uses, which finite differences hold."""
    twice = build(case)
    heads, module, x = nn.Heads(a=twice, b=twice), build(case), case.x()
    y, uses = heads(x), [module.forward(x), module.forward(x)]
    close(y, {"a": uses[0][0], "b": uses[1][0]}, 0)
    g = {name: cotangent(y[name], seed=seed) for name, seed in (("a", 7), ("b", 8))}
    dx = heads.backward(g)
    each = [named_leaves(rule(g[name])) for name, (_, rule) in zip("ab", uses, strict=True)]
    total = [s + t for (_, s), (_, t) in zip(*each, strict=True)]
    close([] if case.integer else [t for _, t in named_leaves(dx)], total, 1e-12)
    close(gradients(heads), gradients(module), 1e-12)


@every
def test_each_use_keeps_its_own_state(case):
    """Two forwards, then their rules in the wrong order: nothing stale is read."""
    module = build(case)
    (y1, rule1), (y2, rule2) = module.forward(case.x(0)), module.forward(case.x(1))
    late = rule1(cotangent(y1)), rule2(cotangent(y2))
    total = gradients(module)
    again = build(case)
    y1, rule1 = again.forward(case.x(0))
    first = rule1(cotangent(y1))
    y2, rule2 = again.forward(case.x(1))
    close(late, (first, rule2(cotangent(y2))), 0)
    close(total, gradients(again), 1e-14)


@every
def test_the_input_gradient_can_be_left_out(case):
    module = build(case)
    g = cotangent(module(case.x()))
    module.backward(g)
    whole, state = gradients(module), [m.rng_counter for m in module.modules()]
    module.zero_grad()
    for m in module.modules():
        m.rng_counter = 0
    module(case.x())
    assert module.backward(g, input_grad=False) is None
    close(gradients(module), whole, 1e-14)
    assert state == [m.rng_counter for m in module.modules()]


def pick(value, k: int):
    """Replica k of a result; of one that all replicas share, that one."""
    return tree_map(lambda t: t[k if len(t) > 1 else 0], value)


@every
def test_a_replica_is_the_net_alone(case):
    for training in find_modes(case):
        for one_batch in (False, True):
            compare_replicas(case, training, one_batch)


def compare_replicas(case: Case, training: bool, one_batch: bool) -> None:
    """A cohort, whose replicas get a batch each or one for all, with its nets alone."""
    seeds = [11, 12, 13]
    cohort = build(case, training).replicate(3, seeds)
    xs = [case.x(0 if one_batch else k) for k in range(3)]
    y = cohort(tree_map(lambda t: t.unsqueeze(0), xs[0]) if one_batch else stack(xs))
    g = tree_map(lambda t: odd(*t.shape[1:], seed=7).expand(t.shape), y)
    dx = cohort.backward(g)
    for k, seed in enumerate(seeds):
        net, replica = build(case, training).initialize(seed), cohort.replica(k)
        close(pick(y, k), net(xs[k]), 1e-12)
        dxk = net.backward(pick(g, k))
        close(None if case.integer else pick(dx, k), dxk, 1e-12)
        close([p.grad[k] for p in cohort.parameters()], gradients(net), 1e-12)
        close(list(replica.state_dict().values()), list(net.state_dict().values()), 1e-12)
        assert repr(replica) == repr(net)


def stack(values):
    if isinstance(values[0], Tensor):
        return torch.stack(values)
    if isinstance(values[0], dict):
        return {name: stack([v[name] for v in values]) for name in values[0]}
    return tuple(stack(list(group)) for group in zip(*values, strict=True))


@twins
def test_a_state_dict_goes_to_torch_and_back(case):
    module, twin = case.make(), case.twin()
    assert list(module.state_dict()) == list(twin.state_dict())
    twin.load_state_dict(module.state_dict())
    other = case.make()
    other.load_state_dict(twin.state_dict())
    close(list(other.state_dict().values()), list(module.state_dict().values()), 0)


@every
def test_the_architecture_is_data(case):
    module = build(case)
    again = from_config(to_config(module)).to(torch.float64)
    again.load_state_dict(module.state_dict())
    for m, n in zip(module.modules(), again.modules(), strict=True):
        n.seeds = m.seeds
    assert repr(again) == repr(module)
    close(again(case.x()), module(case.x()), 0)


@every
def test_the_output_shape_is_known_beforehand(case):
    if case.integer:
        shape, dtype = case.x().shape, torch.int64
    else:
        shape, dtype = tree_map(lambda t: tuple(t.shape), case.x()), None
    y = build(case)(case.x())
    assert nn.output_shape(case.make(), shape, dtype=dtype) == tree_map(lambda t: tuple(t.shape), y)


@every
def test_a_wrong_dtype_is_the_layers_own_error(case):
    module = build(case)
    if any(True for _ in module.parameters()):
        x = tree_map(lambda t: t.float() if t.is_floating_point() else t.double(), case.x())
        before = [v.clone() for v in module.state_dict().values()]
        with pytest.raises(nn.LayerError, match=type(next(iter(module.modules()))).__name__):
            module(x)
        close(list(module.state_dict().values()), before, 0)


@every
def test_no_tensor_at_all_is_the_layers_own_error(case):
    if isinstance(build(case), nn.Identity) or "empty" in case.name:
        return
    with pytest.raises(nn.LayerError, match="expected"):
        build(case)("text")


@every
def test_copies_and_pickles_leave_the_last_batch_behind(case):
    module = build(case)
    y = module(case.x())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        with pytest.raises(RuntimeError, match="backward needs a call"):
            other.backward(y)


@every
def test_nan_in_is_never_a_plausible_number_out(case):
    x = case.x()
    if case.integer:
        return
    x = tree_map(lambda t: torch.full_like(t, float("nan")), x)
    y = build(case)(x)
    if case.adds_constants:
        y = y[case.twin().double()(torch.full_like(x, 1e9)).abs() > 1e6]
        assert y.numel()
    assert all(t.isnan().all() for _, t in named_leaves(y))
