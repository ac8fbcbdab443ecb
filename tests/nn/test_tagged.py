"""A gradient goes back through the call that its output came of, and through no other."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor

from chainrule import nn

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


def test_an_input_with_a_tag_gives_a_plain_output(net, target):
    criterion = nn.CrossEntropyLoss()
    criterion(net(TRAIN), target)
    assert type(net(criterion.backward())) is Tensor


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_or_a_file_is_plain(net, target, copied):
    criterion = nn.CrossEntropyLoss()
    value = criterion(net(TRAIN), target)
    for t in (value, criterion.backward()):
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
    message = r"CrossEntropyLoss\(label_smoothing=0.1\).*net.backward\(criterion.backward\(\)\)"
    with pytest.raises(RuntimeError, match=message):
        change(value).backward()
