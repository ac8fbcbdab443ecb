"""Metrics, a file for each kind: what gives a number a sample, and what one over all of them."""

from chainrule.train.metrics.by_sample import (
    Accuracy,
    Coverage,
    ErrorRate,
    JointAccuracy,
    MeanAbsoluteError,
    RootMeanSquaredError,
    TokenAccuracy,
)
from chainrule.train.metrics.images import PSNR, SSIM
from chainrule.train.metrics.whole_set import (
    AUC,
    F1,
    R2,
    AveragePrecision,
    BalancedAccuracy,
    CalibrationError,
    MatthewsCorrelation,
    Precision,
    Recall,
)

__all__ = [
    "AUC",
    "F1",
    "PSNR",
    "R2",
    "SSIM",
    "Accuracy",
    "AveragePrecision",
    "BalancedAccuracy",
    "CalibrationError",
    "Coverage",
    "ErrorRate",
    "JointAccuracy",
    "MatthewsCorrelation",
    "MeanAbsoluteError",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TokenAccuracy",
]
