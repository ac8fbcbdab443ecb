"""What all optimizers share: packing, masks, state, errors, cost."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from chainrule import nn, optim
from chainrule.nn import Parameter
from chainrule.optim.flat_parameters import FlatParameters
from tests.optim import twins
from tests.optim.twins import CASES, COHORTS, IDS


class Count(TorchDispatchMode):
    """Counts tensor operations."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


def operations(action) -> int:
    with Count() as count:
        action()
    return count.calls


# packing


def test_packing_keeps_values_and_makes_views():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    before = [p.data.clone() for p in net.parameters()]
    for p in net.parameters():
        p.grad += 1
    optimizer = optim.SGD(net)
    (flat,) = optimizer.flats
    assert flat.data.shape == flat.grad.shape == (1, 26)
    flat.grad *= 3
    for p, data in zip(net.parameters(), before, strict=True):
        assert torch.equal(p.data, data)
        assert torch.equal(p.grad, torch.full_like(data, 3))


def test_cohort_is_packed_a_row_a_replica():
    cohort = nn.Linear(3, 4).replicate(5, seeds=range(5))
    before = [p.data.clone() for p in cohort.parameters()]
    (flat,) = optim.SGD(cohort).flats
    assert flat.data.shape == (5, 16)
    assert torch.equal(flat.data[2], torch.cat([t[2].flatten() for t in before]))
    flat.data[2] = 7
    assert all((p.data[2] == 7).all() and (p.data[1] != 7).all() for p in cohort.parameters())


def test_gradients_arrive_in_the_flat_tensor_and_zero_grad_clears_them():
    cohort = nn.Linear(3, 4).replicate(2, seeds=[1, 2])
    optimizer = optim.SGD(cohort)
    cohort.backward(torch.ones_like(cohort(torch.randn(2, 5, 3))))
    assert (optimizer.flats[0].grad[:, -4:] == 5).all()
    optimizer.zero_grad()
    assert not any(p.grad.any() for p in cohort.parameters())


def test_none_in_the_place_of_a_gradient_clears_it_as_in_torch():
    cohort = nn.Linear(3, 4).replicate(2, seeds=[1, 2])
    optimizer = optim.SGD(cohort)
    for _ in range(2):
        for p in cohort.parameters():
            p.grad = None
        cohort.backward(torch.ones_like(cohort(torch.randn(2, 5, 3))))
        assert (optimizer.flats[0].grad[:, -4:] == 5).all()


def test_tied_parameter_is_packed_and_stepped_once():
    p = Parameter(torch.tensor([1.0, 2.0]))
    optimizer = optim.SGD([p, p], lr=0.5)
    p.grad += 2
    optimizer.step()
    assert optimizer.flats[0].data.tolist() == [[0.0, 1.0]]
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    assert optim.SGD(nn.Sequential(a, b)).flats[0].data.numel() == 8


def test_modules_know_their_replicas_in_groups_too():
    cohort = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).replicate(3, seeds=range(3))
    first, second = cohort.children()
    optimizer = optim.SGD([{"params": first}, {"params": second.parameters(), "lr": 0.5}])
    assert [flat.data.shape for flat in optimizer.flats] == [(3, 16), (3, 10)]
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 0.5]


def test_without_replicas_bare_parameters_count_as_one_net():
    ours = twins.parameters(replicas=3)
    assert optim.SGD(ours).flats[0].data.shape == (1, 3 * 25)
    assert optim.SGD(ours, replicas=3).flats[0].data.shape == (3, 25)


def test_parameters_that_are_not_contiguous_keep_their_values():
    p = Parameter(torch.arange(6.0).reshape(2, 3).T)
    optim.SGD([p])
    assert p.data.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_finite_gradients_are_told_per_replica():
    ours = twins.parameters(replicas=3)
    one = optim.SGD(ours, replicas=3)
    assert one.grad_sum().isfinite().all()
    two = optim.SGD([{"params": ours[:2]}, {"params": ours[2:]}], replicas=3)
    ours[0].grad[1, 2] = float("nan")
    ours[3].grad[2] = float("inf")
    assert two.grad_sum().isfinite().tolist() == [True, False, False]


# when parameters were replaced


