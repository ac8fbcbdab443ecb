"""Containers: lists of modules, paths in errors, branches that share."""

from __future__ import annotations

import pytest
import torch

from chainrule import gradcheck, nn, optim
from chainrule.data import disk
from chainrule.train import Trainer
from tests.nn.cases import odd

LISTS = [nn.Sequential, nn.Parallel, nn.Concat, nn.Sum]
lists = pytest.mark.parametrize("cls", LISTS, ids=lambda cls: cls.__name__)


# lists of modules


@lists
def test_modules_one_by_one_or_in_one_list(cls):
    a, b = nn.Linear(3, 3), nn.Tanh()
    for net in (cls(a, b), cls([a, b]), cls((a, b))):
        assert list(net) == [a, b]
        assert len(net) == 2


@lists
def test_what_is_no_module_is_refused(cls):
    with pytest.raises(TypeError, match=rf"{cls.__name__}: expected a chainrule.nn.Module, got 3"):
        cls(nn.Tanh(), 3)


@lists
def test_a_module_by_its_index(cls):
    a, b = nn.Linear(3, 3), nn.Tanh()
    net = cls(a, b)
    assert net[0] is a
    assert net[-1] is b
    with pytest.raises(IndexError):
        net[2]


@lists
def test_a_module_can_be_replaced(cls):
    net, new = cls(nn.Linear(3, 3), nn.Tanh()), nn.ReLU()
    net[1] = new
    assert net[1] is new
    assert [name for name, _ in net.named_children()] == ["0", "1"]


def test_the_list_that_was_given_can_change_afterwards():
    layers = [nn.Tanh()]
    net = nn.Sequential(layers)
    layers.append(nn.ReLU())
    assert len(net) == 1


def test_a_slice_is_a_net_of_the_same_layers():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    part = net[1:]
    assert isinstance(part, nn.Sequential)
    assert list(part) == [net[1], net[2]]
    x = torch.rand(5, 3)
    assert torch.equal(part(net[:1](x)), net(x))


@pytest.mark.parametrize("part", [slice(None), slice(-2, None), slice(None, None, 2), slice(5, 9)])
def test_slices_are_those_of_a_list(part):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    assert list(net[part]) == net.layers[part]


def test_a_slice_keeps_the_mode_and_the_replicas():
    part = nn.Sequential(nn.Tanh(), nn.ReLU()).replicate(2).eval()[:1]
    assert part.replicas == 2
    assert not part.training


def test_an_empty_sequence_is_the_identity():
    net, x = nn.Sequential(), torch.rand(5, 3)
    assert torch.equal(net(x), x)
    assert torch.equal(net.backward(x), x)


def test_nothing_learned_is_nothing_to_accumulate():
    net = nn.Sequential(nn.Tanh(), nn.ReLU())
    net(torch.rand(5, 3))
    assert net.backward(torch.ones(5, 3), input_grad=False) is None


# errors say where


def layers(*, wrong: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 24), nn.ReLU(), wrong)


def message(net: nn.Module, x) -> str:
    with pytest.raises(nn.LayerError) as caught:
        net(x)
    return str(caught.value)


def test_the_path_of_a_layer():
    found = message(layers(wrong=nn.Linear(25, 2)), torch.rand(100, 3))
    assert found == "Sequential[2] Linear(25, 2): expected input (…, 25), got (100, 24)"


def test_a_long_path():
    net = nn.Sequential(
        nn.Residual(nn.Sequential(nn.Identity(), nn.Heads(main=nn.Concat(nn.Linear(9, 2)))))
    )
    assert message(net, torch.rand(4, 3)) == (
        "Sequential[0] Residual[module] Sequential[1] Heads[main] Concat[0] Linear(9, 2): "
        "expected input (…, 9), got (4, 3)"
    )


@pytest.mark.parametrize(
    ("net", "x", "where"),
    [
        (nn.Siamese(nn.Linear(9, 2)), (4, 2, 3), "Siamese[module] Linear(9, 2)"),
        (nn.Siamese(nn.Linear(9, 2), share=False), (4, 2, 3), "Siamese[module] Linear(9, 2)"),
        (nn.Sum(nn.Linear(3, 2), nn.Linear(9, 2)), (4, 3), "Sum[1] Linear(9, 2)"),
        (nn.Parallel(nn.Linear(9, 2)), [(4, 3)], "Parallel[0] Linear(9, 2)"),
    ],
)
def test_the_path_in_each_container(net, x, where):
    x = tuple(map(torch.rand, x)) if isinstance(x, list) else torch.rand(x)
    assert message(net, x).startswith(f"{where}: expected input (…, 9), got (")


def test_the_second_of_two_modules_is_called_other():
    net = nn.Siamese(nn.Linear(3, 2), share=False)
    net.other = nn.Linear(9, 2)
    assert message(net, torch.rand(4, 2, 3)).startswith("Siamese[other] Linear(9, 2)")


