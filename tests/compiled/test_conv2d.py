"""Convolutions in the compiled kernel are those of the layer, and a net's training the same."""

from __future__ import annotations

import itertools

import pytest
import torch

from chainrule import nn, optim
from chainrule.compiled import build, compute_convolution, use_compiled_convolutions
from chainrule.data import Dataset
from chainrule.nn.ops import conv as plain
from chainrule.nn.ops.conv import ConvParams
from chainrule.train import CompiledConvolutions, Plain, Trainer
from tests.compiled.agreement import Halve

CASES = {  # N, C, H, W, O, kernel, padding, stride
    "square": (7, 8, 9, 11, 16, (3, 3), (0, 0), (1, 1)),
    "padded": (13, 16, 5, 5, 8, (3, 3), (1, 1), (1, 1)),
    "padded widely": (5, 8, 4, 4, 8, (5, 5), (4, 3), (1, 1)),
    "strided": (6, 3, 11, 9, 8, (3, 3), (1, 0), (2, 3)),
    "one channel": (2, 1, 14, 14, 16, (5, 5), (0, 0), (1, 1)),
    "many channels": (3, 40, 4, 4, 72, (2, 2), (0, 0), (1, 1)),
    "not square": (4, 8, 5, 7, 24, (3, 2), (1, 0), (1, 1)),
    "smaller than its window": (4, 8, 1, 2, 8, (3, 3), (1, 1), (1, 1)),
    "six and ten channels": (9, 6, 8, 8, 10, (3, 3), (1, 0), (1, 1)),
    "one sample": (1, 8, 6, 6, 8, (3, 3), (1, 1), (1, 1)),
}


def drawn(case, K, shared=False, innermost=False):
    """(steps, x, w, b) of a case in float64."""
    N, C, H, W, O, kernel, padding, stride = CASES[case]  # noqa: E741
    g = torch.Generator().manual_seed(5)

    def draw(*shape):
        return torch.randn(shape, generator=g, dtype=torch.float64)

    x = draw(1 if shared else K, N, C, H, W)
    if innermost:
        x = x.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    return ConvParams(kernel, stride, padding, (1, 1), 1), x, draw(K, O, C, *kernel), draw(K, O)


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize(("K", "shared", "innermost"), [(1, 0, 0), (3, 0, 1), (3, 1, 0)])
@pytest.mark.parametrize("case", CASES)
def test_each_is_the_plain_function(case, K, shared, innermost, threads):
    steps, x, w, b = drawn(case, K, shared, innermost)
    each = {"replicas": K, "dtype": None}
    y = plain.map_replicas(plain.conv_forward, steps, x, w, b, **each)
    g = torch.randn_like(y)
    asked = [
        (plain.conv_forward, (x, w, b), {}),
        (plain.conv_forward, (x, w), {}),
        (plain.conv_input_grad, (g, w), {"sizes": x.shape[-2:]}),
        (plain.conv_weight_grad, (x, g), {}),
    ]
    for f, tensors, more in asked:
        expected = plain.map_replicas(f, steps, *tensors, **each, **more)
        with use_compiled_convolutions():
            done = compute_convolution(f, steps, *tensors, **more)
        assert torch.get_num_threads() == threads
        left = f is plain.conv_input_grad and (steps.stride != (1, 1) or x.shape[2] == 1)
        assert (done is None) == bool(left)
        if done is not None:
            torch.testing.assert_close(done, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("steps", "shapes"),
    [
        (ConvParams((3,), (1,), (0,), (1,), 1), ((1, 2, 8, 9), (1, 8, 8, 3))),
        (ConvParams((3, 3), (1, 1), (0, 0), (2, 1), 1), ((1, 2, 8, 9, 9), (1, 8, 8, 3, 3))),
        (ConvParams((3, 3), (1, 1), (0, 0), (1, 1), 2), ((1, 2, 8, 9, 9), (1, 8, 4, 3, 3))),
        (ConvParams((3, 3), (1, 1), (0, 0), (1, 1), 1), ((1, 2, 8, 9, 9), (1, 3, 8, 3, 3))),
        (ConvParams((3, 3), (1, 1), (0, 0), (1, 1), 1), ((1, 0, 8, 9, 9), (1, 8, 8, 3, 3))),
    ],
    ids=["one axis", "dilated", "groups", "three channels", "no samples"],
)
def test_what_it_does_not_know_it_leaves(steps, shapes):
    assert compute_convolution(plain.conv_forward, steps, *map(torch.randn, shapes)) is None
    half = [torch.randn(shape).bfloat16() for shape in shapes]
    assert compute_convolution(plain.conv_forward, steps, *half) is None


