"""Whole commands, from the start of their process to its end."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.measuring import quartiles
from benchmarks.rows import Row

__all__ = ["Used", "against", "used"]


class Used(NamedTuple):
    """By a command: seconds, the most bytes that it held, and what it printed."""

    seconds: float
    peak: int
    output: str


def used(command: Sequence[str]) -> Used:
    """Run a command in an empty folder. Raises RuntimeError, with what it said, where it fails."""
    root = Path(__file__).parents[1]
    path = os.pathsep.join([str(root / "src"), str(root)])
    launch = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
    with TemporaryDirectory() as folder, TemporaryDirectory() as aside:
        output = Path(aside) / "output"
        found = subprocess.run(
            [*launch, str(output), *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            check=True,
        )
        seconds, peak, code = json.loads(found.stdout)
        said = output.read_text(encoding="utf-8", errors="replace")
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{said}")
    return Used(seconds, peak, said)


def against(
    name: str,
    ours: Sequence[str],
    peers: Mapping[str, Sequence[str]],
    repeat: int,
    *,
    steps: int = 1,
    less: Sequence[str] = (),
    check: Callable[[str, str], None] | None = None,
) -> list[Row]:
    """A row for each peer; times are divided by the steps of all trainings.

    With ``less`` also one of the times without those of this command, run beside them. ``check`` is
    given what ours and the peer print.
    """
    printed = used(ours).output  # so that its files are in memory
    rows = []
    for peer, command in peers.items():
        if check is not None:
            check(printed, used(command).output)
        runs = [(used(ours), used(command), used(less) if less else None) for _ in range(repeat)]
        pairs = [(a, b) for a, b, _ in runs]
        rows.append(row_of(name, peer, pairs, steps))
        if less:
            without = [(minus(a, c), minus(b, c)) for a, b, c in runs if c is not None]
            rows.append(row_of(f"{name}, less {less[-1]}", peer, without, steps))
    return rows


def minus(whole: Used, part: Used) -> Used:
    """A command without the seconds of another, a millisecond at least."""
    return whole._replace(seconds=max(1e-3, whole.seconds - part.seconds))


def row_of(name: str, peer: str, pairs: Sequence[tuple[Used, Used]], steps: int) -> Row:
    """Of pairs (ours, the peer's)."""
    low, ratio, high = quartiles([b.seconds / a.seconds for a, b in pairs])
    each = 1e6 / steps
    return Row(
        workload=name,
        replicas=1,
        peer=peer,
        ratio=ratio,
        low=low,
        high=high,
        ours_us=statistics.median(a.seconds for a, _ in pairs) * each,
        peer_us=statistics.median(b.seconds for _, b in pairs) * each,
        gflops=None,
        ceiling_fraction=None,
        peak_bytes=max(a.peak for a, _ in pairs),
        peer_peak_bytes=max(b.peak for _, b in pairs),
        pairs=len(pairs),
    )
