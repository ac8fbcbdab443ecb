"""What every module can do besides its own formula: state, ties, cohorts, calls in order."""

from __future__ import annotations

import pytest
import torch

from chainrule import nn, optim
from tests.nn.cases import odd


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def tied() -> nn.Sequential:
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    return net


def copies(net: nn.Module) -> list[torch.Tensor]:
    return [t.clone() for t in net.state_dict().values()]


def equal(a, b) -> bool:
    return all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


# backward goes through each call once


def test_backward_before_any_call_is_refused():
    with pytest.raises(RuntimeError, match=r"Linear\(3, 2\): backward needs a call of the module"):
        nn.Linear(3, 2).backward(torch.ones(5, 2))


def test_a_second_backward_is_refused_and_adds_nothing():
    net = nn.Linear(3, 2)
    net(torch.rand(5, 3))
    net.backward(torch.ones(5, 2))
    once = net.weight.grad.clone()
    with pytest.raises(RuntimeError, match="goes through each call once"):
        net.backward(torch.ones(5, 2))
    assert torch.equal(net.weight.grad, once)


def test_backward_after_a_call_that_failed_is_refused():
    net = nn.Linear(3, 2)
    net(torch.rand(5, 3))
    with pytest.raises(nn.LayerError):
        net(torch.rand(5, 4))
    with pytest.raises(RuntimeError, match="backward needs a call"):
        net.backward(torch.ones(5, 2))


@pytest.mark.parametrize(
    ("g", "got"),
    [
        (torch.ones(2), r"\(2,\) torch.float32"),
        (torch.ones(5, 3), r"\(5, 3\) torch.float32"),
        (torch.ones(1, 2), r"\(1, 2\) torch.float32"),
        (torch.ones(5, 2, dtype=torch.float64), r"\(5, 2\) torch.float64"),
        (torch.ones(5, 2, device="meta"), r"\(5, 2\) torch.float32 on meta"),
        (1.0, "a float"),
        (None, "None"),
        ((torch.ones(5, 2),), "a tuple of"),
    ],
)
def test_an_incoming_gradient_that_does_not_fit_is_refused(g, got):
    net = nn.Linear(3, 2)
    net(torch.rand(5, 3))
    expected = rf"Linear\(3, 2\): expected dL/dy of \(5, 2\) torch.float32 on cpu, got {got}"
    with pytest.raises(nn.LayerError, match=expected):
        net.backward(g)
    assert not net.weight.grad.any()


@pytest.mark.parametrize("make", [lambda value: value, float, lambda value: value.reshape(1, 1)])
def test_a_number_in_the_place_of_the_gradient_is_told_the_two_halves(make):
    net, criterion = nn.Linear(3, 2), nn.MSELoss()
    value = criterion(net(torch.rand(5, 3)), torch.zeros(5, 2))
    with pytest.raises(nn.LayerError, match=r"; write net.backward\(criterion.backward\(\)\): the"):
        net.backward(make(value))


def test_after_a_wrong_gradient_the_right_one_is_taken():
    net = nn.Linear(3, 2)
    net(torch.rand(5, 3))
    with pytest.raises(nn.LayerError):
        net.backward(torch.ones(5, 3))
    assert net.backward(torch.ones(5, 2)).shape == (5, 3)


def test_a_gradient_by_name_must_have_the_names_of_the_output():
    net = nn.Heads(a=nn.Linear(3, 2), b=nn.Linear(3, 1))
    net(torch.rand(5, 3))
    with pytest.raises(nn.LayerError, match=r"'a': \(5, 2\).*'b': \(5, 1\).*got \{'a': \(5, 2\)"):
        net.backward({"a": torch.ones(5, 2)})


def test_gradients_add_up_until_they_are_cleared():
    net, x, g = nn.Linear(3, 2), torch.rand(5, 3), torch.rand(5, 2)
    net(x)
    net.backward(g)
    once = net.weight.grad.clone()
    net(x)
    net.backward(g)
    assert torch.allclose(net.weight.grad, 2 * once)
    net.zero_grad()
    assert not net.weight.grad.any()


def test_clearing_is_in_place():
    net = nn.Linear(3, 2)
    held = net.weight.grad
    net.zero_grad()
    assert net.weight.grad is held


# names


def test_paths_are_torchs_names():
    assert [name for name, _ in two_layers().named_parameters()] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]


