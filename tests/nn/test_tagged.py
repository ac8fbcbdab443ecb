"""A gradient goes back through the call that its output came of, and through no other."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from chainrule import nn
from chainrule.nn.tagged import find_calls

ANOTHER = "dL/dy is that of another call"


@pytest.fixture
def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).initialize(0)


@pytest.fixture
def target() -> Tensor:
    return torch.tensor([0, 1, 1])


TRAIN, TEST = torch.tensor([[1.0, 2], [3, -1], [0.5, 2]]), torch.tensor([[7.0, -2], [3, 5], [1, 1]])


def gradient(net: nn.Module, x, target, criterion: nn.Loss) -> list[Tensor]:
    net.zero_grad()
    criterion(net(x), target)
    net.backward(criterion.backward())
    return [p.grad.clone() for p in net.parameters()]


# the wrong points


def test_a_net_that_was_called_after_the_loss_refuses_its_gradient(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    net(TEST)
    with pytest.raises(RuntimeError, match=rf"Sequential: {ANOTHER}"):
        net.backward(criterion.backward())
    assert not any(p.grad.any() for p in net.parameters())


def test_a_net_that_was_called_before_the_loss_refuses_it_too(net, target):
    criterion = nn.CrossEntropyLoss()
    y = net(TRAIN)
    net(TEST)
    criterion(y, target)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(criterion.backward())


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g * 0.5,
        lambda g: 0.5 * g,
        lambda g: g.clone(),
        lambda g: g / 3 + 1,
        lambda g: g.clamp(-1, 1),
        lambda g: g.mul_(2),
        lambda g: torch.where(g > 0, g, 0.0),
        lambda g: torch.cat([g[:1], g[1:]]),
        lambda g: torch.stack(g.unbind(0)),
        lambda g: g.sort(0).values,
        lambda g: g.detach(),
    ],
)
def test_what_is_computed_from_a_gradient_is_refused_as_it_is(net, target, change):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    net(TEST)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(change(criterion.backward()))


def test_a_loss_of_something_of_the_output_is_followed_by_its_time():
    net = nn.Linear(2, 1).initialize(0)
    criterion = nn.MSELoss()
    criterion(2 * net(TRAIN).squeeze(1), torch.ones(3))
    net(TEST)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(2 * criterion.backward().unsqueeze(1))


def test_a_loss_of_a_view_of_the_output_is_followed_by_it():
    net = nn.Linear(2, 1).initialize(0)
    criterion = nn.MSELoss()
    y = net(TRAIN)
    net(TEST)
    criterion(y.squeeze(1), torch.ones(3))
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(criterion.backward().unsqueeze(1))


@pytest.mark.parametrize(
    "compute",
    [
        lambda y, _: 2 * y,
        lambda y, _: y.detach().clone(),
        lambda y, _: torch.stack([y, y]).mean(0),
        lambda y, z: torch.cat([y, z])[:3],
        lambda y, z: torch.where(y > z, y, z),
    ],
)
def test_a_loss_of_what_was_computed_from_another_call_is_refused_whenever_it_is_taken(
    net, target, compute
):
    criterion = nn.CrossEntropyLoss()
    y = net(TRAIN)
    criterion(compute(y, net(TEST)), target)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(criterion.backward())


def test_a_gradient_at_what_a_module_gave_back_as_it_is_belongs_to_where_it_came_from(target):
    first, second, criterion = nn.Linear(2, 2).initialize(0), nn.Identity(), nn.CrossEntropyLoss()
    criterion(second(first(TRAIN)), target)
    g = criterion.backward()
    first.backward(g)
    first(TEST)
    with pytest.raises(RuntimeError, match=ANOTHER):
        first.backward(g)


def test_a_module_may_be_called_on_its_own_output(target):
    net, criterion = nn.Linear(2, 2).initialize(0), nn.CrossEntropyLoss()
    criterion(net(net(TRAIN)), target)
    net.backward(criterion.backward())


def test_what_came_of_very_many_calls_knows_of_the_last_ones(net):
    total = sum(net(TRAIN) for _ in range(200))
    assert len(find_calls(total)[""]) == 64


def test_one_wrong_head_of_several_is_enough(target):
    net = nn.Heads(a=nn.Linear(2, 2), b=nn.Linear(2, 2)).initialize(0)
    criterion = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.CrossEntropyLoss()})
    old, new = net(TRAIN), net(TEST)
    criterion({"a": new["a"], "b": old["b"]}, {"a": target, "b": target})
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(criterion.backward())


def test_of_modules_composed_by_hand_the_one_called_since_refuses(net, target):
    first, second = net[0], net[2]
    criterion = nn.CrossEntropyLoss()
    criterion(second(first(TRAIN)), target)
    first(TEST)
    g = second.backward(criterion.backward())
    with pytest.raises(RuntimeError, match=rf"Linear\(2, 4\): {ANOTHER}"):
        first.backward(g)


def test_a_cohort_refuses_it(net, target):
    cohort = net.replicate(3, seeds=[0, 1, 2])
    criterion = nn.CrossEntropyLoss().replicate(3)
    criterion(cohort(TRAIN[None]), target[None])
    cohort(TEST[None])
    with pytest.raises(RuntimeError, match=ANOTHER):
        cohort.backward(criterion.backward())


def test_the_sum_of_two_calls_gradients_is_refused(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    g = criterion.backward()
    criterion(net(TEST), target)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(g + criterion.backward())


# the right ones


def test_after_the_refusal_the_pair_is_made_anew(net, target):
    criterion = nn.CrossEntropyLoss()
    expected = gradient(net, TRAIN, target, criterion)
    criterion(net(TRAIN), target)
    net(TEST)
    with pytest.raises(RuntimeError, match=ANOTHER):
        net.backward(criterion.backward())
    assert all(map(torch.equal, gradient(net, TRAIN, target, criterion), expected))


def test_a_gradient_by_hand_is_taken(net):
    net(TEST)
    assert net.backward(torch.ones(3, 2)).shape == (3, 2)


def test_two_losses_of_one_output_add_up(net, target):
    a, b = nn.CrossEntropyLoss(), nn.MSELoss()
    y = net(TRAIN)
    a(y, target), b(y, torch.ones(3, 2))
    assert net.backward(a.backward() + 0.5 * b.backward()) is not None


def test_the_gradient_at_test_points_may_be_wanted(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    criterion(net(TEST), target)
    net.backward(criterion.backward())


def test_modules_composed_by_hand_go_back_in_their_order(net, target):
    expected = gradient(net, TRAIN, target, nn.CrossEntropyLoss())
    criterion = nn.CrossEntropyLoss()
    net.zero_grad()
    criterion(net[2](net[1](net[0](TRAIN))), target)
    net[0].backward(net[1].backward(net[2].backward(criterion.backward())))
    assert all(torch.equal(p.grad, e) for p, e in zip(net.parameters(), expected, strict=True))


def test_a_module_that_gives_its_input_back_is_no_stranger(target):
    first, second = nn.Linear(2, 2).initialize(0), nn.Identity()
    criterion = nn.CrossEntropyLoss()
    criterion(second(first(TRAIN)), target)
    first.backward(second.backward(criterion.backward()))
    assert first.weight.grad.any()


def test_another_net_may_take_the_same_gradient(net, target):
    twin, criterion = copy.deepcopy(net), nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    g = criterion.backward()
    twin(TRAIN)
    net.backward(g), twin.backward(g)
    assert torch.equal(net[0].weight.grad, twin[0].weight.grad)


def test_pairs_go_back_through_a_siamese_net(target):
    net = nn.Siamese(nn.Linear(2, 2)).initialize(0)
    criterion = nn.CrossEntropyLoss()
    y1, _ = net(TRAIN, TEST)
    criterion(y1, target)
    g1, g2 = net.backward((criterion.backward(), torch.zeros(3, 2)))
    assert g1.any()
    assert not g2.any()


# what is handed out is a tensor like any other


def test_an_input_gradient_of_data_is_a_plain_tensor(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    assert type(net.backward(criterion.backward())) is Tensor


def test_a_parameters_gradient_is_a_plain_tensor(net, target):
    criterion = nn.CrossEntropyLoss()
    y, rule = net.forward(TRAIN)
    criterion(y, target)
    held = net[0].weight.grad
    rule(criterion.backward())
    assert net[0].weight.grad is held
    assert type(held) is Tensor


def test_an_input_with_a_tag_gives_an_output_without_it(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    assert type(net(criterion.backward())) is type(net(TRAIN))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_or_a_file_is_plain(net, target, copied):
    criterion = nn.CrossEntropyLoss()
    y = net(TRAIN)
    for t in (y, criterion(y, target), criterion.backward()):
        assert type(copied(t)) is Tensor
        assert torch.equal(copied(t), t)


def test_the_value_of_a_loss_prints_and_counts_as_a_number(net, target):
    value = nn.CrossEntropyLoss()(net(TRAIN), target)
    assert repr(value) == repr(torch.tensor(value.item()))
    assert f"{value:.3f}" == f"{value.item():.3f}"
    assert torch.stack([value, value]).tolist() == [value.item()] * 2
    assert value.reshape(1).max(0).values == value


@pytest.mark.parametrize(
    "change", [lambda t: t, lambda t: 0.5 * t, lambda t: t + t, lambda t: t.mean()]
)
def test_a_value_has_no_backward_of_its_own(net, target, change):
    value = nn.CrossEntropyLoss(label_smoothing=0.1)(net(TRAIN), target)
    message = r"value of CrossEntropyLoss\(label_smoothing=0.1\).*net.backward\(criterion.backwa"
    with pytest.raises(RuntimeError, match=message):
        change(value).backward()


@pytest.mark.parametrize(
    "loss",
    [
        lambda y: y.sum(),
        lambda y: (y - 1).square().mean(),
        lambda y: (1 - y).abs().max(),
        lambda y: torch.stack([row.mean() for row in y]).mean(),
        lambda y: -y.log_softmax(1)[torch.arange(3), torch.tensor([0, 1, 1])].mean(),
        lambda y: torch.nn.functional.cross_entropy(y, torch.tensor([0, 1, 1])),
    ],
)
def test_what_is_computed_from_an_output_has_no_backward_of_its_own(net, loss):
    message = r"the output of Sequential is .* without a graph.*net.backward\(criterion.backward"
    with pytest.raises(RuntimeError, match=message):
        loss(net(TRAIN)).backward()


def test_each_head_is_an_output(net):
    heads = nn.Heads(a=nn.Linear(2, 2), b=nn.Linear(2, 1)).initialize(0)
    for y in heads(TRAIN).values():
        with pytest.raises(RuntimeError, match="the output of Heads"):
            y.sum().backward()


def test_torch_goes_back_through_what_it_was_told_to_record(net):
    y = net(TRAIN).requires_grad_()
    (y - 1).square().mean().backward()
    criterion = nn.MSELoss()
    criterion(net(TRAIN), torch.ones(3, 2))
    torch.testing.assert_close(y.grad, criterion.backward())
    assert net.backward(y.grad).shape == (3, 2)


def test_a_gradient_times_an_output_or_a_value_is_still_a_gradient(net, target):
    criterion = nn.CrossEntropyLoss()
    value = criterion(net(TRAIN), target)
    g, y = criterion.backward(), net(TEST)
    for product in (value * g, g * value, y * g, g * y):
        with pytest.raises(RuntimeError, match=ANOTHER):
            net.backward(product)


def test_an_output_may_be_changed_in_place_and_tells_numpy(net):
    y = net(TRAIN)
    expected = y.numpy() * 2
    y *= 2
    assert (y.numpy() == expected).all()
    assert repr(y) == repr(torch.from_numpy(expected))


def test_class_numbers_are_no_output():
    assert type(nn.Identity()(torch.tensor([1, 2]))) is Tensor


class Pair(NamedTuple):
    """What a user's module may give."""

    mean: Tensor
    size: int


