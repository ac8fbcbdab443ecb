"""The small form of the study pairs-depth in PyTorch, from the start to the table.

    python pairs_depth_torch.py DIGITS.npz

Sixteen arms: four depths, without and with sharing, without and with auxiliary losses. In each,
learning rate and auxiliary weight are searched on 70 % of 400 pairs and judged on the rest by the
mean accuracy of the last five epochs; the best is trained in three rounds with fresh pairs.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

ROUNDS, EPOCHS, LAST, BATCH, PAIRS, HIDDEN = 3, 5, 5, 100, 400, 50
RATES, WEIGHTS = (1e-3, 1e-1), (0.5, 1.0)

Samples = tuple[Tensor, Tensor]


class Pairs(nn.Module):
    """One or two encoders, a head that compares, and heads that name the digits."""

    def __init__(self, depth: str, sharing: bool, aux: bool, hidden: int = HIDDEN) -> None:
        super().__init__()
        count = 1 if sharing else 2
        features = {"shallow": hidden, "mlp": hidden, "conv1": 256, "conv2": 512}[depth]
        self.encoders = nn.ModuleList(encoder(depth, hidden) for _ in range(count))
        names = [nn.Linear(features, 10) for _ in range(count * aux)]
        self.names = nn.ModuleList(names)
        two = nn.Sequential(nn.Linear(2 * features, hidden), nn.ReLU(), nn.Linear(hidden, 2))
        self.compare = nn.Linear(2 * features, 2) if depth == "shallow" else two
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, pairs: Tensor) -> list[Tensor]:
        """The scores of main, and where there are heads for them of the first and the second."""
        if len(self.encoders) == 1:
            both = self.encoders[0](pairs.flatten(0, 1).unsqueeze(1)).unflatten(0, (-1, 2))
            first, second = both.unbind(1)
        else:
            first, second = (e(pairs[:, i : i + 1]) for i, e in enumerate(self.encoders))
        main = self.compare(torch.cat((first, second), 1))
        if not len(self.names):
            return [main]
        return [main, self.names[0](first), self.names[-1](second)]


def encoder(depth: str, hidden: int) -> nn.Sequential:
    """From images (N, 1, 14, 14) to features."""
    if depth == "conv1":
        return nn.Sequential(
            *(nn.Conv2d(1, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()),
        )
    if depth == "conv2":
        return nn.Sequential(
            *(nn.Conv2d(1, 16, 5), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU()),
            *(nn.Conv2d(32, 64, 3), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(64, 128, 2), nn.ReLU(), nn.Flatten()),
        )
    return nn.Sequential(nn.Flatten(), nn.Linear(196, hidden), nn.ReLU())


def draw(images: Tensor, labels: Tensor, pairs: int = PAIRS) -> Samples:
    """Pairs of images, and (is the first at most the second, the first, the second)."""
    pair = torch.randperm(len(labels))[: 2 * pairs].reshape(pairs, 2)
    first, second = labels[pair].unbind(1)
    return images[pair], torch.stack(((first <= second).long(), first, second), 1)


def trained(
    net: Pairs, train: Samples, test: Samples, lr: float, weight: float, last: int
) -> float:
    """The test accuracy, the mean over the last epochs."""
    mean, std = train[0].mean(), train[0].std()
    (x, t), (test_x, test_t) = (((x - mean) / std, t) for x, t in (train, test))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    found = []
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x))
        for batch, target in zip(x[order].split(BATCH), t[order].split(BATCH), strict=True):
            optimizer.zero_grad()
            main, *named = [cross_entropy(y, c) for y, c in zip(net(batch), target.T, strict=False)]
            (main + weight * sum(named)).backward()
            optimizer.step()
        if epoch >= EPOCHS - last:
            with torch.no_grad():
                found.append((net(test_x)[0].argmax(1) == test_t[:, 0]).float().mean())
    return float(torch.stack(found).mean())


def arm(depth: str, sharing: bool, aux: bool, data: list[tuple[Samples, Samples]]) -> Tensor:
    """The accuracies of the rounds with the best of the search."""
    x, t = data[0][0]
    cut = int(0.7 * PAIRS)
    learn, judge = (x[:cut], t[:cut]), (x[cut:], t[cut:])
    scores = {
        setting: trained(Pairs(depth, sharing, aux), learn, judge, *setting, LAST)
        for setting in product(RATES, WEIGHTS if aux else (0.0,))
    }
    best = max(scores, key=scores.__getitem__)
    rounds = [trained(Pairs(depth, sharing, aux), *parts, *best, 1) for parts in data[1:]]
    return torch.tensor(rounds)


def read_halves(path: str) -> list[Samples]:
    """Images (N, 14, 14) to learn from and to test on, with their labels."""
    with np.load(path) as arrays:
        images, labels = (torch.from_numpy(arrays[name]) for name in ("images", "labels"))
    small = (images.float() / 255).reshape(-1, 14, 2, 14, 2).mean((2, 4))
    return [(small[h], labels[h].long()) for h in (slice(2500), slice(2500, None))]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    halves = read_halves(sys.argv[1])
    data = [(draw(*halves[0]), draw(*halves[1])) for _ in range(1 + ROUNDS)]
    for depth, sharing, aux in product(
        ("shallow", "mlp", "conv1", "conv2"), (False, True), (False, True)
    ):
        found = 100 * arm(depth, sharing, aux, data)
        name = depth + "-sharing" * sharing + "-aux" * aux
        print(f"{name:20} {found.mean():.2f} ± {found.std():.2f}")


if __name__ == "__main__":
    main()
