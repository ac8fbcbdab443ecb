"""Who installs a wheel has the kernel without a C++ compiler."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import torch

from chainrule.compiled import BuildError, build, toolchain
from chainrule.compiled.abi import header
from chainrule.compiled.toolchain import LEVELS, cpu_flags, find_shipped

ROOT = Path(__file__).parents[2]

TRAINING = """
import json, torch
from chainrule import nn, optim
from chainrule.compiled import build, kernel
from chainrule.compiled.toolchain import compiler
from chainrule.data import disk
from chainrule.train import Trainer

found = {"compiler": compiler()}
for dtype in (torch.float32, torch.float64):
    losses = []
    for compile in ("auto", False):
        net = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2)).to(dtype).initialize(1)
        trainer = Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net, lr=0.1), compile=compile)
        history = trainer.fit(disk(300).to(dtype=dtype), epochs=3, progress=False)
        losses.append(history["train_loss"].tolist())
        found.setdefault(str(dtype), []).append(str(trainer.backend_status))
    found[str(dtype)] += losses
    found[f"{dtype} from"] = kernel(dtype)._name
print(json.dumps(found))
"""


def test_the_file_of_the_header_is_what_the_classes_say():
    """Else: python scripts/kernel_header.py."""
    assert build.HEADER.read_text(encoding="utf-8") == header()


def test_a_header_that_is_out_of_date_is_refused_before_anything_is_built(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "header", lambda: "// another")
    with pytest.raises(
        BuildError, match=r"abi\.h is out of date: python scripts/kernel_header\.py"
    ):
        build.build_library(torch.float32)


def test_a_wheel_is_built_without_pytorch():
    code = (
        "import runpy, sys; before = set(sys.modules)\n"
        f"runpy.run_path({str(toolchain.__file__)!r}); print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.decode().split()}
    assert names <= sys.stdlib_module_names


def test_the_best_level_of_a_processor_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "SHIPPED", tmp_path)
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "x86_64")
    for name, level in LEVELS.items():
        for scalar in level.scalars:
            (tmp_path / name / scalar).mkdir(parents=True)
            for each in level.micro_kernels():
                (tmp_path / name / scalar / f"kernel-{each}-0123456789abcdef.so").touch()

    def levels_found(flags, scalar):
        monkeypatch.setattr(toolchain, "cpu_flags", lambda: "flags : " + " ".join(flags))
        return {path.parent.parent.name for path in find_shipped(scalar).values()}

    bf16, v4, v3 = (level.flags for level in list(LEVELS.values())[:3])
    assert levels_found(bf16, "float") == {"x86-64-v4-bf16"}
    assert levels_found(bf16, "double") == {"x86-64-v4"}
    assert levels_found(v4, "float") == {"x86-64-v4"}
    assert levels_found(v3, "double") == {"x86-64-v3"}
    assert levels_found(v3 - {"fma"}, "float") == set()


def test_a_library_that_does_not_load_is_no_kernel(monkeypatch, tmp_path):
    (tmp_path / "kernel-256-6x4-0123456789abcdef.so").write_text("for another system")
    path = next(tmp_path.iterdir())
    for shipped in ({"256-6x4": path}, {"256-6x4": path, "512-6x4": path}):
        monkeypatch.setattr(build, "find_shipped", lambda _, shipped=shipped: shipped)
        build.load_shipped.cache_clear()
        assert build.load_shipped(torch.float32, "") is None
    build.load_shipped.cache_clear()


@pytest.mark.slow
@pytest.mark.skipif(not LEVELS["x86-64-v3"].flags <= set(cpu_flags().split()), reason="no such CPU")
def test_an_installed_wheel_trains_in_the_kernel_without_a_compiler(tmp_path):
    pytest.importorskip("hatchling")
    pip = [sys.executable, "-m", "pip"]
    build_options = ["--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path]
    environment = {**os.environ, "CHAINRULE_WHEEL_KERNELS": "x86-64-v3"}
    subprocess.run([*pip, "wheel", "-q", *build_options, ROOT], check=True, env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert wheel.name.endswith(f"-py3-none-{platform}.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.endswith(".so") for name in names) == 2
    assert "chainrule/web/derivations/linear.md" in names  # which the app shows

    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    install = [*pip, "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("*/site-packages")
    (packages / "torch.pth").write_text(sysconfig.get_path("purelib") + "\n")  # and the others
    bare = {"PATH": str(python.parent), "HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", TRAINING], capture_output=True, text=True, check=True, env=bare, cwd=tmp_path
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["compiler"] is None
    for dtype, tolerance in (("torch.float32", 1e-4), ("torch.float64", 1e-12)):
        fast, plain, losses, expected = found[dtype]
        assert (fast, plain) == ("compiled", "plain")
        assert losses == pytest.approx(expected, rel=tolerance)
        assert Path(found[f"{dtype} from"]).is_relative_to(packages)
