"""Nets with convolutions and pooling through whole epochs of the kernel: the same numbers."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager

import pytest
import torch

from chainrule import nn, optim, zoo
from chainrule.compiled import Unsupported, build, build_kernel, compile_training
from chainrule.compiled.lowering.layers import conv
from chainrule.nn import LayerError
from chainrule.train import Compiled, Plain, Trainer
from tests.compiled.agreement import B, Halve, N, assert_equal, make_data, sgd, train_net

SHAPE = (2, 8, 7)


def behind(layers, features):
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 4))


CONVOLUTIONS = {
    "square, by fewer products": ((nn.Conv2d(2, 5, 3), nn.Conv2d(5, 3, 3)), 36),
    "with an even number of tiles": ((nn.Conv2d(2, 9, (3, 2)), nn.Conv2d(9, 17, 3)), 17 * 16),
    "two by two": ((nn.Conv2d(2, 5, 2), nn.Conv2d(5, 3, 2)), 90),
    "two by two, padded": ((nn.Conv2d(2, 5, 2, padding=1), nn.Conv2d(5, 3, 2)), 168),
    "not square": ((nn.Conv2d(2, 5, (3, 2)), nn.Conv2d(5, 3, (1, 4))), 54),
    "five by five, padded": (
        (nn.Conv2d(2, 5, 5, padding=2), nn.Conv2d(5, 3, 5, padding=(1, 3))),
        162,
    ),
    "padded": ((nn.Conv2d(2, 5, 3, padding=1), nn.Conv2d(5, 3, 3, padding=(2, 1))), 210),
    "padded on one side more": ((nn.Conv2d(2, 5, 4, padding="same"), nn.Conv2d(5, 3, 3)), 90),
    "without bias": ((nn.Conv2d(2, 5, 3, bias=False), nn.Conv2d(5, 3, 4, bias=False)), 18),
    "strided": ((nn.Conv2d(2, 5, 3, stride=(2, 1)), nn.Conv2d(5, 3, 2, stride=(1, 2))), 12),
    "dilated": ((nn.Conv2d(2, 5, 3, dilation=(1, 2)), nn.Conv2d(5, 3, 2, dilation=2)), 12),
    "of one pixel": ((nn.Conv2d(2, 5, 1), nn.Conv2d(5, 3, (8, 7))), 3),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_agree(name):
    (first, second), features = CONVOLUTIONS[name]
    net = behind((first, nn.Tanh(), second, nn.ReLU()), features)
    assert_equal(net, nn.MSELoss(), sgd, SHAPE, 4)


@pytest.mark.parametrize("size", [16, 48])
def test_tiles_of_a_whole_batch_are_done_some_samples_at_a_time(monkeypatch, size):
    monkeypatch.setattr(conv, "WINOGRAD_COLUMNS", size)
    norm = nn.BatchNorm2d(5)
    layers = (nn.Conv2d(2, 5, 3), norm, nn.ReLU(), nn.Conv2d(5, 6, 3), nn.Conv2d(6, 3, 2))
    assert_equal(behind(layers, 18), nn.MSELoss(), sgd, SHAPE, 4, batch_size=53)
    assert conv.winograd_block(6, 64).samples < 64


POOLING = {
    "maximum": (nn.MaxPool2d(2), 27),
    "maximum that leaves a rest": (nn.MaxPool2d((4, 3)), 6),
    "maximum of windows that overlap": (nn.MaxPool2d(3, stride=(1, 2)), 3 * 4 * 2),
    "maximum, dilated": (nn.MaxPool2d(2, stride=1, dilation=2), 3 * 4 * 4),
    "mean": (nn.AvgPool2d(2), 27),
    "mean of windows that overlap": (nn.AvgPool2d((2, 3), stride=1), 3 * 5 * 4),
}


@pytest.mark.parametrize("name", POOLING)
@pytest.mark.parametrize("after", [nn.Tanh(), nn.ReLU(), nn.Identity()], ids=repr)
def test_pooling_agrees(name, after):
    pool, features = POOLING[name]
    layers = (nn.Conv2d(2, 3, (3, 2)), pool, after)
    assert_equal(behind(layers, features), nn.MSELoss(), sgd, SHAPE, 4)


def test_of_equal_maxima_the_first_has_the_gradient():
    train = make_data(SHAPE, 4, torch.float64)
    train.inputs.round_()  # where they are alike, so is what the convolution makes of them
    net = behind((nn.Conv2d(2, 3, 1, init=nn.init.Constant(0.5)), nn.MaxPool2d(2)), 36)
    assert_agree(net, train)


def assert_agree(net, train, criterion=None, **options):
    criterion = criterion or nn.MSELoss()
    plain, fast = (train_net(each, net, criterion, sgd, train, **options) for each in (False, True))
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(weights(fast), weights(plain), **close)


def weights(trainer):
    return trainer.optimizer.flats[0].data


def small():
    return behind((nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Conv2d(5, 9, 3), nn.MaxPool2d(2)), 18)


@pytest.mark.parametrize("size", [1, 8, 16, 31, 53, 100])
def test_batches_of_any_size(size):
    assert_equal(small(), nn.CrossEntropyLoss(), sgd, SHAPE, -4, batch_size=size)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss, nn.MSELoss])
def test_a_loss_of_some_samples_at_a_time_is_that_of_all(criterion, reduction):
    targets = -4 if criterion is nn.CrossEntropyLoss else 4
    assert_equal(
        small(), criterion(reduction=reduction), lambda net: optim.SGD(net, 1e-3), SHAPE, targets
    )


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("make", [zoo.pair_conv1, zoo.pair_conv2])
def test_pairs(make, share):
    train = make_data((2, 14, 14), {"main": -2, "first": -10, "second": -10}, torch.float64)
    assert_agree(make(12, share=share, aux=True), train, zoo.pair_loss(0.5))


def test_a_convolution_used_twice():
    shared = nn.Conv2d(2, 2, 3, padding=1)
    assert_equal(behind((shared, nn.Tanh(), shared), 112), nn.MSELoss(), sgd, SHAPE, 4)


def test_heads_of_one_image():
    head = nn.Sequential(nn.Conv2d(5, 3, 2), nn.Flatten(), nn.Linear(60, 2))
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3),
        nn.Tanh(),
        nn.Heads(
            a=head,
            b=nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(30, 3)),
            c=nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(30, 3)),
        ),
    )
    criterion = nn.MultiLoss({"a": nn.CrossEntropyLoss(), "b": nn.MSELoss(), "c": nn.MSELoss()})
    assert_equal(net, criterion, sgd, SHAPE, {"a": -2, "b": 3, "c": 3})


def test_a_plain_net_and_what_it_predicts():
    train, found = make_data(SHAPE, -4, torch.float64).replica(0), []
    for compiled in (False, True):
        net = small().initialize(3).to(torch.float64)
        each = Trainer(net, nn.CrossEntropyLoss(), sgd(net), batch_size=B, compile=compiled)
        each.fit(train, train, epochs=2, progress=False)
        found.append((weights(each), each.predict(train), each.history["test_loss"]))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


@contextmanager
def threads(n):
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("n", [2, 5])
def test_threads_and_the_cohort_change_nothing(n):
    train, found = make_data(SHAPE, -4, torch.float32).replica(0), []
    for count, used in ((1, 1), (1, n), (3, 1), (3, n)):
        with threads(used):
            net = small().replicate(count, [5, 6, 7][:count])
            each = Trainer(
                net, nn.CrossEntropyLoss(), sgd(net), seed=[1] * count, batch_size=40, compile=True
            )
            each.fit(train, epochs=3, progress=False)
            assert (each.backend_status, torch.get_num_threads()) == (Compiled(), used)
            found.append((weights(each)[0], each.history["train_loss"][:, 0]))
    for other in found[1:]:
        assert torch.equal(other[0], found[0][0])
        assert torch.equal(other[1], found[0][1])


UNKNOWN = [(Halve(), "Halve"), (nn.AdaptiveMaxPool2d(4), "AdaptiveMaxPool2d")]


@pytest.mark.parametrize(("layer", "name"), UNKNOWN, ids=lambda each: repr(each))
def test_what_is_not_known_is_done_by_the_layers(layer, name):
    net = nn.Sequential(nn.Conv2d(2, 4, 3), layer, nn.Flatten())
    features = net(torch.randn(1, *SHAPE)).shape[1]
    net = nn.Sequential(net, nn.Linear(features, 4)).initialize(0)
    each = Trainer(net, nn.CrossEntropyLoss(), sgd(net))
    train = make_data(SHAPE, -4, torch.float32).replica(0)
    with pytest.raises(Unsupported, match=rf"{name}\("):
        compile_training(net, each.criterion, each.optimizer, train, 100)
    each.fit(train, epochs=1, progress=False)
    assert isinstance(each.backend_status, Plain)


def test_images_that_do_not_fit_are_refused_as_on_the_plain_path():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 4)).initialize(0)
    each = Trainer(net, nn.CrossEntropyLoss(), sgd(net))
    with pytest.raises(LayerError, match="Conv2d"):
        each.fit(make_data(SHAPE, -4, torch.float32).replica(0), epochs=1, progress=False)


@pytest.mark.parametrize("n", [1, 2])
def test_control_c_is_heard_within_an_epoch(n):
    train = make_data((4, 12, 12), -4, torch.float32, replicas=1)
    train = train.subset(torch.arange(N).repeat(1500)[None])  # it would take some ten seconds
    net = behind((nn.Conv2d(4, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3)), 64 * 8 * 8)
    net = net.replicate(1, [0])
    each = Trainer(net, nn.CrossEntropyLoss(), sgd(net), batch_size=50, compile=True)
    before = weights(each).clone()
    timer = threading.Timer(1.5, signal.raise_signal, [signal.SIGINT])
    with threads(n):
        build_kernel(torch.float32)
        timer.start()
        begun = time.perf_counter()
        history = each.fit(train, epochs=1, progress=False)
        taken = time.perf_counter() - begun
    assert history.interrupted
    assert 1 < taken < 3.5
    assert torch.equal(weights(each), before)
    assert each.epoch == 0


def stepped(net, train, dtype, *, compiled=True):
    """What one step of SGD has moved by, with products in this dtype; and which way it went."""
    net = net.replicate(1, [3]).set_matmul_dtype(dtype)
    each = Trainer(
        net, nn.CrossEntropyLoss(), sgd(net), batch_size=N, compile="auto" if compiled else False
    )
    before = weights(each).clone()
    each.fit(train, epochs=1, progress=False)
    return before - weights(each), each.backend_status


def test_products_in_bfloat16_are_as_exact_as_those_of_the_layers():
    layers = (nn.Conv2d(2, 16, 3), nn.ReLU(), nn.Conv2d(16, 64, 3), nn.MaxPool2d(2), nn.ReLU())
    net = behind((*layers, nn.Conv2d(64, 32, 2), nn.ReLU()), 128)
    train = make_data((2, 10, 10), -4, torch.float32, replicas=1)
    exact, _ = stepped(net, train, None)
    plain, _ = stepped(net, train, torch.bfloat16, compiled=False)
    rounded, status = stepped(net, train, torch.bfloat16)
    off, expected = ((each - exact).norm() / exact.norm() for each in (rounded, plain))
    assert 1e-4 < off < 1.2 * expected < 0.1  # float32 is off by 1e-6
    if build.kernel(torch.float32).bfloat16_channels():
        assert status == Compiled()
        with threads(2):
            again, _ = stepped(net, train, torch.bfloat16)
        assert torch.equal(again, rounded)
    else:
        assert "on a processor with AVX512-BF16" in status.reason


def test_products_in_bfloat16_of_a_float64_net_are_left_to_the_layers_which_says_why():
    train = make_data(SHAPE, -4, torch.float64, replicas=1)
    _, status = stepped(small().to(torch.float64), train, torch.bfloat16)
    assert "bfloat16 but for a float32 net" in status.reason


def test_products_in_another_dtype_are_left_to_the_layers():
    train = make_data(SHAPE, -4, torch.float32, replicas=1)
    assert isinstance(stepped(small(), train, torch.float16)[1], Plain)
