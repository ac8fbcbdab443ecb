"""Losses: how far an output is from its target, with the derivative beside the formula."""

from chainrule.nn.loss.base import Loss
from chainrule.nn.loss.classification import CrossEntropyLoss, NLLLoss
from chainrule.nn.loss.multi import MultiLoss
from chainrule.nn.loss.one_hot import OneHotLoss
from chainrule.nn.loss.probability import BCELoss, BCEWithLogitsLoss, KLDivLoss
from chainrule.nn.loss.regression import (
    GaussianNLLLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    SmoothL1Loss,
)
from chainrule.nn.loss.sample_weighted import SampleWeightedLoss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "Loss",
    "MSELoss",
    "MultiLoss",
    "NLLLoss",
    "OneHotLoss",
    "SampleWeightedLoss",
    "SmoothL1Loss",
]