def test_a_tied_parameter_is_named_once():
    assert [name for name, _ in tied().named_parameters()] == ["0.weight", "0.bias", "2.bias"]
    every = [name for name, _ in tied().named_parameters(remove_duplicate=False)]
    assert every == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_a_module_used_twice_is_named_once():
    layer = nn.Linear(3, 3)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert [path for path, _ in net.named_modules()] == ["", "0", "1"]
    assert [path for path, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1", "2"]
    assert len(list(net.modules())) == 3


def test_paths_may_start_with_a_prefix():
    assert [path for path, _ in two_layers().named_modules("net")][:2] == ["net", "net.0"]


def test_a_state_dict_holds_the_tensors_themselves():
    net = nn.Linear(3, 2)
    assert net.state_dict()["weight"] is net.weight.data


def test_train_and_eval_reach_every_module():
    net = nn.Sequential(nn.Residual(nn.Sequential(nn.Linear(2, 2), nn.Dropout())))
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert all(module.training for module in net.modules())


def test_a_parameter_shows_its_shape_dtype_and_device():
    assert repr(nn.Linear(3, 2).weight) == "Parameter((2, 3), torch.float32, cpu)"
    assert repr(nn.BatchNorm1d(3).running_mean) == "Buffer((3,), torch.float32, cpu)"


def test_a_net_shows_its_layers():
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Residual(nn.Tanh()))
    assert repr(net) == (
        "Sequential(\n  (0): Linear(3, 4, bias=False)\n"
        "  (1): Residual(\n    (module): Tanh()\n  )\n)"
    )


# load_state_dict


def test_loading_copies_and_does_not_tie():
    a, b = two_layers(), two_layers()
    assert b.load_state_dict(a.state_dict()) == ([], [])
    a[0].weight.data.zero_()
    assert b[0].weight.data.any()


def wrong_states():
    whole = two_layers().state_dict()
    return {
        "missing": ({k: v for k, v in whole.items() if k != "2.bias"}, r"missing: 2\.bias"),
        "unexpected": ({**whole, "3.weight": torch.ones(1)}, r"unexpected: 3\.weight"),
        "mis-shaped": (
            {**whole, "0.weight": torch.ones(3, 4)},
            r"0\.weight: expected shape \(4, 3\), got \(3, 4\)",
        ),
        "broadcast": ({**whole, "0.bias": torch.ones(1)}, r"0\.bias: expected .* got \(1,\)"),
        "no tensor": ({**whole, "0.bias": [1.0] * 4}, r"0\.bias: expected .* got a list"),
    }


@pytest.mark.parametrize("kind", wrong_states())
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(kind):
    state, message = wrong_states()[kind]
    net = two_layers()
    before = copies(net)
    with pytest.raises(ValueError, match="state_dict does not fit Sequential: " + message):
        net.load_state_dict(state)
    assert equal(copies(net), before)


def test_all_that_is_wrong_is_listed_at_once():
    state = {"0.weight": torch.ones(2), "x": torch.ones(1), "y": torch.ones(1)}
    with pytest.raises(ValueError, match="missing") as caught:
        two_layers().load_state_dict(state)
    for part in ("missing: 0.bias, 2.weight, 2.bias", "unexpected: x, y", "0.weight: expected"):
        assert part in str(caught.value)


def test_other_names_are_taken_in_order_where_that_is_said():
    a, b = two_layers(), two_layers()
    state = {f"layers.{i}": t for i, t in enumerate(a.state_dict().values())}
    with pytest.raises(ValueError, match=r'all shapes fit in order: .*rename="order"'):
        b.load_state_dict(state)
    assert b.load_state_dict(state, rename="order") == ([], [])
    assert equal(copies(a), copies(b))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.popitem(), "in order of 4 tensors, got 3"),
        (lambda state: state.update(x=torch.ones(1)), "in order of 4 tensors, got 5"),
        (lambda state: state.update({"2.weight": torch.ones(4, 2)}), "got \\(4, 2\\)"),
    ],
    ids=["fewer", "more", "transposed"],
)
def test_what_does_not_fit_in_order_is_refused_and_nothing_changes(change, message):
    net = two_layers()
    state, before = dict(two_layers().state_dict()), copies(net)
    change(state)
    with pytest.raises(ValueError, match=message):
        net.load_state_dict(state, rename="order")
    with pytest.raises(ValueError, match="rename: expected None or 'order', got 'names'"):
        net.load_state_dict(state, rename="names")
    assert equal(copies(net), before)


