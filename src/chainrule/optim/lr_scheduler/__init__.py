"""How the learning rate moves: schedules under the names of ``torch.optim.lr_scheduler``."""

from chainrule.optim.lr_scheduler.base import EpochLR, LRScheduler
from chainrule.optim.lr_scheduler.chained import ChainedScheduler
from chainrule.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from chainrule.optim.lr_scheduler.cyclic import CyclicLR
from chainrule.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
    TimeBasedLR,
)
from chainrule.optim.lr_scheduler.onecycle import OneCycleLR
from chainrule.optim.lr_scheduler.plateau import ReduceLROnPlateau
from chainrule.optim.lr_scheduler.sequential import SequentialLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "EpochLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "TimeBasedLR",
]
