"""One cohort from the first step to the last: fit, history, metrics, callbacks, files."""

from chainrule.train.callbacks import Callback, Checkpoint, EarlyStopping
from chainrule.train.division import Division
from chainrule.train.fast.build import build_kernel
from chainrule.train.files import FileError
from chainrule.train.history import Divergence, History
from chainrule.train.metrics import Accuracy, ErrorRate, JointAccuracy, Metric
from chainrule.train.onecall import train
from chainrule.train.predictor import Predictor
from chainrule.train.probe import LayerRow, probe
from chainrule.train.progress import ProgressBar
from chainrule.train.regression import Coverage, MeanAbsoluteError, RootMeanSquaredError
from chainrule.train.saving import load, save
from chainrule.train.trainer import Trainer, fit

__all__ = [
    "Accuracy",
    "Callback",
    "Checkpoint",
    "Coverage",
    "Divergence",
    "Division",
    "EarlyStopping",
    "ErrorRate",
    "FileError",
    "History",
    "JointAccuracy",
    "LayerRow",
    "MeanAbsoluteError",
    "Metric",
    "Predictor",
    "ProgressBar",
    "RootMeanSquaredError",
    "Trainer",
    "build_kernel",
    "fit",
    "load",
    "probe",
    "save",
    "train",
]