class Moments(nn.Module):
    """Calls its child where it would compose its rule, and gives a named tuple."""

    def __init__(self) -> None:
        self.child = nn.Linear(2, 2)

    def forward(self, x):
        y = self.child(x)
        return Pair(y, 3), lambda g: self.child.backward(g.mean)


def test_a_module_that_calls_its_child_gives_what_one_that_composes_it_gives(target):
    net, plain = Moments().initialize(0), nn.Linear(2, 2)
    plain.load_state_dict({"weight": net.child.weight.data, "bias": net.child.bias.data})
    y, _ = net.forward(TRAIN)
    expected, other = plain.forward(TRAIN)
    torch.testing.assert_close(y.mean, expected)
    assert net(TRAIN).size == 3
    torch.testing.assert_close(net.backward(Pair(torch.ones(3, 2), 3)), other(torch.ones(3, 2)))


def test_what_a_users_module_hands_to_a_training_is_plain(target):
    class Calls(Moments):
        def forward(self, x):
            y = self.child(x)
            return y.relu(), lambda g: self.child.backward(g * (y > 0))

    net = nn.Sequential(Calls(), nn.Linear(2, 2)).initialize(0)
    y, rule = net.forward(TRAIN)
    assert type(y) is Tensor
    assert type(rule(torch.ones(3, 2))) is Tensor
