"""Ten rounds of the disk report in PyTorch: from the start to the table."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

ROUNDS, EPOCHS, BATCH, POINTS = 10, 100, 100, 1000


def points() -> tuple[Tensor, Tensor]:
    """Points of the unit square; rows of ±1, inside or outside of a disk of half the area."""
    x = torch.rand(POINTS, 2)
    inside = ((x - 0.5).square().sum(1) < 1 / (2 * math.pi)).long()
    return x, 2.0 * nn.functional.one_hot(inside, 2) - 1


def accuracy() -> Tensor:
    """Of one round, in %."""
    (x, t), (test_x, test_t) = points(), points()
    mean, std = x.mean(0), x.std(0)
    x, test_x = (x - mean) / std, (test_x - mean) / std
    net = nn.Sequential(
        *(nn.Linear(2, 25), nn.ReLU(), nn.Linear(25, 25), nn.ReLU()),
        *(nn.Linear(25, 25), nn.ReLU(), nn.Linear(25, 2), nn.Tanh()),
    )
    criterion, optimizer = nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.1, fused=True)
    for _ in range(EPOCHS):
        order = torch.randperm(POINTS)
        for batch, target in zip(x[order].split(BATCH), t[order].split(BATCH), strict=True):
            optimizer.zero_grad()
            criterion(net(batch), target).backward()
            optimizer.step()
    with torch.no_grad():
        right = net(test_x).argmax(1) == test_t.argmax(1)
    return 100 * right.float().mean()


def main() -> None:
    torch.set_num_threads(1)  # quicker for such small products
    torch.manual_seed(0)
    found = torch.stack([accuracy() for _ in range(ROUNDS)])
    print(f"{found.mean():.2f} ± {found.std():.2f}")


if __name__ == "__main__":
    main()
