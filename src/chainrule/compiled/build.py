"""The compiled kernel: built once on a machine, kept on disk, loaded by each process."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NoReturn, final

import torch

from chainrule._util.argument_checks import check_arguments
from chainrule.compiled.abi import header
from chainrule.compiled.measure import keep_choice, measure_libraries, read_choice, select_fastest
from chainrule.compiled.toolchain import (
    FLAGS,
    LINK,
    SOURCE,
    MicroKernel,
    ToolchainError,
    compile_source,
    compiler,
    cpu_flags,
    digest_source,
    find_shipped,
    list_micro_kernels,
)
from chainrule.errors import ChainruleError

__all__ = [
    "BuildError",
    "Kernel",
    "PendingBuildError",
    "build_kernel",
    "is_built",
    "kernel",
    "prefer_micro_kernel",
    "wait_for_kernel",
]

NATIVE = "-march=native"
HEADER = SOURCE / "abi.h"
"""The classes of :mod:`chainrule.compiled.abi` in C++, in a file: a wheel is built without them."""
SCALAR_TYPES = {torch.float32: "float", torch.float64: "double"}
BUILD_SECONDS = 300
"""After so long a build that says nothing has ended, and one that failed may be tried again."""

_spawned: list[subprocess.Popen[bytes]] = []
"""Which one that is forgotten while it runs, Python warns of."""
_waits: ContextVar[bool] = ContextVar("waits", default=True)
_preferred: ContextVar[str] = ContextVar("preferred", default="")


class BuildError(ChainruleError, OSError):
    """The kernel cannot be had on this machine; the message says what is missing."""


@final
class PendingBuildError(BuildError):
    """The kernel is being built by another process."""


@final
class Kernel(ctypes.CDLL):
    """The kernel for numbers of one dtype.

    ``key``: its micro-kernel, such as "512-6x4" of the processor's widest vectors, and a digest of
    all else that it depends on.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.key = path.stem.removeprefix("kernel-")


@check_arguments
def build_kernel(dtype: torch.dtype = torch.float32) -> None:
    """Build what trains small nets, if it is not there yet.

    It takes ten to twenty seconds, once on a machine, and is done by itself beside the first
    training. Raises BuildError, an OSError, and ValueError for another dtype than float32 and
    float64.
    """
    if dtype not in SCALAR_TYPES:
        raise ValueError(f"build_kernel: dtype: expected float32 or float64, got {dtype}")
    kernel(dtype)


@contextmanager
def wait_for_kernel(wait: bool) -> Iterator[None]:
    """Whether, in here, a kernel that has to be built is waited for, or built beside."""
    before = _waits.set(wait)
    try:
        yield
    finally:
        _waits.reset(before)


@contextmanager
def prefer_micro_kernel(key: str) -> Iterator[None]:
    """In here the kernel has the micro-kernel of this key, where this processor knows it.

    Which one is the fastest is measured, and two machines of one type may find another; what
    ``$CHAINRULE_MICRO_KERNEL`` names comes first.
    """
    before = _preferred.set(key.rpartition("-")[0])
    try:
        yield
    finally:
        _preferred.reset(before)


def kernel(dtype: torch.dtype) -> Kernel:
    """The kernel for numbers of this dtype: the package's, or built at the first call on a machine.

    It is kept in ``$CHAINRULE_CACHE``, or chainrule/ in the user's cache directory, with the
    choice of its micro-kernel, which is the fastest on this processor, or what
    ``$CHAINRULE_MICRO_KERNEL`` names. Raises BuildError where there is no C++ compiler, or it
    fails; PendingBuildError where it is not there yet and nobody waits for it.
    """
    return load_kernel(dtype, _preferred.get())


@cache
def load_kernel(dtype: torch.dtype, preferred: str) -> Kernel:
    """That of a dtype, with the micro-kernel that is preferred now: one for each, once loaded."""
    if (shipped := load_shipped(dtype, preferred)) is not None:
        return shipped
    path = find_built(dtype)
    if path is None:
        if not _waits.get():
            start_build(dtype)
        path = build_library(dtype)
    return Kernel(path)


def is_built(dtype: torch.dtype) -> bool:
    """Whether the kernel need not be built first."""
    return load_shipped(dtype, _preferred.get()) is not None or find_built(dtype) is not None


@cache
def load_shipped(dtype: torch.dtype, preferred: str) -> Kernel | None:
    """The kernel that the wheel has for this processor, if it has one that this system can load.

    Of several that which is ``preferred`` now, or the fastest, which is measured when it is first
    used.
    """
    libraries = find_shipped(SCALAR_TYPES[dtype])
    libraries = {name: libraries[name] for name in select_wanted(libraries)}
    try:
        if len(libraries) < 2:
            return next((Kernel(path) for path in libraries.values()), None)
        keys = [path.name for path in libraries.values()]
        kept = choice_path(digest_source([*keys, cpu_flags()]))
        if read_choice(kept) not in libraries:
            speeds = measure_libraries(libraries)
            with suppress(OSError):
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                keep_choice(kept, select_fastest(speeds), speeds)
        usual, *_ = libraries
        chosen = read_choice(kept)  # what cannot be kept would be another in another process
        return Kernel(libraries[chosen if chosen in libraries else usual])
    except OSError:
        return None


def find_built(dtype: torch.dtype) -> Path | None:
    """The kernel that was built, if it was. Raises BuildError for an unknown micro-kernel."""
    key = cache_key(dtype)
    known = [str(each) for each in micro_kernels()]
    name = known[0] if len(known) == 1 else read_choice(choice_path(key))
    path = library_path(name, key)
    return path if name in known and path.exists() else None