@pytest.mark.parametrize(
    "replace",
    [
        lambda net: net.to(torch.float64),
        lambda net: optim.Adam(net),
        lambda net: setattr(net.weight, "grad", torch.zeros_like(net.weight.grad)),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda o: o.step(),
        lambda o: o.zero_grad(),
        lambda o: optim.clip_grad_norm_(o, 1.0),
    ],
)
def test_replaced_parameters_are_noticed(replace, use):
    net = nn.Linear(2, 3)
    optimizer = optim.SGD(net)
    replace(net)
    with pytest.raises(RuntimeError, match=r"build the optimizer after \.to\(\)"):
        use(optimizer)


def test_a_deep_copy_goes_on_by_itself():
    net = nn.Linear(2, 3)
    both = net, optim.Adam(net)
    twin, optimizer = copy.deepcopy(both)
    before = net.weight.data.clone()
    twin.weight.grad += 1
    optimizer.step()
    assert torch.equal(net.weight.data, before)
    assert not torch.equal(twin.weight.data, before)


# active


@pytest.mark.parametrize(("name", "kwargs"), [*CASES, *COHORTS])
@pytest.mark.parametrize("first", [0, 4])
def test_frozen_replica_keeps_everything_and_neighbours_do_not_notice(name, kwargs, first):
    kwargs = twins.tensors(kwargs)
    ours, free = twins.parameters(replicas=3), twins.parameters(replicas=3)
    optimizer = getattr(optim, name)(ours, **kwargs, replicas=3)
    twin = getattr(optim, name)(free, **kwargs, replicas=3)
    for number in range(first):
        twins.step(optimizer, number)
        twins.step(twin, number)
    before = snapshot_by_name(optimizer)
    active = torch.tensor([True, False, True])
    for number in range(first, first + 4):
        g = twins.gradients(number, [p.data for p in ours])
        twins.set_gradients(free, g)
        twin.step()
        for t in g:
            t[1] = float("nan")
        twins.set_gradients(ours, g)
        optimizer.step(active=active)
    after, unmasked = snapshot_by_name(optimizer), snapshot_by_name(twin)
    for key, t in after.items():
        frozen = before[key][1] if key in before else torch.zeros_like(t[1])
        assert torch.equal(t[1], frozen), key
        assert torch.equal(t[::2], unmasked[key][::2]), key


def snapshot_by_name(optimizer):
    state = optimizer.state_dict()["state"]
    return {"data": optimizer.flats[0].data.clone(), **{k: t.clone() for k, t in state.items()}}


@pytest.mark.parametrize("active", [torch.ones(3), torch.ones(2, dtype=torch.bool)])
def test_active_must_be_bools_of_all_replicas(active):
    optimizer = optim.SGD(twins.parameters(replicas=3), replicas=3)
    with pytest.raises(ValueError, match=r"active: expected a bool tensor \(3,\)"):
        optimizer.step(active=active)


# cost


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_operations_do_not_grow_with_the_layers(name, kwargs):
    counts = []
    for layers in (1, 10):
        ours = twins.parameters(replicas=2, shapes=[(4, 4), (4,)] * layers)
        optimizer = getattr(optim, name)(ours, **kwargs, replicas=2)
        active = torch.tensor([True, False])
        optimizer.step()
        counts.append(
            [
                operations(optimizer.step),
                operations(lambda o=optimizer, a=active: o.step(active=a)),
                operations(optimizer.zero_grad),
                operations(lambda o=optimizer: optim.clip_grad_norm_(o, 1.0)),
                operations(lambda o=optimizer: optim.clip_grad_value_(o, 1.0)),
            ]
        )
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("name", "kwargs", "most"),
    [("SGD", {}, 1), ("SGD", {"momentum": 0.9}, 3), ("Adam", {}, 6), ("AdamW", {}, 7)],
)
def test_a_plain_step_takes_few_operations(name, kwargs, most):
    optimizer = getattr(optim, name)(twins.parameters(), **kwargs)
    optimizer.step()
    assert operations(optimizer.step) == most


# state


