"""One cohort from the first step to the last: fit, history, metrics, callbacks, files."""

from chainrule.compiled.build import build_kernel
from chainrule.serialization.nets import load, save
from chainrule.serialization.safetensors_file import FileError
from chainrule.train.callbacks import Callback, Checkpoint, EarlyStopping
from chainrule.train.history import Divergence, History
from chainrule.train.layer_stats import LayerRow, layer_stats
from chainrule.train.metrics import Accuracy, ErrorRate, JointAccuracy, Metric
from chainrule.train.one_call import train
from chainrule.train.progress import ProgressBar
from chainrule.train.regression import Coverage, MeanAbsoluteError, RootMeanSquaredError
from chainrule.train.trainer import Trainer, fit

__all__ = [
    "Accuracy",
    "Callback",
    "Checkpoint",
    "Coverage",
    "Divergence",
    "EarlyStopping",
    "ErrorRate",
    "FileError",
    "History",
    "JointAccuracy",
    "LayerRow",
    "MeanAbsoluteError",
    "Metric",
    "ProgressBar",
    "RootMeanSquaredError",
    "Trainer",
    "build_kernel",
    "fit",
    "layer_stats",
    "load",
    "save",
    "train",
]
