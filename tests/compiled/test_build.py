"""The kernel is built where it can be, and says what is missing where it cannot."""

import pytest
import torch

from chainrule.compiled import BuildError, build, build_kernel


def test_a_compiler_that_fails_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "false")
    build.load_kernel.cache_clear()
    with pytest.raises(BuildError, match="false failed to compile the kernel: no message"):
        build.kernel(torch.float32)
    assert list(tmp_path.iterdir()) == []
    build.load_kernel.cache_clear()


def test_another_dtype_is_refused():
    with pytest.raises(ValueError, match=r"expected float32 or float64, got torch\.bfloat16"):
        build_kernel(torch.bfloat16)


def test_what_is_handed_over_is_a_part_of_the_key(monkeypatch):
    before = build.cache_key(torch.float32)
    assert build.cache_key(torch.float32) == before
    monkeypatch.setattr(build, "header", lambda: "// another")
    assert build.cache_key(torch.float32) != before