def micro_kernels() -> list[MicroKernel]:
    """Those that one is chosen of. Raises BuildError where another is asked for."""
    known = {str(each): each for each in list_micro_kernels(cpu_flags())}
    return [known[name] for name in select_wanted(known)]


def select_wanted(names: Iterable[str]) -> list[str]:
    """Those that ``$CHAINRULE_MICRO_KERNEL`` leaves, or :func:`prefer_micro_kernel`.

    Raises BuildError where the variable names none of them.
    """
    wanted, known = os.environ.get("CHAINRULE_MICRO_KERNEL"), list(names)
    if not wanted or not known:
        return [_preferred.get()] if _preferred.get() in known else known
    if wanted not in known:
        shown = ", ".join(known)
        raise BuildError(f"CHAINRULE_MICRO_KERNEL is one of {shown} here, got {wanted!r}")
    return [wanted]


def library_path(micro_kernel: str, key: str) -> Path:
    """Where the kernel of a key is kept."""
    return cache_dir() / f"kernel-{micro_kernel}-{key}.so"


def choice_path(key: str) -> Path:
    """Where it is kept which micro-kernel is the fastest."""
    return cache_dir() / f"kernel-{key}.json"


def start_build(dtype: torch.dtype) -> NoReturn:
    """Have another process build it, unless one does already.

    A file beside it says so, and after a failure what went wrong. Raises PendingBuildError, or
    after a failure BuildError.
    """
    find_compiler()
    note = note_path(dtype)
    with keep_errors(note.parent):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if note.exists() and time.time() - note.stat().st_mtime < BUILD_SECONDS:
            if problem := note.read_text(encoding="utf-8"):
                raise BuildError(problem)
        else:
            note.write_text("", encoding="utf-8")
            arguments = [str(SOURCE.parents[2]), SCALAR_TYPES[dtype]]
            spawn([sys.executable, "-c", BUILD_SCRIPT, *arguments])
    raise PendingBuildError("the kernel is being built, for trainings that begin later")


def note_path(dtype: torch.dtype) -> Path:
    """The file that says that a kernel is being built."""
    return cache_dir() / f"kernel-{cache_key(dtype)}.building"


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
build.build_beside(sys.argv[2])
"""


def build_beside(scalar: str) -> None:
    """Build the kernel of a C++ type, as another process has asked for it."""
    (dtype,) = (dtype for dtype, name in SCALAR_TYPES.items() if name == scalar)
    note = note_path(dtype)
    try:
        build_library(dtype)
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
    machine = [compiler() or "", platform.machine(), cpu_flags()]
    return digest_source([header(), SCALAR_TYPES[dtype], NATIVE, *FLAGS, *LINK, *machine])


def check_header() -> None:
    """Raise BuildError where the C++ header is not what the Python classes say."""
    if HEADER.read_text(encoding="utf-8") != header():
        raise BuildError(f"{HEADER} is out of date: python scripts/kernel_header.py writes it")


def find_compiler() -> str:
    """The C++ compiler. Raises BuildError where there is none."""
    if (found := compiler()) is None:
        raise BuildError("there is no C++ compiler: install g++ or clang++, or set CXX")
    return found


@contextmanager
def keep_errors(folder: Path) -> Iterator[None]:
    """What the system or the compiler refuses in here, as a BuildError."""
    try:
        yield
    except BuildError:
        raise
    except ToolchainError as error:
        raise BuildError(str(error)) from None
    except OSError as error:
        reason = error.strerror or error
        raise BuildError(f"the kernel cannot be kept in {folder}: {reason}") from None


def build_library(dtype: torch.dtype) -> Path:
    """Compile the kernel with the fastest micro-kernel; the file appears whole or not at all."""
    check_header()
    cxx, folder = find_compiler(), cache_dir()
    scalar = [NATIVE, f"-DSCALAR={SCALAR_TYPES[dtype]}"]
    with keep_errors(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            scratch, key = Path(name), cache_key(dtype)
            chosen = choose_micro_kernel(cxx, scalar, choice_path(key), scratch)
            library = scratch / "kernel.so"
            compile_source(cxx, "kernel.cpp", [*scalar, *chosen.options], library)
            path = library_path(str(chosen), key)
            library.replace(path)
    return path


def choose_micro_kernel(cxx: str, options: Sequence[str], kept: Path, scratch: Path) -> MicroKernel:
    """The micro-kernel that is in the file, else the fastest, which the file then has."""
    known = {str(each): each for each in micro_kernels()}
    if len(known) > 1 and read_choice(kept) not in known:
        speeds = measure_libraries(compile_measures(cxx, options, known, scratch))
        if read_choice(kept) not in known:  # another process may have been quicker
            keep_choice(kept, select_fastest(speeds), speeds)
    name = next(iter(known)) if len(known) == 1 else read_choice(kept)
    return known[name]


def compile_measures(
    cxx: str, options: Sequence[str], known: Mapping[str, MicroKernel], scratch: Path
) -> dict[str, Path]:
    """Name → a library with that micro-kernel, which measures itself."""
    libraries = {name: scratch / f"{name}.so" for name in known}
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(compile_source, cxx, "measure.cpp", [*options, *each.options], library)
            for each, library in zip(known.values(), libraries.values(), strict=True)
        ]
        for job in jobs:
            job.result()
    return libraries