def test_what_is_said_of_a_large_net_fits_a_screen():
    net = nn.Sequential(*(nn.Linear(3, 3) for _ in range(200)))
    state = {f"body.{name}": t[:2] for name, t in net.state_dict().items()}
    state |= {name: t[:2] for name, t in list(net.state_dict().items())[:100]}
    with pytest.raises(ValueError, match="and 394 more") as caught:
        net.load_state_dict(state)
    assert len(str(caught.value)) < 1000


def test_not_strict_takes_what_there_is_and_says_what_it_passed_over():
    net = two_layers()
    other = net[2].weight.data.clone()
    result = net.load_state_dict({"0.bias": torch.ones(4), "x": torch.ones(1)}, strict=False)
    assert net[0].bias.data.tolist() == [1, 1, 1, 1]
    assert torch.equal(net[2].weight.data, other)
    assert result.missing_keys == ["0.weight", "2.weight", "2.bias"]
    assert result.unexpected_keys == ["x"]


def test_not_strict_refuses_wrong_shapes_all_the_same():
    net = two_layers()
    before = copies(net)
    state = {"0.bias": torch.ones(4), "2.bias": torch.ones(3)}
    with pytest.raises(ValueError, match=r"2\.bias: expected shape \(2,\), got \(3,\)"):
        net.load_state_dict(state, strict=False)
    assert equal(copies(net), before)


def test_buffers_are_loaded_too():
    a, b = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    a(torch.rand(5, 3))
    b.load_state_dict(a.state_dict())
    assert equal(copies(b), copies(a))
    assert int(b.num_batches_tracked.data) == 1


# ties


def test_a_tie_stays_when_a_state_is_loaded():
    net = tied()
    net.load_state_dict(tied().state_dict())
    assert net[0].weight is net[2].weight


def test_a_tied_parameter_has_the_gradients_of_both_uses():
    net, x = tied(), odd(5, 3).float()
    twin = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3))
    twin.load_state_dict(net.state_dict())
    twin[2].weight = twin[0].weight
    net(x)
    net.backward(torch.ones(5, 3))
    twin(x).sum().backward()
    assert torch.allclose(net[0].weight.grad, twin[0].weight.grad, rtol=1e-5)


def test_replicas_keep_a_tie():
    cohort = tied().replicate(2, [1, 2])
    assert cohort[0].weight is cohort[2].weight
    net = cohort.replica(1)
    assert net[0].weight is net[2].weight


def test_an_optimizer_keeps_a_tie_and_steps_it_once():
    net = tied()
    before = net[0].weight.data.clone()
    optimizer = optim.SGD(net, lr=0.5)
    net[0].weight.grad.fill_(1.0)
    optimizer.step()
    assert net[0].weight is net[2].weight
    assert torch.allclose(net[0].weight.data, before - 0.5)


def test_conversion_keeps_a_tie():
    net = tied().to(torch.float64)
    assert net[0].weight is net[2].weight
    assert net[0].weight.grad.dtype == torch.float64


# to


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((torch.float64,), {}),
        (("cpu", torch.float64), {}),
        ((torch.float64, "cpu"), {}),
        ((torch.device("cpu"), torch.float64), {}),
        ((), {"dtype": torch.float64}),
        ((), {"device": "cpu", "dtype": torch.float64}),
        (("cpu",), {"dtype": torch.float64}),
    ],
)
def test_the_forms_of_to(args, kwargs):
    net = nn.Linear(3, 2)
    assert net.to(*args, **kwargs) is net
    assert {p.data.dtype for p in net.parameters()} == {torch.float64}
    assert {p.grad.dtype for p in net.parameters()} == {torch.float64}


@pytest.mark.parametrize("form", [("meta",), (torch.device("meta"),)])
def test_to_another_device(form):
    net = nn.Linear(3, 2).to(*form)
    assert {p.data.device.type for p in net.parameters()} == {"meta"}
    assert net.weight.data.dtype == torch.float32


def test_to_nowhere_changes_nothing():
    net = nn.Linear(3, 2)
    held = net.weight.data
    assert net.to().weight.data is held