def test_tensors_that_do_not_fit_each_other_are_left_to_the_plain_functions():
    steps, x, w, b = drawn("square", 1)
    y = compute_convolution(plain.conv_forward, steps, x, w, b)
    assert compute_convolution(plain.conv_forward, steps, x, w.float(), b) is None
    assert compute_convolution(plain.conv_weight_grad, steps, x, y.float()) is None
    assert compute_convolution(plain.conv_weight_grad, steps, x, y[:, :1]) is None


def images(n):
    g = torch.Generator().manual_seed(1)
    x = torch.randn(n, 2, 9, 9, generator=g, dtype=torch.float64)
    return Dataset(x, torch.randint(0, 3, (n,), generator=g))


def trained(K, compiled, data, dtype=None):
    net = nn.Sequential(
        *(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 4, 2, stride=2), Halve(), nn.Flatten(), nn.Linear(4, 3)),
    ).to(torch.float64)
    net = net.replicate(K, list(range(K))) if K else net.initialize(3)
    net.set_matmul_dtype(dtype)
    rule = optim.SGD(net, lr=0.05, momentum=0.9)  # Adam enlarges the rounding of a gradient of 0
    seed = list(range(K)) if K else 0
    way = "auto" if compiled else False
    each = Trainer(net, nn.CrossEntropyLoss(), rule, batch_size=16, seed=seed, compile=way)
    each.fit(data, data, epochs=3, progress=False)
    return each


@pytest.mark.parametrize("K", [None, 3])
def test_a_net_with_convolutions_learns_the_same(K):
    data = images(40)
    quick, slow = trained(K, True, data), trained(K, False, data)
    assert (quick.backend_status, slow.backend_status) == (CompiledConvolutions(), Plain())
    for a, b in zip(quick.net.parameters(), slow.net.parameters(), strict=True):
        torch.testing.assert_close(a.data, b.data, rtol=1e-9, atol=1e-11)
    for name in ("train_loss", "test_loss"):
        torch.testing.assert_close(quick.history[name], slow.history[name], rtol=1e-9, atol=0)


def test_products_in_another_dtype_are_not_the_kernels():
    data = images(40)
    quick, slow = (trained(None, each, data, torch.float32) for each in (True, False))
    for a, b in zip(quick.net.parameters(), slow.net.parameters(), strict=True):
        assert torch.equal(a.data, b.data)


def test_out_of_a_training_the_plain_functions_are_used(monkeypatch):
    each = trained(None, True, images(20))
    monkeypatch.setattr("chainrule.compiled.conv.launch_conv", None)  # any use raises
    assert each.net.forward(torch.randn(2, 2, 9, 9, dtype=torch.float64))[0].shape == (2, 3)
    with pytest.raises(TypeError):
        each.fit(images(20), epochs=4, progress=False)
    assert plain._backend.get() is None


def test_without_a_compiler_the_path_is_the_plain_one(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "compiler", lambda: None)
    build.kernel.cache_clear()
    each = trained(None, True, images(20))
    assert str(each.backend_status).startswith("plain: there is no C++ compiler")
    build.kernel.cache_clear()


def test_all_threads_give_all_samples_their_place():
    steps, x, w, b = drawn("square", 1)
    before = torch.get_num_threads()
    found = []
    for n in (1, 2, 3, 7, 20):
        torch.set_num_threads(n)
        with use_compiled_convolutions():
            assert torch.get_num_threads() == 1
            found.append(compute_convolution(plain.conv_forward, steps, x, w, b))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in itertools.pairwise(found))
