"""Second digit-pair report: does sharing weights, or naming the digits, help to compare them?

Two images of digits, 14 x 14: is the first digit at most the second? Arms: two hidden layers, with
and without shared encoders, with and without auxiliary heads that name each digit. The loss is
main + λ (first + second). 1,000 training and 1,000 test pairs, fresh in every round.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.data import Dataset, digit_pairs, standardize
from chainrule.nn import CrossEntropyLoss, Module, MultiLoss
from chainrule.optim import Adam, Optimizer
from chainrule.seeds import derive
from chainrule.study import Arm, Reported, Study
from chainrule.train import Accuracy
from chainrule.zoo import pair_mlp

PAIRS = 1000
# Chosen on training pairs alone, by the hold-out of scripts/choose_pairs_depth.py.
HIDDEN = 200
LEARNING_RATE = 4e-3
AUXILIARY_WEIGHT = 1.0

REPORTED = {
    "mlp": Reported(0.8028, 0.0130),
    "mlp-sharing": Reported(0.7963, 0.0190),
    "mlp-aux": Reported(0.8050, 0.0094),
    "mlp-sharing-aux": Reported(0.8122, 0.0168),
}


def data(round_seeds: Sequence[int]) -> tuple[Dataset, Dataset]:
    """K fresh training and test sets, standardized by each training set's own mean and spread."""
    train = digit_pairs(PAIRS, "train", seed=[derive(s, "train") for s in round_seeds])
    test = digit_pairs(PAIRS, "test", seed=[derive(s, "test") for s in round_seeds])
    (train, test), _ = standardize(train, test, per="all")
    return train, test


def criterion(aux: bool, weight: float = AUXILIARY_WEIGHT) -> MultiLoss:
    """main + λ (first + second), or main alone."""
    heads = {"main": 1.0} | ({"first": weight, "second": weight} if aux else {})
    return MultiLoss({head: CrossEntropyLoss() for head in heads}, heads)


def adam(net: Module) -> Optimizer:
    """Adam at the study's learning rate."""
    return Adam(net, lr=LEARNING_RATE)


def mlp(share: bool, aux: bool) -> Arm:
    """One of the four arms."""
    name = "mlp" + "-sharing" * share + "-aux" * aux
    return Arm(
        name,
        net=lambda: pair_mlp(HIDDEN, share=share, aux=aux),
        criterion=lambda: criterion(aux),
        optimizer=adam,
        reported=REPORTED[name],
        factors={"sharing": "yes" if share else "no", "aux": "yes" if aux else "no"},
    )


STUDY = Study(
    name="pairs-depth",
    summary="digit pairs: weight sharing and auxiliary losses in networks of two hidden layers",
    data=data,
    arms=[
        mlp(share, aux)
        for share, aux in ((False, False), (True, False), (False, True), (True, True))
    ],
    metric=Accuracy(head="main"),
    rounds=10,
    epochs=25,
    batch_size=100,
)