@pytest.mark.parametrize(("name", "kwargs"), [*CASES, *COHORTS])
def test_state_reloaded_half_way_changes_nothing(name, kwargs):
    K = 3

    def build():
        ours = twins.parameters(replicas=K)
        groups = [{"params": ours[:2]}, {"params": ours[2:], "lr": 0.05}]
        return ours, getattr(optim, name)(groups, **twins.tensors(kwargs), replicas=K)

    _, whole = build()
    for number in range(20):
        twins.step(whole, number)

    first_parameters, first = build()
    for number in range(10):
        twins.step(first, number)
    saved = copy.deepcopy(first.state_dict())
    values = [p.data.clone() for p in first_parameters]
    second_parameters, second = build()
    for p, value in zip(second_parameters, values, strict=True):
        p.data.copy_(value)
    second.load_state_dict(saved)
    for number in range(10, 20):
        twins.step(second, number)
        twins.step(first, number)  # must not reach into the second
    for a, b in zip(twins.snapshot(whole), twins.snapshot(second), strict=True):
        assert torch.equal(a, b)


def test_state_is_named_tensors_and_json():
    optimizer = optim.Adam(twins.parameters(), amsgrad=True)
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state["state"]) == {"0.exp_avg", "0.exp_avg_sq", "0.max_exp_avg_sq"}
    groups = json.loads(json.dumps(state["param_groups"]))
    assert groups[0]["params"] == [[4, 3], [4], [2, 4], []]
    fresh = optim.Adam(twins.parameters())
    fresh.load_state_dict({"state": state["state"], "param_groups": groups})
    assert fresh.param_groups[0]["betas"] == (0.9, 0.999)
    assert fresh.param_groups[0]["amsgrad"]


def damaged(change):
    optimizer = optim.Adam(twins.parameters(), amsgrad=True)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    change(state["state"], state["param_groups"][0])
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, g: s.pop("0.exp_avg"), r"0.exp_avg: expected torch.float64 \(1, 25\), got noth"),
        (lambda s, g: s.update({"0.exp_avg": torch.ones(1, 25)}), "got torch.float32"),
        (lambda s, g: s.update({"0.max_exp_avg_sq": torch.ones(2)}), "max_exp_avg_sq: expected"),
        (lambda s, g: s.update({"1.exp_avg": torch.ones(2)}), "unexpected in the state: 1.exp_avg"),
        (lambda s, g: g.update(params=[[25]]), "other groups or parameter shapes"),
        (lambda s, g: g.pop("eps"), "missing or unexpected: eps"),
        (lambda s, g: g.update(momentum=1), "missing or unexpected: momentum"),
        (lambda s, g: g.update(lr=-1), "lr: expected a finite number, at least 0, got -1"),
        (lambda s, g: g.update(lr=torch.ones(2)), r"lr: expected a number or a tensor \(1,\)"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    optimizer = optim.Adam(twins.parameters())
    optimizer.step()
    before, groups = twins.snapshot(optimizer), copy.copy(optimizer.param_groups[0])
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(damaged(change))
    assert all(torch.equal(a, b) for a, b in zip(before, twins.snapshot(optimizer), strict=True))
    assert optimizer.param_groups[0] == groups


@pytest.mark.parametrize(
    ("state", "message"),
    [(None, "Adam: expected a state, as .* got None"), ({"state": {}}, "unexpected: param_groups")],
)
def test_what_is_no_state_is_refused(state, message):
    with pytest.raises((TypeError, ValueError), match=message):
        optim.Adam(twins.parameters()).load_state_dict(state)


# errors


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("SGD", {"lr": -1.0}, "lr: expected a finite number, at least 0, got -1.0"),
        ("SGD", {"lr": float("nan")}, "lr: expected a number, got nan"),
        ("SGD", {"momentum": -1.0}, "momentum: expected at least 0, got -1.0"),
        ("SGD", {"weight_decay": -1.0}, "weight_decay: expected at least 0, got -1.0"),
        ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "zero dampening"),
        ("SGD", {"nesterov": True, "momentum": [0.9, 0.0]}, "Nesterov momentum requires"),
        ("SGD", {"dampening": float("nan")}, "dampening: expected a number, got nan"),
        ("Adagrad", {"lr_decay": -1.0}, "lr_decay: expected at least 0, got -1.0"),
        (
            "Adagrad",
            {"initial_accumulator_value": -1.0},
            "initial_accumulator_value: expected at least 0",
        ),
        ("Adagrad", {"eps": -1.0}, "eps: expected at least 0, got -1.0"),
        ("RMSprop", {"alpha": -1.0}, "alpha: expected at least 0"),
        ("Adadelta", {"rho": 1.1}, "rho: expected at least 0 and at most 1, got 1.1"),
        ("Adadelta", {"rho": [0.5, -0.1]}, "rho: expected at least 0 and at most 1, got -0.1"),
        ("Adam", {"betas": (1.0, 0.9)}, r"betas\[0\]: expected at least 0 and below 1, got 1.0"),
        ("Adam", {"betas": (0.9, -0.1)}, r"betas\[1\]: expected at least 0 and below 1, got -0.1"),
        ("Adam", {"betas": (0.9, [0.9, 1.0])}, r"betas\[1\]: expected .*, got 1.0"),
        ("Adam", {"betas": 0.9}, "betas: expected a list of 2 numbers, got 0.9"),
        ("NAdam", {"momentum_decay": -1.0}, "momentum_decay: expected at least 0"),
        ("RAdam", {"lr": [0.1, -0.1]}, "lr: expected a finite number, at least 0, got -0.1"),
        ("Adam", {"lr": [0.1, 0.2, 0.3]}, r"lr: expected .* tensor \(2,\).*got a tensor \(3,\)"),
        ("Adam", {"betas": ([0.1], 0.9)}, r"betas: expected .* tensor \(2,\)"),
    ],
)
def test_wrong_hyper_parameters(name, kwargs, message):
    ours = twins.parameters(replicas=2)
    data = [p.data for p in ours]
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(optim, name)(ours, **twins.tensors(kwargs), replicas=2)
    assert all(p.data is t for p, t in zip(ours, data, strict=True))


