"""One cohort from the first step to the last: fit, history, metrics, callbacks, files."""

from chainrule.compiled.build import build_kernel
from chainrule.serialization.nets import load, save
from chainrule.serialization.safetensors_file import FileError
from chainrule.train.backends import (
    Backend,
    BackendStatus,
    Compiled,
    CompileError,
    Plain,
)
from chainrule.train.callbacks import Checkpoint, EarlyStopping
from chainrule.train.history import Divergence, History
from chainrule.train.inference import predict, predict_proba
from chainrule.train.layer_stats import LayerRow, layer_stats
from chainrule.train.loggers import JSONLinesLogger, Logger, MLflowLogger, TensorBoardLogger
from chainrule.train.metrics import (
    AUC,
    F1,
    PSNR,
    R2,
    SSIM,
    Accuracy,
    AveragePrecision,
    BalancedAccuracy,
    CalibrationError,
    Coverage,
    ErrorRate,
    JointAccuracy,
    MatthewsCorrelation,
    MeanAbsoluteError,
    Precision,
    Recall,
    RootMeanSquaredError,
    TokenAccuracy,
)
from chainrule.train.metrics.base import Metric
from chainrule.train.one_call import fit, train
from chainrule.train.progress import ProgressBar
from chainrule.train.state import Callback, TrainState
from chainrule.train.trainer import Trainer

__all__ = [
    "AUC",
    "F1",
    "PSNR",
    "R2",
    "SSIM",
    "Accuracy",
    "AveragePrecision",
    "Backend",
    "BackendStatus",
    "BalancedAccuracy",
    "CalibrationError",
    "Callback",
    "Checkpoint",
    "CompileError",
    "Compiled",
    "Coverage",
    "Divergence",
    "EarlyStopping",
    "ErrorRate",
    "FileError",
    "History",
    "JSONLinesLogger",
    "JointAccuracy",
    "LayerRow",
    "Logger",
    "MLflowLogger",
    "MatthewsCorrelation",
    "MeanAbsoluteError",
    "Metric",
    "Plain",
    "Precision",
    "ProgressBar",
    "Recall",
    "RootMeanSquaredError",
    "TensorBoardLogger",
    "TokenAccuracy",
    "TrainState",
    "Trainer",
    "build_kernel",
    "fit",
    "layer_stats",
    "load",
    "predict",
    "predict_proba",
    "save",
    "train",
]
