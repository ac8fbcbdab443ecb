"""Losses: how far an output is from its target, with the derivative beside the formula."""

from chainrule.nn.loss.base import Loss
from chainrule.nn.loss.classification import CrossEntropyLoss, NLLLoss
from chainrule.nn.loss.ctc import CTCLoss
from chainrule.nn.loss.embedding import (
    CosineEmbeddingLoss,
    MarginRankingLoss,
    TripletMarginLoss,
)
from chainrule.nn.loss.margin import (
    HingeEmbeddingLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
)
from chainrule.nn.loss.multi import MultiLoss
from chainrule.nn.loss.one_hot import OneHotLoss
from chainrule.nn.loss.probability import BCELoss, BCEWithLogitsLoss, KLDivLoss
from chainrule.nn.loss.regression import (
    GaussianNLLLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
from chainrule.nn.loss.sample_weighted import SampleWeightedLoss
from chainrule.nn.loss.target import TargetLoss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelSoftMarginLoss",
    "MultiLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "OneHotLoss",
    "PoissonNLLLoss",
    "SampleWeightedLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TargetLoss",
    "TripletMarginLoss",
]