def test_whole_numbers_stay_whole():
    net = nn.BatchNorm1d(3).to(torch.float64)
    assert net.running_mean.data.dtype == torch.float64
    assert net.num_batches_tracked.data.dtype == torch.int64


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_a_net_of_whole_numbers_is_refused(dtype):
    net = nn.Linear(3, 2)
    with pytest.raises(TypeError, match="floating dtype, got torch"):
        net.to(dtype)
    assert net.weight.data.dtype == torch.float32


def test_an_optimizer_built_before_a_move_says_so():
    net = nn.Linear(3, 2)
    optimizer = optim.SGD(net, lr=0.1)
    net.to(torch.float64)
    with pytest.raises(RuntimeError, match=r"build the optimizer after \.to\(\)"):
        optimizer.step()


# cohorts


def test_without_seeds_each_replica_is_a_copy():
    net = two_layers()
    cohort = net.replicate(3)
    assert cohort is not net
    assert all(equal(copies(cohort.replica(k)), copies(net)) for k in range(3))


def test_with_seeds_replica_k_is_what_initialize_makes():
    net = two_layers()
    cohort = net.replicate(2, [5, 6])
    assert equal(copies(cohort.replica(1)), copies(net.initialize(6)))


def test_replicating_leaves_the_net_as_it_was():
    net = two_layers()
    before = copies(net)
    net.replicate(2, [5, 6])
    assert equal(copies(net), before)
    assert net.replicas is None


def test_replicas_share_nothing():
    cohort = two_layers().replicate(2)
    cohort[0].weight.data[0].zero_()
    assert cohort[0].weight.data[1].any()
    net = cohort.replica(1)
    net[0].weight.data.zero_()
    assert cohort[0].weight.data[1].any()


def test_a_replica_takes_its_gradient_and_its_buffers_along():
    cohort = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).replicate(2, [1, 2])
    cohort(torch.rand(2, 5, 3))
    cohort.backward(torch.rand(2, 5, 2))
    net = cohort.replica(1)
    assert torch.equal(net[0].weight.grad, cohort[0].weight.grad[1])
    assert torch.equal(net[1].running_mean.data, cohort[1].running_mean.data[1])


def test_a_cohort_cannot_be_replicated_again():
    with pytest.raises(ValueError, match="Sequential is a cohort of 2 already"):
        two_layers().replicate(2).replicate(3)


@pytest.mark.parametrize("K", [0, -1])
def test_a_cohort_has_a_replica(K):
    with pytest.raises(ValueError, match=f"at least one replica, got {K}"):
        two_layers().replicate(K)


def test_a_replica_has_a_number():
    with pytest.raises(TypeError, match="k: expected a whole number, got 'a'"):
        nn.Linear(3, 2).replicate(2).replica("a")


def test_a_plain_net_has_no_replicas():
    with pytest.raises(ValueError, match=r"Linear\(3, 2\) is not a cohort"):
        nn.Linear(3, 2).replica(0)


@pytest.mark.parametrize("k", [-1, 2])
def test_a_replica_that_is_not_there(k):
    with pytest.raises(IndexError, match=f"replica {k} of a cohort of 2"):
        nn.Linear(3, 2).replicate(2).replica(k)


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3], 7])
def test_a_cohort_of_two_takes_two_seeds(seeds):
    given = 1 if seeds == 7 else len(seeds)
    with pytest.raises(ValueError, match=rf"Linear\(3, 2\): expected 2 seeds, got {given}"):
        nn.Linear(3, 2).replicate(2).initialize(seeds)


def test_a_plain_net_takes_one_seed():
    with pytest.raises(ValueError, match=r"expected 1 seed, got 2"):
        nn.Linear(3, 2).initialize([1, 2])


def test_a_cohort_refuses_a_batch_for_another_number_of_replicas():
    net = nn.Sequential(nn.Tanh()).replicate(2)
    with pytest.raises(nn.LayerError, match=r"expected 2 replicas, or 1 for all, first; got \(3"):
        net(torch.rand(3, 5, 2))


def test_a_number_of_each_replica_goes_with_it():
    cohort = nn.Sequential(nn.Dropout(torch.tensor([0.25, 0.75]))).replicate(2)
    assert [cohort.replica(k)[0].p for k in range(2)] == [0.25, 0.75]
    assert isinstance(cohort[0].p, torch.Tensor)


