"""What was measured: rows, their JSON, and the table that a page shows."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = [
    "Measured",
    "Row",
    "describe",
    "machine",
    "markdown",
    "read",
    "rows_table",
    "text",
    "write",
]


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
    - ``pairs``: how many pairs of runs there were.
    - ``efficiency``: of workers, how much of their time they train; None where there are none.
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
    pairs: int
    efficiency: float | None = None


@dataclass(frozen=True)
class Measured:
    """Rows, and where they come from: the machine with its libraries, the commit, the day."""

    machine: str
    commit: str
    date: str
    rows: list[Row]


def describe(rows: Sequence[Row]) -> Measured:
    """The rows with this machine, commit and day."""
    today = datetime.now(UTC).date().isoformat()
    return Measured(machine(), commit(), today, [*rows])


def write(measured: Measured, path: Path) -> None:
    """As JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Measured:
    """What a file has. Raises OSError, and ValueError for another file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Measured(**{**found, "rows": [Row(**row) for row in found["rows"]]})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no benchmark rows ({error})") from error


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
    "pairs",
    "efficiency",
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
        f"{row.pairs}",
        "–" if row.efficiency is None else f"{row.efficiency:.0%}",
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


def text(table: Sequence[Sequence[str]]) -> str:
    """A table's lines for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in table
    )


def markdown(table: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its words to the left and its numbers to the right."""
    heads, *rest = table
    words = ("work", "peer", "case", "against", "")
    ruler = [":---" if head in words else "---:" for head in heads]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ruler, *rest))


def rows_table(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """The heads, then a line a row; the efficiency where any of them has one."""
    rows = [*rows]
    n = len(HEADS) - all(row.efficiency is None for row in rows)
    return [line[:n] for line in (HEADS, *map(cells, rows))]


def machine() -> str:
    """The processor, its cores and memory, the system, the libraries and the kernel."""
    libraries = ("torch", "jax", "optax", "scikit-learn", "numpy")
    found = [f"{name} {shown}" for name in libraries if (shown := installed(name))]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    about = f"{processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB"
    python = f"Python {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return ", ".join([about, system, python, *found, describe_kernel()]) + "."


def commit() -> str:
    """That of the working tree, with a + where something in it was changed; or "unknown"."""
    root = Path(__file__).parents[1]
    asked = ["git", "-C", str(root), "describe", "--always", "--exclude=*", "--dirty=+"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


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
