"""Where cohorts are trained: here, or one process a core; any ``concurrent.futures`` will do."""

from chainrule.study.run.executors.base import Executor
from chainrule.study.run.executors.processes import ProcessExecutor
from chainrule.study.run.executors.serial import SerialExecutor

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor"]
