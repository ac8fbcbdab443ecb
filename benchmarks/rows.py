"""What was measured: rows, their JSON, and the table that a page shows."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["Row", "machine", "markdown", "read", "text", "write"]


@dataclass(frozen=True)
class Row:
    """Ours against one peer on one piece of work.

    - ``ratio``: the peer's time over ours, the median over pairs of runs right after each other;
      ``low`` and ``high`` their quartiles.
    - ``ours_us``, ``peer_us``: microseconds of a training step of ONE replica, medians: a run's
      time / (its steps x K). Where nothing trains (startup), of the whole process.
    - ``gflops``: ours, of the products that a step needs; ``ceiling_fraction``: of what the
      fastest float32 product reaches on all cores at once. None where there are no products.
    - ``peak_bytes``, ``peer_peak_bytes``: the most that all processes of a side held while they
      trained, less what they held with the data and after one small step; for studies and startup
      of the whole process.
    """

    workload: str
    replicas: int
    peer: str
    ratio: float
    low: float
    high: float
    ours_us: float
    peer_us: float
    gflops: float | None
    ceiling_fraction: float | None
    peak_bytes: int
    peer_peak_bytes: int


def write(rows: Sequence[Row], path: Path) -> None:
    """As a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    """The rows of a file. Raises OSError, and ValueError for another file."""
    try:
        return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: no list of benchmark rows ({error})") from error


HEADS = (
    "work",
    "K",
    "peer",
    "ratio",
    "quartiles",
    "ours",
    "peer",
    "GFLOP/s",
    "of ceiling",
    "memory",
)


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table; memory is ours over the peer's."""
    return (
        row.workload,
        f"{row.replicas:,}",
        row.peer,
        f"{row.ratio:.2f}",
        f"{row.low:.2f}–{row.high:.2f}",
        duration(row.ours_us),
        duration(row.peer_us),
        "–" if row.gflops is None else f"{row.gflops:.1f}",
        "–" if row.ceiling_fraction is None else f"{row.ceiling_fraction:.0%}",
        f"{size(row.peak_bytes)} / {size(row.peer_peak_bytes)}",
    )


def duration(us: float) -> str:
    """With its unit."""
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if us >= scale:
            return f"{us / scale:.3g} {unit}"
    return f"{us:.3g} µs"


def size(n: int) -> str:
    """In MiB."""
    return f"{n / 2**20:,.1f} MiB"


def text(rows: Iterable[Row]) -> str:
    """Lines for a terminal."""
    table = [HEADS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in table
    )


def markdown(rows: Iterable[Row]) -> str:
    """The machine, then the table."""
    ruler = " | ".join(":---" if h in ("work", "peer") else "---:" for h in HEADS)
    lines = [" | ".join(HEADS), ruler, *(" | ".join(cells(row)) for row in rows)]
    return f"{machine()}\n\n" + "\n".join(f"| {line} |" for line in lines)


def machine() -> str:
    """The processor, its cores and memory, the system, the libraries and the kernel."""
    libraries = ("torch", "jax", "optax", "scikit-learn", "numpy")
    found = [f"{name} {shown}" for name in libraries if (shown := installed(name))]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    about = f"{processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"
    python = f"Python {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return ", ".join([about, system, python, *found, describe_kernel()]) + "."


def describe_kernel() -> str:
    """The kernel's key, which begins with the micro-kernel that is the fastest here."""
    import torch

    from chainrule.compiled import BuildError, kernel

    try:
        return f"kernel {kernel(torch.float32).key}"
    except BuildError as problem:
        return f"no kernel: {problem}"


def installed(name: str) -> str | None:
    """Its version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Its name, with the vector instructions that matter."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(part for line in lines if len(part := line.replace("\t", "").split(": ", 1)) == 2)
    known = [
        f for f in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if f in facts["flags"].split()
    ]
    return f"{facts['model name']} ({', '.join(known)})"