@pytest.mark.parametrize(
    ("net", "x", "problem"),
    [
        (
            nn.Parallel(nn.Tanh(), nn.ReLU()),
            (torch.rand(2, 3),),
            "Parallel: expected a tuple of 2 inputs, got a tuple of (2, 3)",
        ),
        (
            nn.Parallel(nn.Tanh(), nn.ReLU()),
            torch.rand(2, 3),
            "Parallel: expected a tuple of 2 inputs, got (2, 3)",
        ),
        (
            nn.Sum(nn.Linear(3, 2), nn.Linear(3, 4)),
            torch.rand(5, 3),
            "Sum: expected outputs of one shape, got a tuple of (5, 2), (5, 4)",
        ),
        (
            nn.Residual(nn.Linear(3, 2)),
            torch.rand(5, 3),
            "Residual: expected an output like the input (5, 3), got (5, 2)",
        ),
        (
            nn.Siamese(nn.Tanh()),
            (torch.rand(5, 3),) * 3,
            "Siamese: expected a pair of inputs, got a tuple of (5, 3), (5, 3), (5, 3)",
        ),
        (
            nn.Siamese(nn.Tanh()),
            torch.rand(5, 3),
            "Siamese: expected a pair, or a tensor (N, 2, …), got (5, 3)",
        ),
        (
            nn.Siamese(nn.Tanh()),
            torch.rand(5),
            "Siamese: expected a pair, or a tensor (N, 2, …), got (5,)",
        ),
    ],
)
def test_containers_have_errors_of_their_own(net, x, problem):
    assert message(net, x) == problem


def test_an_error_keeps_the_module_and_the_problem_apart():
    with pytest.raises(nn.LayerError) as caught:
        layers(wrong=nn.Linear(25, 2))(torch.rand(4, 3))
    error = caught.value
    assert error.module.label() == "Linear(25, 2)"
    assert error.path == "Sequential[2]"
    assert error.problem == "expected input (…, 25), got (4, 24)"


# branches


def test_branches_leave_the_incoming_gradient_alone():
    net = nn.Sum(nn.Identity(), nn.Identity(), nn.Identity())
    net(torch.rand(5, 3))
    g = torch.rand(5, 3)
    before = g.clone()
    assert torch.allclose(net.backward(g), 3 * before)
    assert torch.equal(g, before)


@pytest.mark.parametrize("cls", [nn.Heads, nn.Concat, nn.Sum])
def test_branches_take_tuples_and_give_their_gradients_back(cls):
    """What flows between modules may be a tuple: two branches over a pair."""
    pair = (odd(4, 3), odd(4, 2, seed=1))
    branches = [nn.Bilinear(3, 2, 2, dtype=torch.float64) for _ in range(2)]
    net = nn.Heads(a=branches[0], b=branches[1]) if cls is nn.Heads else cls(*branches)
    report = gradcheck(net, pair)
    assert report, report


@pytest.mark.parametrize("dim", [1, -1])
def test_concat_counts_dimensions_without_the_replicas(dim):
    net = nn.Concat(nn.Identity(), nn.Tanh(), dim=dim)
    assert net(torch.rand(5, 3)).shape == (5, 6)
    assert net.replicate(2)(torch.rand(2, 5, 3)).shape == (2, 5, 6)


def test_without_sharing_the_two_modules_start_apart():
    net = nn.Siamese(nn.Linear(3, 2), share=False)
    assert not torch.equal(net.module.weight.data, net.other.weight.data)
    assert [name for name, _ in net.named_children()] == ["module", "other"]


def test_with_sharing_there_is_one_module():
    assert [name for name, _ in nn.Siamese(nn.Linear(3, 2)).named_children()] == ["module"]


def encoder(share: bool = True) -> nn.Siamese:
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(torch.float64)
    return nn.Siamese(module, share)


def test_together_is_twice():
    x, g, net = odd(5, 2, 3), odd(5, 2, 2, seed=1), encoder()
    y = net(x)
    dx = net.backward(g)
    together = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    twice = net((x[:, 0], x[:, 1]))
    dx_twice = net.backward((g[:, 0], g[:, 1]))
    assert torch.allclose(y, torch.stack(twice, 1), rtol=1e-12)
    assert torch.allclose(dx, torch.stack(dx_twice, 1), rtol=1e-12)
    for a, b in zip(together, net.parameters(), strict=True):
        assert torch.allclose(a, b.grad, rtol=1e-12)


def test_together_is_one_use_on_a_batch_twice_as_long():
    seen = []

    class Count(nn.Module):
        def forward(self, x):
            seen.append(tuple(x.shape))
            return x, lambda g: g

    nn.Siamese(Count())(torch.rand(5, 2, 3))
    assert seen == [(10, 3)]