def test_hyper_parameters_must_be_numbers():
    with pytest.raises(TypeError, match=r"SGD: lr: expected a number, got '0\.1'"):
        optim.SGD(twins.parameters(), lr="0.1")


def test_a_number_set_later_is_checked_at_the_step():
    optimizer = optim.SGD(twins.parameters(replicas=2), replicas=2)
    optimizer.param_groups[0]["lr"] = torch.ones(3)
    with pytest.raises(ValueError, match=r"lr: expected a number or a tensor \(2,\)"):
        optimizer.step()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("lr", "a", "lr: expected a number or a tensor, got 'a'"),
        ("eps", None, "eps: expected a number or a tensor, got None"),
        ("weight_decay", True, "weight_decay: expected a number or a tensor, got True"),
        ("betas", 0.9, "betas: expected a pair of numbers, got 0.9"),
        ("betas", (0.9,), r"betas: expected a pair of numbers, got \(0.9,\)"),
        ("betas", (None, 0.9), r"betas: expected a pair of numbers, got \(None, 0.9\)"),
        ("betas", ("a", 0.9), "betas: expected a number or a tensor, got 'a'"),
    ],
)
def test_what_is_no_number_set_later_is_told_with_its_group(name, value, said):
    optimizer = optim.Adam(twins.parameters())
    optimizer.param_groups[0][name] = value
    with pytest.raises(TypeError, match=r"^param_groups\[0\]: " + said):
        optimizer.step()


def test_a_pair_from_a_file_is_a_list():
    optimizer = optim.Adam(twins.parameters(), betas=[0.9, 0.99])
    optimizer.step()
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.99)


def test_a_number_or_a_group_that_is_gone_is_told():
    optimizer = optim.SGD(twins.parameters())
    del optimizer.param_groups[0]["lr"]
    with pytest.raises(ValueError, match=r"param_groups\[0\]: 'lr' is missing"):
        optimizer.step()
    optimizer.param_groups.append({"params": twins.parameters()})
    with pytest.raises(ValueError, match="param_groups has 2 groups, it was built with 1"):
        optimizer.step()


def test_a_tensor_without_axes_is_a_number():
    ours, same = twins.parameters(), twins.parameters()
    lr = torch.tensor(0.5, dtype=torch.float64)
    twins.step(optim.SGD(ours, lr=lr), 0)
    twins.step(optim.SGD(same, lr=0.5), 0)
    assert all(torch.equal(p.data, q.data) for p, q in zip(ours, same, strict=True))


