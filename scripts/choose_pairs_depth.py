"""How the numbers of the study pairs-depth were chosen: a 70/30 hold-out on training pairs.

    python scripts/choose_pairs_depth.py [--rounds 20]

Every round draws 1,000 pairs from the training images, learns on 700 and is scored on the other
300; no test image is looked at, and the root seed is not the study's. Prints the mean validation
accuracy of each arm for each setting, and each setting's mean over the arms, the best first.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import product

import torch

from chainrule.data import Dataset, digit_pairs, standardize
from chainrule.optim import Adam
from chainrule.seeds import derive
from chainrule.studies.pairs_depth import PAIRS, criterion
from chainrule.train import Accuracy, Trainer
from chainrule.zoo import pair_mlp

HIDDEN, WEIGHTS = (100, 200, 300), (0.25, 0.5, 1.0)
RATES = (0.001, 0.002, 0.004)


def data(roots: list[int]) -> tuple[Dataset, Dataset]:
    """700 pairs to learn from and 300 to choose by, in every round."""
    pairs = digit_pairs(PAIRS, "train", seed=[derive(root, "data") for root in roots])
    parts = pairs.subset(torch.arange(700)), pairs.subset(torch.arange(700, PAIRS))
    (train, validation), _ = standardize(*parts, per="all")
    return train, validation


def main() -> None:
    """Train every setting and print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    roots = [derive(999, "round", r) for r in range(rounds)]
    train, validation = data(roots)
    found: dict[tuple[int, float, float], list[float]] = defaultdict(list)
    for hidden, lr, share, aux in product(HIDDEN, RATES, (False, True), (False, True)):
        for weight in WEIGHTS if aux else WEIGHTS[:1]:
            net = pair_mlp(hidden, share=share, aux=aux).replicate(rounds, roots)
            trainer = Trainer(
                net,
                criterion(aux, weight),
                Adam(net, lr=lr),
                seed=roots,
                metrics={"accuracy": Accuracy("main")},
            )
            history = trainer.fit(train, validation, epochs=25, progress=False)
            score = float(history.last("test_accuracy").mean())
            print(f"{hidden=} {lr=} {share=} {aux=} {weight=}: {score:.4f}", flush=True)
            for w in (weight,) if aux else WEIGHTS:
                found[hidden, lr, w].append(score)
    for setting, scores in sorted(found.items(), key=lambda item: -sum(item[1])):
        print(f"hidden, lr, weight {setting}: {sum(scores) / len(scores):.4f}")


if __name__ == "__main__":
    main()
