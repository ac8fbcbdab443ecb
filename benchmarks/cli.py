"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import compileall
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

ABOUT = """Ours and its peers on the same work, in turn.

Every side lives in processes of its own. First it is checked that a peer computes the same thing as
ours: from the same weights over the same batches it must have the same losses. Then both run right
after each other, several times; the median of the ratios counts.
"""

CASES = """cases:
  disk      2-25-25-25-2, K = 1, 10, 100, 1,000 replicas
  pair-mlp  digit pairs, sharing and auxiliary losses, K = 1, 30, a grid of 48, one over widths
  conv2     the same with four convolutions, K = 1, 10, 30
  lenet     digits 28 x 28, batch 64, K = 1, 10
  wide      784-1024-1024-10, batch 512: large products
  studies   whole studies as processes, from start to table, against PyTorch scripts
  startup   imports and commands, against import torch
  sklearn   a grid search over 48 nets in 5 folds, against scikit-learn's GridSearchCV
  engines   cohorts of a moment, and of half a second, by each engine, against this process alone;
            and uneven ones by 16 workers that are simulated
  norm      batch normalization: pairs-sharing's net, K = 10; pairs-best's with dropout and warping
  packed    64 MLPs of width 384 with rates of their own, against the same packed with bmm
  scaling   the cost against replicas, depth, width and batch; figures with --figures
  all       all but scaling and engines, half an hour or so: those with a target come first
  table     no case: print what a JSON FILE has: each target with the ratio found, then all rows

A row says: ratio, the peer's time over ours, so more than 1 means that ours is faster, with its
quartiles; microseconds of a training step of ONE replica; GFLOP/s, and their share of what the
fastest product reaches on all cores; efficiency, the share of their time that workers train. A peer
whose library is missing is skipped: pip install -e '.[bench]' brings them all.

examples:
  python -m benchmarks disk
  python -m benchmarks conv2 --peers 'PyTorch*' --repeat 3
  python -m benchmarks scaling --figures build/figures
  python -m benchmarks all --json build/bench.json
  python -m benchmarks table build/bench.json
  python -m benchmarks table docs/benchmarks.json --page docs/benchmarks.md
"""


NAMES = (
    *("studies", "norm", "packed", "disk", "pair-mlp", "conv2", "wide", "lenet", "startup"),
    "sklearn",
    "scaling",
    "engines",
)


APART = ("scaling", "engines")
"""Those that have no part in ``all``."""

FAILURES = (AssertionError, RuntimeError, ValueError, OSError)
"""What a case ends with where a peer computes something else, or cannot be run."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "python -m benchmarks",
        description=ABOUT,
        epilog=CASES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("case", nargs="?", default="all", choices=[*NAMES, "all", "table"])
    made.add_argument("file", nargs="?", type=Path, help="for table: what --json wrote")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    made.add_argument("--repeat", type=int, default=5, metavar="N", help="pairs of runs (5)")
    made.add_argument(
        "--seconds", type=float, metavar="S", help="of pairs with one peer, at most (20; all: 3)"
    )
    made.add_argument("--page", type=Path, help="for table: the page to write the tables into")
    made.add_argument(
        "--peers", action="append", metavar="GLOB", help="only peers of such names; may be repeated"
    )
    made.add_argument("--figures", type=Path, metavar="DIR", help="for scaling: where to draw")
    made.add_argument("--quick", action="store_true", help="a small form, without torch.compile")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a case, or all; 1 where a peer computes something else or cannot be run.

    Of all, the cases after one that failed are run too.
    """
    made = parser()
    given = made.parse_args(arguments)
    if (given.case == "table") != (given.file is not None):
        made.error("table needs a FILE, and only table takes one")
    if given.repeat < 1:
        made.error(f"--repeat is at least 1, got {given.repeat}")
    try:
        return show(given.file, given.page) if given.case == "table" else measure(given)
    except FAILURES as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1


def show(path: Path, page: Path | None) -> int:
    """Print a file's tables as Markdown, or write them into the page."""
    from benchmarks import pages, rows

    measured = rows.read(path)
    if page is None:
        print("\n\n".join(pages.sections(measured).values()))
    else:
        page.write_text(pages.fill(page.read_text(encoding="utf-8"), measured), encoding="utf-8")
    return 0


def compile_package() -> None:
    """Have the package's bytecode on disk, as an installation has.

    Where Python may not write it, each process would compile all of a checkout anew.
    """
    import chainrule

    compileall.compile_dir(Path(chainrule.__file__).parent, quiet=2)


def measure(given: argparse.Namespace) -> int:
    """Run the cases and print each table; the file is written after each."""
    from benchmarks import rows
    from benchmarks.cases import CASES
    from benchmarks.options import Options
    from benchmarks.targets import targets_table

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    peers, together = tuple(given.peers or ("*",)), given.case == "all"
    seconds = given.seconds or (3.0 if together else 20.0)
    options = Options(given.quick, given.repeat, seconds, peers, given.figures, say)
    compile_package()
    found: list[rows.Row] = []
    failed = False
    names = [name for name in NAMES if name not in APART]
    for name in names if together else [given.case]:
        try:
            new = CASES[name].run(options)
        except FAILURES as error:
            if not together:
                raise
            say(f"benchmarks {name}: {error}")
            failed = True
            continue
        print(rows.text(rows.rows_table(new)), flush=True)
        found += new
        if given.json is not None:
            rows.write(rows.describe(found), given.json)
    if together:
        print(rows.text(targets_table(found)), flush=True)
    return int(failed)
