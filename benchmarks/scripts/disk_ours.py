"""Ten rounds of the disk report with the Trainer: from the start to the table."""

from __future__ import annotations

import torch

from chainrule import nn, zoo
from chainrule.data import Dataset, disk, one_hot, standardize
from chainrule.optim import SGD
from chainrule.train import Accuracy, Trainer

ROUNDS, EPOCHS, POINTS = 10, 100, 1000


def main() -> None:
    torch.set_num_threads(1)
    parts = []
    for first in (0, 1000):
        points = disk(POINTS, seed=range(first, first + ROUNDS))
        parts.append(Dataset(points.inputs, one_hot(points.targets, 2, -1.0, 1.0), ROUNDS))
    (train, test), _ = standardize(*parts)
    net = zoo.disk_net().replicate(ROUNDS, range(ROUNDS))
    trainer = Trainer(net, nn.MSELoss(), SGD(net, lr=0.1), seed=range(ROUNDS), compile=True)
    trainer.fit(train, epochs=EPOCHS, progress=False)
    right = Accuracy()(trainer.predict(test), test.targets).mean(-1)
    print(f"{100 * right.mean():.2f} ± {100 * right.std():.2f}")


if __name__ == "__main__":
    main()
