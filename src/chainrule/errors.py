"""What can go wrong, as a tree: each error stands beside what raises it, and is shown here.

::

    ChainruleError                  whatever this package refuses in words of its own
    ├── nn.LayerError               a layer was given what it cannot take        (a ValueError)
    ├── data.DataError              a data file or a table is not as it should be    (a ValueError)
    ├── train.CompileError          the kernel does not do what it was insisted on   (a ValueError)
    ├── train.FileError             a saved net or training cannot be read       (a ValueError)
    ├── compiled.BuildError         the kernel cannot be built on this machine   (an OSError)
    ├── statistics.StatisticsError  scores that no test can be made of           (a ValueError)
    ├── study.StudyError            a declaration that is no study               (a ValueError)
    └── study.StoreError            a store that cannot be read or written       (a ValueError)

A wrong argument of a function is Python's own ValueError or TypeError, what the system says about
a file is its OSError, and Ctrl-C is KeyboardInterrupt, which a training and a study answer with
what is done so far.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ChainruleError"]


class ChainruleError(Exception):
    """Whatever this package refuses in words of its own: the message says what would be right.

    From a worker process it arrives with its class and message, whatever its constructor takes.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).__new__, (type(self), *self.args)
