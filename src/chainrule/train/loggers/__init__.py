"""Where a training's curves are written while it runs, for programs that show them."""

from chainrule.train.loggers.base import Logger
from chainrule.train.loggers.json_lines import JSONLinesLogger
from chainrule.train.loggers.mlflow import MLflowLogger
from chainrule.train.loggers.tensorboard import TensorBoardLogger

__all__ = ["JSONLinesLogger", "Logger", "MLflowLogger", "TensorBoardLogger"]
