"""One cohort from the first step to the last: fit, history, metrics, callbacks, files."""

from chainrule.train.callbacks import Callback, Checkpoint, EarlyStopping
from chainrule.train.files import FileError
from chainrule.train.history import Divergence, History
from chainrule.train.metrics import Accuracy, Metric
from chainrule.train.onecall import train
from chainrule.train.progress import ProgressBar
from chainrule.train.saving import load, save
from chainrule.train.trainer import Trainer, fit

__all__ = [
    "Accuracy",
    "Callback",
    "Checkpoint",
    "Divergence",
    "EarlyStopping",
    "FileError",
    "History",
    "Metric",
    "ProgressBar",
    "Trainer",
    "fit",
    "load",
    "save",
    "train",
]