def mixed():
    return [Parameter(torch.ones(2)), Parameter(torch.ones(2, dtype=torch.float64))]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: optim.SGD(mixed()),
            ValueError,
            "share a dtype and a device, got torch.float32 on",
        ),
        (lambda: optim.SGD([]), ValueError, "SGD got an empty parameter list"),
        (lambda: optim.SGD([{"lr": 1}]), ValueError, 'every parameter group needs "params"'),
        (lambda: optim.SGD(mixed()[0]), TypeError, r"expected a module .* got a Parameter"),
        (lambda: optim.SGD([torch.ones(2)]), TypeError, "got a Tensor"),
        (
            lambda: optim.SGD([{"params": mixed()[:1], "learning_rate": 1}]),
            ValueError,
            "SGD has no hyper-parameter learning_rate",
        ),
        (
            lambda: optim.SGD(nn.Linear(2, 3).replicate(2, [1, 2]), replicas=3),
            ValueError,
            r"one number of replicas is needed, got \[2, 3\]",
        ),
        (
            lambda: FlatParameters(mixed()[:1], 3),
            ValueError,
            r"a parameter of 3 replicas has shape \(2,\)",
        ),
    ],
)
def test_wrong_parameters(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_parameter_belongs_to_one_group():
    ours = twins.parameters()
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": ours[:2]}, {"params": ours[1:]}])


def test_repr_shows_the_hyper_parameters():
    assert repr(optim.SGD(twins.parameters(), lr=0.5)).startswith("SGD(lr=0.5, momentum=0, ")


def test_betas_are_both_numbers_or_both_tensors():
    net, beta = nn.Linear(2, 2), torch.tensor(0.9)
    for betas in ((beta, 0.99), (0.9, beta)):
        with pytest.raises(ValueError, match="betas must be either both floats or both tensors"):
            optim.Adam(net, betas=betas)
    optim.Adam(net, betas=(beta, beta))


def test_in_a_cohort_one_of_the_betas_may_differ_by_replica():
    cohort = nn.Linear(2, 2).replicate(2)
    optim.Adam(cohort, betas=(torch.tensor([0.9, 0.8]), 0.99)).step()


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).initialize(0)


NEWER = r"newer than the optimizer.*Build the optimizer anew: SGD\(net, \.\.\.\)"


@pytest.mark.parametrize(
    "build",
    [
        lambda net: optim.SGD(net),
        lambda net: optim.SGD(net.parameters()),
        lambda net: optim.SGD([{"params": net, "lr": 0.1}]),
        lambda net: optim.SGD([{"params": net[0]}, {"params": net[2].parameters()}]),
    ],
)
@pytest.mark.parametrize("copied", [lambda pair: pair, copy.deepcopy])
def test_a_parameter_that_was_replaced_since_is_noticed(build, copied):
    net = two_layers()
    net, optimizer = copied((net, build(net)))
    optimizer.step()
    net[2].weight = nn.Parameter(torch.ones(2, 3))
    before = net[0].weight.data.clone()
    with pytest.raises(RuntimeError, match=rf": (2\.)?weight is {NEWER}"):
        optimizer.step()
    assert torch.equal(net[0].weight.data, before)
    build(net).step()


def test_a_layer_that_was_replaced_is_noticed():
    net = two_layers()
    optimizer = optim.SGD(net)
    net[2] = nn.Linear(3, 2)
    with pytest.raises(RuntimeError, match=rf"Sequential: 2\.weight is {NEWER}"):
        optimizer.step()


def test_a_layer_that_was_added_is_noticed_until_it_is_gone():
    net = two_layers()
    optimizer = optim.SGD(net)
    net.layers.append(nn.Linear(2, 1))
    with pytest.raises(RuntimeError, match=rf"3\.weight is {NEWER}"):
        optimizer.step()
    del net.layers[3]
    optimizer.step()


def test_what_was_left_out_from_the_start_is_not_missed():
    for choose in (
        lambda net: net[2],
        lambda net: [p for p in net.parameters() if p is not net[0].weight],
        lambda net: [{"params": net[0].parameters()}],
    ):
        net = two_layers()
        optimizer = optim.SGD(choose(net))
        net[1] = nn.ReLU()
        optimizer.step()


@pytest.mark.parametrize(
    "given",
    [
        lambda net: net,
        lambda net: net.parameters(),
        lambda net: [*net.parameters()],
        lambda net: [{"params": net}],
        lambda net: [{"params": net.parameters()}],
    ],
)
def test_a_net_of_torch_is_told_what_moves_it(given):
    with pytest.raises(TypeError, match=r"got torch's .*moved by torch\.optim, and .*from_torch"):
        optim.SGD(given(torch.nn.Linear(2, 2)))


def test_the_parameters_of_a_net_can_be_taken_one_by_one():
    net = two_layers()
    parameters = net.parameters()
    assert next(parameters) is net[0].weight
    assert len([*parameters]) == 3
