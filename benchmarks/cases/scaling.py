"""How the cost of a step grows with replicas, depth, width and batch, of nets like the disk's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import peers
from benchmarks.cases.disk import work
from benchmarks.options import Options
from benchmarks.rows import Row
from benchmarks.work import Work

__all__ = ["draw", "run"]

PEERS = (peers.EAGER_ONE, peers.FUNC, peers.JAX)

AXES = {
    "replicas": (1, 3, 10, 30, 100, 300),
    "depth": (1, 2, 4, 8),
    "width": (10, 25, 50, 100, 200, 400),
    "batch": (10, 30, 100, 300, 1000),
}


def at(axis: str, value: int) -> Work:
    """Ten trainings of the disk net, but for this one number."""
    base = replace(work(10), name=f"scaling {axis} {value}", epochs=5)
    if axis == "replicas":
        return replace(base, replicas=value, epochs=max(1, 50 // value))
    if axis == "batch":
        return replace(base, samples=max(1000 // value, 1) * value, batch=value)
    hidden = (value,) * 3 if axis == "width" else (25,) * value
    return replace(base, net=replace(base.net, widths=(2, *hidden, 2)))


def run(options: Options) -> list[Row]:
    """Each axis; with ``figures``, a folder, also ``scaling.png`` and ``scaling.svg`` in it."""
    axes = {axis: values[:2] if options.quick else values for axis, values in AXES.items()}
    few = replace(options, repeat=min(options.repeat, 3))
    rows = []
    for axis, values in axes.items():
        rows += few.measure([at(axis, value) for value in values], PEERS)
    if options.figures is not None and rows:
        draw(rows, options.figures)
    return rows


def draw(rows: Sequence[Row], folder: Path) -> None:
    """Microseconds of a replica's step against each axis, a line a side."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for panel, axis in zip(axes.flat, AXES, strict=True):
        for side, points in lines(rows, axis).items():
            style = {"color": "black", "linewidth": 2} if side == "chainrule" else {}
            panel.plot(*zip(*sorted(points.items()), strict=True), marker="o", label=side, **style)
        panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="µs for a replica's step")
        panel.set_xticks(AXES[axis], [f"{value:,}" for value in AXES[axis]])
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:,g}")
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_minor_locator(NullLocator())
    axes.flat[0].legend(frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("png", "svg"):
        figure.savefig(folder / f"scaling.{kind}", dpi=120)
    plt.close(figure)


def lines(rows: Sequence[Row], axis: str) -> dict[str, dict[int, float]]:
    """Side → value of the axis → microseconds."""
    found: dict[str, dict[int, float]] = {"chainrule": {}}
    for row in rows:
        name, value = row.workload.removeprefix("scaling ").split()
        if name == axis:
            found["chainrule"][int(value)] = row.ours_us
            found.setdefault(row.peer, {})[int(value)] = row.peer_us
    return found
