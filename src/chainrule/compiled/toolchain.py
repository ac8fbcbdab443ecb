"""The C++ compiler, and how it is asked for a kernel. Needs no other part of the package."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "FLAGS",
    "LINK",
    "SOURCE",
    "MicroKernel",
    "ToolchainError",
    "compile_source",
    "compiler",
    "cpu_flags",
    "list_micro_kernels",
]

SOURCE = Path(__file__).with_name("cpu")
FLAGS = ("-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math")
LINK = ("-shared", "-fPIC", "-pthread")


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
    command = [cxx, *FLAGS, *LINK, *options, str(SOURCE / source), "-o", str(library)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        message = (run.stderr.strip() or "no message").splitlines()[0]
        raise ToolchainError(f"{cxx} failed to compile the kernel: {message}")
