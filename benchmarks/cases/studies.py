"""Whole studies, from the start of the process to the printed table, against PyTorch scripts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from statistics import fmean

import chainrule
from benchmarks.measuring import DifferenceError
from benchmarks.options import Options
from benchmarks.processes import against
from benchmarks.rows import Row

__all__ = ["check_same", "mean_of", "run"]

SCRIPTS = Path(__file__).parents[1] / "scripts"
DIGITS = Path(chainrule.__file__).parent / "data" / "files" / "digits.npz"

IMPORT = (sys.executable, "-c", "import torch")

DISK_STEPS = 10 * 1000
PAIRS_STEPS = 48 * 15 + 48 * 20
"""Of all trainings: 48 of the search on 280 pairs, 48 final ones on 400; five epochs each."""

ARM_STEPS = 5 * (48 * 7 + 10 * 10)
"""The same of one arm: 48 of the search on 700 pairs, ten final ones on 1,000."""

POINTS = 5.0
"""How far the mean accuracies of both sides, of samples of their own, may be apart."""


def python(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a script of the folder."""
    return (sys.executable, str(SCRIPTS / name), *arguments)


def study(*arguments: str) -> tuple[str, ...]:
    """The command that runs a study."""
    return (sys.executable, "-m", "chainrule", "run", *arguments)


def mean_of(output: str) -> float:
    """The mean over the arms of a printed table: the first number before ± of each line.

    The trivial answer, "(trivial)", is no arm.
    """
    arms = [line for line in output.splitlines() if not line.startswith("(")]
    found = [re.search(r"(\d+\.\d+) ± ", line) for line in arms]
    return fmean(float(match[1]) for match in found if match)


def check_same(ours: str, peer: str) -> None:
    """Compare the accuracies that both print. Raises DifferenceError."""
    expected, found = mean_of(ours), mean_of(peer)
    if not abs(found - expected) <= POINTS:
        raise DifferenceError(f"a script has {found:.1f} % right, ours {expected:.1f} %")


def run(options: Options) -> list[Row]:
    """Ten rounds of the disk report, as a study and as a script; pairs-depth, quick and one arm."""
    disk = {"PyTorch script": python("disk_torch.py")}
    pairs = {"PyTorch script": python("pairs_depth_torch.py", str(DIGITS))}
    arm = {"PyTorch script, a process a core": python("pairs_arm_torch.py", str(DIGITS))}
    rounds = study(str(SCRIPTS / "disk.toml"))
    depth = study("pairs-depth", "--quick")
    whole = study(
        "pairs-depth", *("--arms", "conv2-sharing-aux", "--rounds", "10", "--epochs", "5")
    )
    once = min(2, options.repeat)
    works = [
        (
            "ten disk rounds, script",
            python("disk_ours.py"),
            disk,
            DISK_STEPS,
            min(3, options.repeat),
        ),
        ("ten disk rounds, study", rounds, disk, DISK_STEPS, options.repeat),
        ("pairs-depth --quick", depth, pairs, PAIRS_STEPS, min(3, options.repeat)),
        ("conv2-sharing-aux, ten rounds with its search", whole, arm, ARM_STEPS, once),
    ]
    rows = []
    for name, ours, peers, steps, repeat in works[:1] if options.quick else works:
        chosen = {peer: c for peer, c in peers.items() if options.wanted(peer)}
        if not chosen:
            continue
        options.say(f"{name}:")
        less = IMPORT if name.endswith("study") else ()
        rows += against(name, ours, chosen, repeat, steps=steps, less=less, check=check_same)
    return rows
