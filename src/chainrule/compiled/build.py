"""The compiled kernel: built once on a machine, kept on disk, loaded by each process."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NoReturn, final

import torch

from chainrule.compiled.abi import header
from chainrule.errors import ChainruleError

__all__ = [
    "BuildError",
    "Kernel",
    "PendingBuildError",
    "build_kernel",
    "is_built",
    "kernel",
    "wait_for_kernel",
]

SOURCE = Path(__file__).with_name("cpu")
FLAGS = ("-std=c++20", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math")
LINK = ("-shared", "-fPIC", "-pthread")
SCALAR_TYPES = {torch.float32: "float", torch.float64: "double"}
BUILD_SECONDS = 300
"""After so long a build that says nothing has ended, and one that failed may be tried again."""

_spawned: list[subprocess.Popen[bytes]] = []
"""Which one that is forgotten while it runs, Python warns of."""
_waits: ContextVar[bool] = ContextVar("waits", default=True)


class BuildError(ChainruleError, OSError):
    """The kernel cannot be had on this machine; the message says what is missing."""


@final
class PendingBuildError(BuildError):
    """The kernel is being built by another process."""


@final
class Kernel(ctypes.CDLL):
    """The kernel for numbers of one dtype; ``key``: what it is kept by, of all it depends on."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__(str(path))
        self.key = key


def build_kernel(dtype: torch.dtype = torch.float32) -> None:
    """Build what trains small nets, if it is not there yet.

    It takes ten to twenty seconds, once on a machine, and is done by itself beside the first
    training. Raises BuildError, an OSError, and ValueError for another dtype than float32 and
    float64.
    """
    if dtype not in SCALAR_TYPES:
        raise ValueError(f"build_kernel: expected float32 or float64, got {dtype}")
    kernel(dtype)


@contextmanager
def wait_for_kernel(wait: bool) -> Iterator[None]:
    """Whether, in here, a kernel that has to be built is waited for, or built beside."""
    before = _waits.set(wait)
    try:
        yield
    finally:
        _waits.reset(before)


@cache
def kernel(dtype: torch.dtype) -> Kernel:
    """The kernel for numbers of this dtype, built at the first call on a machine.

    It is kept in ``$CHAINRULE_CACHE``, or chainrule/ in the user's cache directory. Raises
    BuildError where there is no C++ compiler, or it fails; PendingBuildError where it is not there
    yet and nobody waits for it.
    """
    key = cache_key(dtype)
    path = library_path(key)
    if not path.exists():
        if not _waits.get():
            start_build(dtype, path)
        compile_library(dtype, path)
    return Kernel(path, key)


def is_built(dtype: torch.dtype) -> bool:
    """Whether the kernel need not be built first."""
    return library_path(cache_key(dtype)).exists()


def library_path(key: str) -> Path:
    """Where the kernel of a key is kept."""
    return cache_dir() / f"kernel-{key}.so"


def start_build(dtype: torch.dtype, path: Path) -> NoReturn:
    """Have another process build it, unless one does already.

    A file beside it says so, and after a failure what went wrong. Raises PendingBuildError, or
    after a failure BuildError.
    """
    find_compiler()
    note = path.with_suffix(".building")
    with keep_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if note.exists() and time.time() - note.stat().st_mtime < BUILD_SECONDS:
            if problem := note.read_text(encoding="utf-8"):
                raise BuildError(problem)
        else:
            note.write_text("", encoding="utf-8")
            arguments = [str(SOURCE.parents[2]), SCALAR_TYPES[dtype], str(path)]
            spawn([sys.executable, "-c", BUILD_SCRIPT, *arguments])
    raise PendingBuildError("the kernel is being built, for trainings that begin later")


def spawn(command: Sequence[str]) -> None:
    """Begin a process that may outlive this one."""
    process = subprocess.Popen(  # noqa: S603  # our own interpreter
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for who trains
    )
    _spawned.append(process)


BUILD_SCRIPT = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.nice(10)
from chainrule.compiled import build
build.build_beside(sys.argv[2], sys.argv[3])
"""


def build_beside(scalar: str, library: str) -> None:
    """Build the kernel of a C++ type as this file, as another process has asked for it."""
    path = Path(library)
    (dtype,) = (dtype for dtype, name in SCALAR_TYPES.items() if name == scalar)
    note = path.with_suffix(".building")
    try:
        compile_library(dtype, path)
    except BuildError as problem:
        note.write_text(str(problem), encoding="utf-8")
    else:
        note.unlink(missing_ok=True)


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


def find_compiler() -> str:
    """The C++ compiler. Raises BuildError where there is none."""
    if (found := compiler()) is None:
        raise BuildError("there is no C++ compiler: install g++ or clang++, or set CXX")
    return found


@contextmanager
def keep_errors(folder: Path) -> Iterator[None]:
    """What the system refuses in here, as a BuildError."""
    try:
        yield
    except BuildError:
        raise
    except OSError as error:
        raise BuildError(f"the kernel cannot be kept in {folder}: {error}") from None


def compile_library(dtype: torch.dtype, path: Path) -> None:
    """Compile the kernel to this file, which appears whole or not at all."""
    cxx = find_compiler()
    with keep_errors(path.parent):
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
