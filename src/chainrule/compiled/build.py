"""The compiled kernel: built once on a machine, kept on disk, loaded by each process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch

from chainrule.compiled.abi import header
from chainrule.errors import ChainruleError

__all__ = ["BuildError", "build_kernel", "kernel"]

SOURCE = Path(__file__).with_name("cpu")
FLAGS = ("-std=c++20", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math")
LINK = ("-shared", "-fPIC", "-pthread")
SCALAR_TYPES = {torch.float32: "float", torch.float64: "double"}


class BuildError(ChainruleError, OSError):
    """The kernel cannot be had on this machine; the message says what is missing."""


def build_kernel(dtype: torch.dtype = torch.float32) -> None:
    """Build what ``Trainer(compile=True)`` needs, if it is not there yet.

    It takes ten to twenty seconds, once on a machine, and is done by itself at the first training;
    before many processes begin it is better done here. Raises BuildError, an OSError, and
    ValueError for another dtype than float32 and float64.
    """
    if dtype not in SCALAR_TYPES:
        raise ValueError(f"build_kernel: expected float32 or float64, got {dtype}")
    kernel(dtype)


@cache
def kernel(dtype: torch.dtype) -> ctypes.CDLL:
    """The kernel for numbers of this dtype, built at the first call on a machine.

    It is kept in ``$CHAINRULE_CACHE``, or chainrule/ in the user's cache directory. Raises
    BuildError where there is no C++ compiler, or it fails.
    """
    path = cache_dir() / f"kernel-{cache_key(dtype)}.so"
    if not path.exists():
        compile_library(dtype, path)
    return ctypes.CDLL(str(path))


def cache_dir() -> Path:
    """Where kernels are kept."""
    if folder := os.environ.get("CHAINRULE_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chainrule"


def cache_key(dtype: torch.dtype) -> str:
    """What a kernel depends on: its source and header, how it is compiled, and the processor."""
    files = sorted(path for path in SOURCE.rglob("*") if path.suffix in (".h", ".cpp"))
    machine = [compiler() or "", platform.machine(), cpu_flags()]
    options = [header(), SCALAR_TYPES[dtype], *FLAGS, *LINK, *machine]
    parts = [*(path.read_bytes() for path in files), *(option.encode() for option in options)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def cpu_flags() -> str:
    """What this processor can do, as far as the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def compiler() -> str | None:
    """The C++ compiler: ``$CXX``, or the first there is."""
    names = [os.environ.get("CXX"), "c++", "g++", "clang++"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


def compile_library(dtype: torch.dtype, path: Path) -> None:
    """Compile the kernel to this file, which appears whole or not at all."""
    cxx = compiler()
    if cxx is None:
        raise BuildError("there is no C++ compiler: install g++ or clang++, or set CXX")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            library = Path(scratch) / path.name
            (Path(scratch) / "abi.h").write_text(header(), encoding="utf-8")
            options = [*FLAGS, *LINK, f"-DSCALAR={SCALAR_TYPES[dtype]}", f"-I{scratch}"]
            command = [cxx, *options, str(SOURCE / "kernel.cpp"), "-o", str(library)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
            if run.returncode:
                message = (run.stderr.strip() or "no message").splitlines()[0]
                raise BuildError(f"{cxx} failed to compile the kernel: {message}")
            library.replace(path)
    except OSError as error:
        raise BuildError(f"the kernel cannot be kept in {path.parent}: {error}") from None
