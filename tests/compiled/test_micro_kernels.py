"""The micro-kernel is the fastest that was measured, stays so, and changes nothing but rounding."""

import ctypes
import json

import pytest
import torch

from chainrule import nn
from chainrule.compiled import BuildError, build
from chainrule.compiled.measure import read_choice, select_fastest
from chainrule.compiled.toolchain import MicroKernel, cpu_flags, list_micro_kernels
from tests.compiled.agreement import assert_equal, make_data, sgd, train_net

KNOWN = [str(each) for each in list_micro_kernels(cpu_flags())]


@pytest.fixture
def cached_kernel():
    """What is found in here is forgotten afterwards."""
    build.load_kernel.cache_clear()
    yield
    build.load_kernel.cache_clear()


@pytest.mark.parametrize(
    ("speeds", "fastest"),
    [
        ({"256-6x4": 100.0, "512-6x4": 93.0}, "256-6x4"),  # Zen 4
        ({"256-6x4": 105.0, "512-6x4": 203.0, "512-8x3": 199.0}, "512-6x4"),  # Zen 5
        ({"256-6x4": 100.0, "512-6x4": 102.0}, "256-6x4"),  # what measuring may miss
    ],
)
def test_the_usual_one_stays_unless_another_is_clearly_faster(speeds, fastest):
    assert select_fastest(speeds) == fastest


@pytest.mark.parametrize(
    ("flags", "widths"),
    [
        ("flags : sse2 avx avx2 avx512f avx512vl", {256, 512}),
        ("flags : sse2 avx avx2", {256}),
        ("Features : fp asimd", {128}),
        ("", {128}),
    ],
)
def test_no_vector_is_wider_than_the_processors(flags, widths):
    found = list_micro_kernels(flags)
    assert {each.bits for each in found} == widths
    registers = 32 if 512 in widths or "asimd" in flags else 16
    assert all(each.rows * each.columns + each.columns < registers for each in found)


def test_the_key_names_the_one_that_was_chosen_by_its_speed(cached_kernel):
    library = build.kernel(torch.float32)
    name, _, digest = library.key.rpartition("-")
    assert name in KNOWN
    if len(KNOWN) > 1:
        kept = json.loads(build.choice_path(digest).read_text())
        assert kept["chosen"] == name
        assert list(kept["gflops"]) == KNOWN
        assert select_fastest(kept["gflops"]) == name


def test_what_was_chosen_is_not_measured_again(monkeypatch, tmp_path):
    kept = tmp_path / "choice.json"
    kept.write_text(json.dumps({"chosen": KNOWN[-1]}))
    monkeypatch.setattr(build, "measure_libraries", None)  # any use raises
    assert str(build.choose_micro_kernel("c++", [], kept, tmp_path)) == KNOWN[-1]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"chosen": "9-9x9"}', '{"chosen": null}', "\0"]
)
def test_a_choice_that_cannot_be_read_is_made_again(content, monkeypatch, tmp_path):
    if len(KNOWN) == 1:
        pytest.skip("there is one micro-kernel for this processor")
    kept = tmp_path / "choice.json"
    kept.write_text(content)
    monkeypatch.setattr(build, "compile_measures", lambda *_: {})
    monkeypatch.setattr(build, "measure_libraries", lambda _: {KNOWN[0]: 1.0, KNOWN[-1]: 2.0})
    assert str(build.choose_micro_kernel("c++", [], kept, tmp_path)) == KNOWN[-1]
    assert read_choice(kept) == KNOWN[-1]


def test_who_chooses_first_chooses_for_all(monkeypatch, tmp_path):
    if len(KNOWN) == 1:
        pytest.skip("there is one micro-kernel for this processor")
    kept = tmp_path / "choice.json"

    def measure(_):
        kept.write_text(json.dumps({"chosen": KNOWN[0]}))  # as another process does meanwhile
        return {KNOWN[0]: 1.0, KNOWN[-1]: 2.0}

    monkeypatch.setattr(build, "compile_measures", lambda *_: {})
    monkeypatch.setattr(build, "measure_libraries", measure)
    assert str(build.choose_micro_kernel("c++", [], kept, tmp_path)) == KNOWN[0]


