"""Where cohorts are trained, a file an engine: here, a process a core, or on other machines."""

from chainrule.study.execution.executors.base import Engine, Executor
from chainrule.study.execution.executors.choose import open_engine, use_engine
from chainrule.study.execution.executors.processes import ProcessExecutor, exit_while_importing_main
from chainrule.study.execution.executors.serial import SerialExecutor

__all__ = [
    "Engine",
    "Executor",
    "ProcessExecutor",
    "SerialExecutor",
    "exit_while_importing_main",
    "open_engine",
    "use_engine",
]
