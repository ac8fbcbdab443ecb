"""Where cohorts are trained: here, or one process a core; any ``concurrent.futures`` will do."""

from chainrule.study.execution.executors.base import Executor
from chainrule.study.execution.executors.processes import ProcessExecutor, exit_while_importing_main
from chainrule.study.execution.executors.serial import SerialExecutor

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor", "exit_while_importing_main"]
