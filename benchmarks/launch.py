"""Run a command and say what it used, from a process so small that its own memory does not count.

A new process begins with the peak of the one that started it: a large parent would hide it.

    python -I -S launch.py OUTPUT COMMAND ...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Print seconds, bytes and the exit code; what the command prints goes to OUTPUT."""
    with open(sys.argv[1], "wb") as output:  # noqa: PTH123
        start = time.perf_counter()
        process = subprocess.Popen(sys.argv[2:], stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([seconds, usage.ru_maxrss * 1024, process.returncode]))


if __name__ == "__main__":
    main()