def batch_norm_branch() -> nn.BatchNorm1d:
    return nn.BatchNorm1d(3, dtype=torch.float64)


@pytest.mark.parametrize("form", ["pair", "tensor"])
def test_batch_norm_in_a_shared_branch_learns_from_each_use_in_order(form):
    """r₁ = (1 − m) r₀ + m batch₁, then r₂ = (1 − m) r₁ + m batch₂."""
    x = odd(5, 2, 3)
    norm, alone = batch_norm_branch(), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    net = nn.Siamese(norm)
    y = net(x if form == "tensor" else (x[:, 0], x[:, 1]))
    expected = [alone(x[:, 0]), alone(x[:, 1])]
    assert int(norm.num_batches_tracked.data) == 2
    assert torch.allclose(norm.running_mean.data, alone.running_mean)
    assert torch.allclose(norm.running_var.data, alone.running_var)
    y = y.unbind(1) if form == "tensor" else y
    assert all(torch.allclose(a, b) for a, b in zip(y, expected, strict=True))


def test_together_batch_norm_is_used_once_on_both_branches():
    x = odd(5, 2, 3)
    norm, alone = batch_norm_branch(), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    y = nn.Siamese(norm, joint_batch=True)(x)
    assert torch.allclose(y.flatten(0, 1), alone(x.flatten(0, 1)))
    assert torch.allclose(norm.running_var.data, alone.running_var)


def test_together_needs_sharing_and_one_tensor():
    with pytest.raises(ValueError, match="joint_batch is for a shared module"):
        nn.Siamese(nn.Tanh(), share=False, joint_batch=True)
    net = nn.Siamese(nn.Tanh(), joint_batch=True)
    pair = (torch.rand(5, 3), torch.rand(5, 3))
    assert message(net, pair).startswith("Siamese: expected a tensor (N, 2, …), got a tuple")


def test_batch_norm_deep_in_a_shared_branch_is_found():
    net = nn.Siamese(nn.Sequential(nn.Identity(), nn.Residual(batch_norm_branch())))
    report = gradcheck(net, odd(5, 2, 3))
    assert report, report
    net(odd(5, 2, 3))
    assert int(net.module[1].module.num_batches_tracked.data) == 2


def test_without_sharing_each_batch_norm_learns_from_its_own_branch():
    x = odd(5, 2, 3)
    net = nn.Siamese(batch_norm_branch(), share=False)
    net(x)
    assert torch.allclose(net.module.running_mean.data, 0.1 * x[:, 0].mean(0))
    assert torch.allclose(net.other.running_mean.data, 0.1 * x[:, 1].mean(0))


# what is not so yet


def test_concat_of_outputs_that_do_not_fit_is_its_own_error():
    net = nn.Concat(nn.Flatten(), nn.Identity())
    assert message(net, torch.rand(2, 3, 4)).startswith("Concat: expected")


def test_concat_along_an_axis_that_is_not_there_is_its_own_error():
    assert message(nn.Concat(nn.Identity(), dim=5), torch.rand(2, 3)).startswith("Concat: expected")


def test_concat_with_a_skip_takes_one_batch_for_all_replicas():
    cohort = nn.Concat(nn.Linear(3, 4), nn.Identity()).replicate(2)
    assert cohort(torch.rand(1, 5, 3)).shape == (2, 5, 7)


def test_a_sum_with_a_skip_takes_one_batch_for_all_replicas():
    cohort = nn.Sum(nn.Linear(3, 3), nn.Identity()).replicate(2)
    assert cohort(torch.rand(1, 5, 3)).shape == (2, 5, 3)


def test_a_cohort_with_a_skip_is_evaluated_on_a_plain_data_set():
    net = nn.Sequential(nn.Concat(nn.Linear(2, 4), nn.Identity()), nn.Linear(6, 2)).replicate(2)
    trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=0.1))
    history = trainer.fit(disk(20), disk(20), epochs=1)
    assert history["test_loss"].shape == (1, 2)


@pytest.mark.parametrize(
    "make", [lambda: nn.Softmax(0), lambda: nn.LogSoftmax(0), lambda: nn.Flatten(0)]
)
def test_together_is_twice_for_a_layer_that_mixes_samples(make):
    x, net = odd(4, 2, 3), nn.Siamese(make())
    assert torch.allclose(net(x), torch.stack(net((x[:, 0], x[:, 1])), 1))


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Siamese(nn.Embedding(5, 3)), (4, 2)),
        (nn.Sequential(nn.Select(1, 0), nn.Embedding(5, 3)), (4, 2)),
        (nn.Sequential(nn.Flatten(), nn.Embedding(5, 3)), (4, 2, 2)),
    ],
)
def test_whole_numbers_may_be_rearranged_before_an_embedding(net, shape):
    y = net(torch.zeros(shape, dtype=torch.int64))
    assert net.backward(torch.ones_like(y)) is None
