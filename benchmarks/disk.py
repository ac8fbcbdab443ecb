"""The disk net of the third framework report, ten runs: one cohort against ten PyTorch loops.

    python -m benchmarks.disk [--json FILE]

Both sides train 2-25-25-25-2 (ReLU, ReLU, ReLU, Tanh), mean squared error against ±1, plain SGD,
batch 100, 100 epochs on 1,000 points, from the same weights over the same batches, on one thread
and on PyTorch's default number of threads. First it is checked that both compute the same thing;
then they run in turn, and the ratio of each pair is reported. Evaluation on the 1,000 test points
comes at the end of each run, and its time counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from chainrule import nn, zoo
from chainrule.data import Dataset, disk, one_hot, standardize
from chainrule.optim import SGD
from chainrule.train import Accuracy, Trainer
from chainrule.train.batches import orders

ROUNDS, EPOCHS, BATCH, POINTS, LR = 10, 100, 100, 1000, 0.1


def data() -> tuple[Dataset, Dataset]:
    """Fresh points for every round, centred and scaled by the training points."""
    parts = []
    for purpose in (0, 1000):
        points = disk(POINTS, seed=[purpose + r for r in range(ROUNDS)])
        parts.append(Dataset(points.inputs, one_hot(points.targets, 2, -1.0, 1.0), ROUNDS))
    (train, test), _ = standardize(*parts)
    return train, test


def cohort() -> nn.Module:
    return zoo.disk_net().replicate(ROUNDS, list(range(ROUNDS)))


def ours(net: nn.Module, train: Dataset, test: Dataset, epochs: int) -> torch.Tensor:
    """Test errors (rounds,) of the cohort after training."""
    trainer = Trainer(
        net,
        nn.MSELoss(),
        SGD(net, lr=LR),
        batch_size=BATCH,
        seed=list(range(ROUNDS)),
    )
    trainer.fit(train, epochs=epochs, progress=False)
    return 1 - Accuracy()(trainer.predict(test), test.targets).mean(-1)


def twin(net: nn.Module) -> torch.nn.Sequential:
    """The same plain net in PyTorch."""
    layers: list[torch.nn.Module] = []
    for width, (fan_in, fan_out) in enumerate([(2, 25), (25, 25), (25, 25), (25, 2)]):
        layers += [
            torch.nn.Linear(fan_in, fan_out),
            torch.nn.ReLU() if width < 3 else torch.nn.Tanh(),
        ]
    other = torch.nn.Sequential(*layers)
    other.load_state_dict(net.state_dict())
    return other


def pytorch(
    nets: list[torch.nn.Module], train: Dataset, test: Dataset, epochs: int
) -> torch.Tensor:
    """Test errors (rounds,) of ten loops, one after the other."""
    errors = []
    for r, net in enumerate(nets):
        x, t = train.inputs[r], train.targets[r]
        optimizer, criterion = torch.optim.SGD(net.parameters(), lr=LR), torch.nn.MSELoss()
        for epoch in range(epochs):
            for index in orders(POINTS, [r], epoch)[0].split(BATCH):
                optimizer.zero_grad()
                criterion(net(x[index]), t[index]).backward()
                optimizer.step()
        with torch.no_grad():
            wrong = net(test.inputs[r]).argmax(-1) != test.targets[r].argmax(-1)
        errors.append(wrong.float().mean())
    return torch.stack(errors)


def same(train: Dataset, test: Dataset) -> float:
    """The largest difference between the two sides' weights after three epochs.

    In float64: in float32 a unit whose input is within rounding of 0 is on for one side only.
    """
    train, test = (part.to(dtype=torch.float64) for part in (train, test))
    net = cohort().to(torch.float64)
    nets = [twin(net.replica(r)).double() for r in range(ROUNDS)]
    ours(net, train, test, 3)
    pytorch(nets, train, test, 3)
    pairs = [
        (p.data[r], q.detach())
        for r, other in enumerate(nets)
        for p, q in zip(net.parameters(), other.parameters(), strict=True)
    ]
    return max(float((p - q).abs().max()) for p, q in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="pairs of runs for each thread count")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    train, test = data()
    difference = same(train, test)
    assert difference < 1e-12, f"the two sides differ by {difference}"
    print(f"same weights after 3 epochs: largest difference {difference:.1e}")
    counts = sorted({1, torch.get_num_threads()})
    rows = [compare(train, test, threads, options.repeat) for threads in counts]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def compare(train: Dataset, test: Dataset, threads: int, repeat: int) -> dict[str, object]:
    """Time both sides in turn; ours on one thread, as it is meant, the peer on ``threads``."""
    pairs = []
    for _ in range(repeat):
        net = cohort()
        nets = [twin(net.replica(r)) for r in range(ROUNDS)]
        torch.set_num_threads(1)
        start = time.perf_counter()
        errors = ours(net, train, test, EPOCHS)
        middle = time.perf_counter()
        torch.set_num_threads(threads)
        peer_errors = pytorch(nets, train, test, EPOCHS)
        pairs.append((middle - start, time.perf_counter() - middle))
    ratios = sorted(theirs / own for own, theirs in pairs)
    row = {
        "peer": f"PyTorch eager, {threads} thread(s)",
        "ratio": statistics.median(ratios),
        "low": ratios[0],
        "high": ratios[-1],
        "ours_s": statistics.median(own for own, _ in pairs),
        "peer_s": statistics.median(theirs for _, theirs in pairs),
        "test_error": float(errors.mean()),
        "peer_test_error": float(peer_errors.mean()),
    }
    print(
        f"{row['peer']}: {row['ratio']:.1f} x (from {row['low']:.1f} to {row['high']:.1f}), "
        f"ours {row['ours_s']:.2f} s, theirs {row['peer_s']:.2f} s; "
        f"test error ours {row['test_error']:.2%}, theirs {row['peer_test_error']:.2%}"
    )
    return row


if __name__ == "__main__":
    main()