def test_a_replica_draws_on_as_the_cohort_would():
    cohort = nn.Sequential(nn.Dropout(0.5)).replicate(2, [3, 4])
    x = torch.ones(2, 50, 4)
    cohort(x)
    net = cohort.replica(1)
    assert torch.equal(net(x[1]), cohort(x)[1])


# initialize


def test_initialize_returns_the_net_and_draws_the_same_again():
    net = two_layers()
    assert net.initialize(3) is net
    first = copies(net)
    assert equal(copies(net.initialize(3)), first)
    assert not equal(copies(net.initialize(4)), first)


def test_another_head_changes_no_other_parameter():
    one = nn.Heads(main=two_layers()).initialize(3)
    two = nn.Heads(other=nn.Linear(3, 7), main=two_layers()).initialize(3)
    assert equal(copies(one.heads["main"]), copies(two.heads["main"]))


def test_the_global_generator_plays_no_part_in_it():
    before = torch.get_rng_state()
    net = two_layers()
    torch.set_rng_state(before)
    net.initialize(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_parameters_of_one_shape_differ():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).initialize(3)
    assert not torch.equal(net[0].weight.data, net[1].weight.data)


def test_a_parameter_that_was_given_stays():
    class Scale(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(torch.tensor([2.0]))

        def forward(self, x):
            return x * self.weight.data, lambda g: g * self.weight.data

    net = Scale().initialize(3)
    assert net.weight.data.tolist() == [2.0]


def test_initialize_starts_the_draws_anew():
    net = nn.Sequential(nn.Dropout(0.5)).initialize(3)
    x = torch.ones(50, 4)
    first = net(x)
    assert not torch.equal(net(x), first)
    assert torch.equal(net.initialize(3)(x), first)


def test_of_two_values_for_tied_parameters_the_last_counts():
    for i in range(12):
        first, second = nn.Linear(2, 2), nn.Linear(2, 2)
        second.weight = first.weight
        net = nn.Heads({f"a{i}": first, f"b{i}": second})
        state = {name: torch.zeros_like(t) for name, t in net.state_dict().items()}
        state[f"b{i}.weight"] = torch.ones(2, 2)
        net.load_state_dict(state)
        assert first.weight.data.all()


# wrong use is refused by the layer itself


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.GELU("erf"), "approximate is 'none' or 'tanh', got 'erf'"),
        (lambda: nn.Hardtanh(1.0, 1.0), "min_val must be below max_val, got 1.0 and 1.0"),
        (lambda: nn.Hardtanh(2.0, -2.0), "min_val must be below max_val"),
        (lambda: nn.Dropout(1.5), "p is a probability, from 0 to 1; got 1.5"),
        (lambda: nn.GroupNorm(2, 3), "num_groups must divide num_channels, got 2 and 3"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Flatten(2, 1), (2, 3, 4), r"Flatten\(.*\): expected start_dim before end_dim, got \(2"),
        (nn.Flatten(3), (2, 3), r"Flatten\(.*\): expected a tensor that has dimension 3, got \(2"),
        (nn.Unflatten(1, (2, 2)), (4, 6), r"Unflatten\(.*\): expected dimension 1 to fit, got \(4"),
        (nn.Unflatten(1, (4, -1)), (4, 6), r"Unflatten\(.*\): expected dimension 1 to fit"),
        (nn.Select(1, 2), (4, 2), r"Select\(1, 2\): expected 2 to be on dimension 1, got \(4, 2\)"),
        (nn.Select(1, -3), (4, 2), r"Select\(1, -3\): expected -3 to be on dimension 1"),
        (nn.Select(2, 0), (4, 2), r"Select\(2, 0\): expected a tensor that has dimension 2"),
        (nn.LogSoftmax(1), (), r"LogSoftmax\(dim=1\): expected a tensor that has dimension 1"),
        (nn.Softmax(0).replicate(3), (3,), r"Softmax\(dim=0\): .* a tensor that has dimension 0"),
    ],
)
def test_a_shape_that_cannot_be_rearranged_is_the_layers_own_error(layer, shape, message):
    with pytest.raises(nn.LayerError, match=message):
        layer(torch.rand(shape))


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nn.Linear(3, 2), torch.rand(4, 3, device="meta")),
        (nn.Conv2d(1, 2, 3), torch.rand(1, 1, 5, 5, device="meta")),
        (nn.LayerNorm(3), torch.rand(4, 3, device="meta")),
        (nn.Embedding(5, 3), torch.zeros(4, dtype=torch.int64, device="meta")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_tensor_on_another_device_is_the_layers_own_error(layer, x):
    name = type(layer).__name__
    with pytest.raises(nn.LayerError, match=rf"{name}.*: expected a tensor on cpu, got meta"):
        layer(x)


def test_bilinear_needs_a_pair():
    with pytest.raises(nn.LayerError, match=r"expected a pair \(…, 3\), \(…, 2\), got \(4, 3\)"):
        nn.Bilinear(3, 2, 1)(torch.rand(4, 3))


def test_bilinear_needs_as_many_of_each():
    with pytest.raises(nn.LayerError, match=r"expected a pair .*, got a tuple of \(4, 3\), \(5, 2"):
        nn.Bilinear(3, 2, 1)((torch.rand(4, 3), torch.rand(5, 2)))


def test_dropout_needs_a_number_for_each_replica():
    cohort = nn.Sequential(nn.Dropout(torch.tensor([0.1, 0.2]))).replicate(3)
    with pytest.raises(nn.LayerError, match="one p, or one for each of 3 replicas, got 2"):
        cohort(torch.rand(3, 4, 2))


# what autograd users bring along


def test_nothing_is_recorded_for_an_input_that_wants_a_gradient():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))
    optim.SGD(net, lr=0.1)
    criterion = nn.MSELoss()
    y = net(torch.rand(5, 3, requires_grad=True))
    loss = criterion(y, torch.rand(5, 2))
    net.backward(criterion.backward())
    tensors = [y, loss, *net.state_dict().values(), *(p.grad for p in net.parameters())]
    assert not any(t.requires_grad for t in tensors)