def test_another_than_the_known_ones_is_refused_by_name(monkeypatch, cached_kernel):
    monkeypatch.setenv("CHAINRULE_MICRO_KERNEL", "1024-6x4")
    with pytest.raises(BuildError, match=rf"is one of {KNOWN[0]}.* here, got '1024-6x4'"):
        build.kernel(torch.float32)


def test_a_preferred_one_is_taken_unmeasured_where_the_processor_knows_it(monkeypatch):
    assert [str(each) for each in build.micro_kernels()] == KNOWN
    with build.prefer_micro_kernel(f"{KNOWN[-1]}-0123456789abcdef"):
        assert [str(each) for each in build.micro_kernels()] == [KNOWN[-1]]
        monkeypatch.setenv("CHAINRULE_MICRO_KERNEL", KNOWN[0])  # this machine's owner comes first
        assert [str(each) for each in build.micro_kernels()] == [KNOWN[0]]
    monkeypatch.delenv("CHAINRULE_MICRO_KERNEL")
    for unknown in ("1024-6x4-0123456789abcdef", ""):
        with build.prefer_micro_kernel(unknown):
            assert [str(each) for each in build.micro_kernels()] == KNOWN


@pytest.mark.slow
def test_the_preferred_one_is_the_kernel_in_there_alone(cached_kernel):
    usual = build.kernel(torch.float32).key
    for name in KNOWN:
        with build.prefer_micro_kernel(f"{name}-0123456789abcdef"):
            assert build.kernel(torch.float32).key.startswith(f"{name}-")
    assert build.kernel(torch.float32).key == usual


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_each_gives_the_numbers_of_the_layers(name, monkeypatch, cached_kernel):
    monkeypatch.setenv("CHAINRULE_MICRO_KERNEL", name)
    dense = nn.Sequential(nn.Linear(7, 29), nn.Tanh(), nn.Linear(29, 13), nn.ReLU())
    net = nn.Sequential(dense, nn.BatchNorm1d(13), nn.Linear(13, 3))
    assert_equal(net, nn.CrossEntropyLoss(), sgd, (7,), -3)
    images = nn.Sequential(
        *(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=2), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 16, 2, dilation=2), nn.Flatten(), nn.Linear(16, 3)),
    )
    assert_equal(images, nn.CrossEntropyLoss(), sgd, (2, 10, 10), -3)
    for dtype in (torch.float32, torch.float64):
        library = build.kernel(dtype)
        assert library.key.startswith(f"{name}-")
        assert 8 * library.vector_bytes() == int(name.partition("-")[0])


@pytest.mark.slow
def test_they_agree_up_to_rounding_and_the_status_says_which(monkeypatch, cached_kernel):
    net = nn.Sequential(nn.Linear(7, 29), nn.Tanh(), nn.Linear(29, 3))
    data, found = make_data((7,), -3, torch.float64), []
    for name in KNOWN:
        monkeypatch.setenv("CHAINRULE_MICRO_KERNEL", name)
        build.load_kernel.cache_clear()
        trainer = train_net(True, net, nn.CrossEntropyLoss(), sgd, data, epochs=5)
        assert trainer.backend_status.kernel.startswith(f"{name}-")
        found.append(trainer.optimizer.flats[0].data)
    for each in found[1:]:
        torch.testing.assert_close(each, found[0], rtol=1e-12, atol=1e-12)


def test_a_library_measures_itself(tmp_path):
    function = ctypes.CDLL(str(build.find_built(torch.float32))).measure_products
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]
    assert 0.01 < function(0.001) < 1e4


def test_a_name_says_bits_rows_and_columns():
    assert str(MicroKernel(512, 8, 3)) == "512-8x3"
