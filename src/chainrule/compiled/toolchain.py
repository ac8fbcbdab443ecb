"""The C++ compiler, and how it is asked for a kernel.

It needs no other part of the package, nor PyTorch: a wheel is built with it, where there is none.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "FLAGS",
    "LEVELS",
    "LINK",
    "SHIPPED",
    "SOURCE",
    "Level",
    "MicroKernel",
    "ToolchainError",
    "compile_kernels",
    "compile_source",
    "compiler",
    "cpu_flags",
    "digest_source",
    "find_shipped",
    "list_micro_kernels",
]

SOURCE = Path(__file__).with_name("cpu")
SHIPPED = Path(__file__).with_name("kernels")
"""Where a wheel has kernels, LEVEL/SCALAR/kernel-KEY.so; a checkout has none."""
FLAGS = ("-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math")
LINK = ("-shared", "-fPIC", "-pthread")
STATIC = ("-static-libstdc++", "-static-libgcc")  # another machine may have older ones


class ToolchainError(OSError):
    """The compiler did not do it; the message is its first line."""


class MicroKernel(NamedTuple):
    """Products keep rows x columns vectors of sums in registers, of so many bits each.

    ``str``: such as "512-6x4".
    """

    bits: int
    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.bits}-{self.rows}x{self.columns}"

    @property
    def options(self) -> list[str]:
        """What the compiler is told."""
        return [
            *(["-mprefer-vector-width=512"] if self.bits == 512 else []),
            f"-DVECTOR_BYTES={self.bits // 8}",
            f"-DMICRO_KERNEL_ROWS={self.rows}",
            f"-DMICRO_KERNEL_COLUMNS={self.columns}",
        ]


def list_micro_kernels(flags: str) -> list[MicroKernel]:
    """Those that are worth measuring where the processor has these flags, the usual one first.

    Sums, and what they are made of, fill the registers but for a few: of AVX-512 and of ARM there
    are 32, else 16.
    """
    words = set(flags.split())
    if "avx512vl" in words:
        return [MicroKernel(256, 6, 4), MicroKernel(512, 6, 4), MicroKernel(512, 8, 3)]
    if "avx2" in words:
        return [MicroKernel(256, 6, 2), MicroKernel(256, 4, 3)]
    if "asimd" in words:
        return [MicroKernel(128, 6, 4), MicroKernel(128, 8, 3)]
    return [MicroKernel(128, 6, 2)]


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


def compile_source(cxx: str, source: str, options: Sequence[str], library: Path) -> None:
    """Compile a file of ``cpu/`` to this library. Raises ToolchainError."""
    files = [f"-I{SOURCE}", str(SOURCE / source), "-o", str(library)]
    command = [cxx, *FLAGS, *LINK, *options, *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        lines = run.stderr.strip().splitlines() or ["no message"]
        message = next((line for line in lines if "error" in line), lines[0])
        raise ToolchainError(f"{cxx} failed to compile the kernel: {message}")


def digest_source(options: Iterable[str]) -> str:
    """A digest of the kernel's source and of how it is compiled."""
    files = sorted(path for path in SOURCE.rglob("*") if path.suffix in (".h", ".cpp"))
    parts = [*(path.read_bytes() for path in files), *(option.encode() for option in options)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


class Level(NamedTuple):
    """Processors for which a wheel has kernels: what they must know, and the compiler's words.

    ``scalars``: the C++ types of numbers.
    """

    flags: frozenset[str]
    options: tuple[str, ...]
    machine: str = "x86_64"
    scalars: tuple[str, ...] = ("float", "double")

    def micro_kernels(self) -> list[MicroKernel]:
        """One of each width, which is what matters most."""
        known = list_micro_kernels(" ".join(self.flags))
        return list({each.bits: each for each in reversed(known)}.values())[::-1]


V3 = frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"})
V4 = V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
LEVELS = {
    "x86-64-v4-bf16": Level(
        V4 | {"avx512_bf16"}, ("-march=x86-64-v4", "-mavx512bf16"), scalars=("float",)
    ),
    "x86-64-v4": Level(V4, ("-march=x86-64-v4",)),
    "x86-64-v3": Level(V3, ("-march=x86-64-v3",)),
    "aarch64": Level(frozenset({"asimd"}), ("-march=armv8-a",), "aarch64"),
}
"""The best first."""


def compile_kernels(cxx: str, folder: Path, levels: Iterable[str] = LEVELS) -> None:
    """Compile the kernels of a wheel for machines of this kind. Raises ToolchainError."""
    jobs = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in levels:
            level = LEVELS[name]
            for scalar in level.scalars if level.machine == platform.machine() else ():
                (folder / name / scalar).mkdir(parents=True, exist_ok=True)
                for each in level.micro_kernels():
                    options = [*level.options, *STATIC, f"-DSCALAR={scalar}", *each.options]
                    key = f"{each}-{digest_source([*FLAGS, *LINK, *options])}"
                    path = folder / name / scalar / f"kernel-{key}.so"
                    jobs.append(pool.submit(compile_source, cxx, "kernel.cpp", options, path))
    for job in jobs:
        job.result()


def find_shipped(scalar: str) -> dict[str, Path]:
    """Micro-kernel → the kernel that the wheel has for this processor, the usual one first."""
    words = set(cpu_flags().split())
    for name, level in LEVELS.items():
        if level.flags <= words and level.machine == platform.machine():
            found = {
                str(each): path
                for each in level.micro_kernels()
                for path in (SHIPPED / name / scalar).glob(f"kernel-{each}-*.so")
            }
            if found:
                return found
    return {}