@pytest.mark.parametrize("change", ["input", "weight"])
def test_what_changed_since_the_call_is_an_error_and_no_wrong_gradient(change):
    layer, x = nn.Linear(3, 2), torch.rand(5, 3)
    layer(x)
    (x if change == "input" else layer.weight.data).zero_()
    with pytest.raises(RuntimeError, match="changed in place after the call"):
        layer.backward(torch.ones(5, 2))


def test_a_step_of_the_optimizer_is_such_a_change():
    layer = nn.Linear(3, 2)
    optimizer = optim.SGD(layer, lr=0.1)
    layer(torch.rand(5, 3))
    optimizer.step()
    with pytest.raises(RuntimeError, match="go back before the optimizer's step"):
        layer.backward(torch.ones(5, 2))


def test_several_inputs_are_one_tuple():
    layer, pair = nn.Bilinear(3, 2, 4), (torch.rand(5, 3), torch.rand(5, 2))
    assert torch.equal(layer(*pair), layer(pair))


def test_an_empty_batch_of_pairs_has_empty_gradients():
    layer = nn.Bilinear(3, 2, 4)
    y = layer(torch.rand(0, 3), torch.rand(0, 2))
    assert [tuple(d.shape) for d in layer.backward(y)] == [(0, 3), (0, 2)]


def test_sizes_are_not_negative():
    with pytest.raises(ValueError, match="Linear: sizes are whole numbers"):
        nn.Linear(-1, 2)


def test_a_dropout_with_a_lone_number_as_tensor_replicates():
    cohort = nn.Sequential(nn.Dropout(torch.tensor(0.5))).replicate(2, [1, 2])
    assert cohort(torch.ones(2, 3, 4)).shape == (2, 3, 4)
    assert cohort.replica(0)[0].p == 0.5


def test_names_of_heads_have_no_dots():
    with pytest.raises(ValueError, match="no dot"):
        nn.Heads({"x.0": nn.Linear(2, 2), "x": nn.Sequential(nn.Linear(2, 2))})


@pytest.mark.parametrize("container", [nn.Concat, nn.Sum])
def test_a_container_of_nothing_says_so(container):
    with pytest.raises(nn.LayerError, match="at least one module"):
        container()(torch.rand(2, 2))


def test_an_initialization_for_the_whole_net_reaches_every_weight():
    net = nn.Sequential(nn.Linear(3, 3), nn.PReLU(), nn.Residual(nn.Linear(3, 3)))
    net.initialize(1, init=nn.init.Zeros())
    linear = [net[0], net[2].module]
    assert not any(p.data.any() for layer in linear for p in layer.parameters())
    assert net[1].weight.data.item() == 0.25
    assert "init=Zeros()" in repr(net)
