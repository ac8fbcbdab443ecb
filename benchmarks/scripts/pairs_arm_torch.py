"""One arm of the study pairs-depth in PyTorch, whole: conv2-sharing-aux, from start to table.

    python pairs_arm_torch.py DIGITS.npz

48 candidates of units, learning rate and auxiliary weight learn from 70 % of 1,000 pairs and are
judged on the rest; the best is trained in ten rounds with fresh pairs. Five epochs each, a process
a core with one thread, convolutions in channels_last.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from itertools import product

import torch
from pairs_depth_torch import Pairs, Samples, draw, read_halves, trained

ROUNDS, PAIRS, LAST = 10, 1000, 5
HIDDEN, RATES, WEIGHTS = (50, 100, 200, 300), (1e-5, 1e-3, 1e-1), (0.25, 0.5, 0.75, 1.0)

Setting = tuple[int, float, float]


def prepare() -> None:
    """In each worker."""
    torch.set_num_threads(1)


def score(setting: Setting, parts: tuple[Samples, Samples], seed: int, last: int) -> float:
    """The accuracy of one training."""
    torch.manual_seed(seed)
    hidden, lr, weight = setting
    net = Pairs("conv2", True, True, hidden).to(memory_format=torch.channels_last)
    return trained(net, *parts, lr, weight, last)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    halves = read_halves(sys.argv[1])
    data = [(draw(*halves[0], PAIRS), draw(*halves[1], PAIRS)) for _ in range(1 + ROUNDS)]
    (x, t), _ = data[0]
    cut = int(0.7 * PAIRS)
    split = (x[:cut], t[:cut]), (x[cut:], t[cut:])
    candidates: list[Setting] = [*product(HIDDEN, RATES, WEIGHTS)]
    context = multiprocessing.get_context("fork")
    with context.Pool(len(os.sched_getaffinity(0)), prepare) as pool:
        tasks = [(setting, split, 1, LAST) for setting in candidates]
        found = pool.starmap(score, tasks, chunksize=1)
        best = candidates[found.index(max(found))]
        rounds = pool.starmap(score, [(best, parts, i, 1) for i, parts in enumerate(data[1:])])
    right = 100 * torch.tensor(rounds)
    print(f"conv2-sharing-aux {right.mean():.2f} ± {right.std():.2f}")


if __name__ == "__main__":
    main()
