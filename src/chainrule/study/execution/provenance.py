"""Where a result comes from: versions, commit, machine, time and command."""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from chainrule._util.commits import PACKAGE, git_commit, user_commit
from chainrule._version import __version__
from chainrule.study.results.training_versions import TRAINING_VERSION

__all__ = ["provenance"]


def provenance(own_files: Sequence[Path] = ()) -> dict[str, Any]:
    """What this process runs with, as JSON data; what cannot be found out is None.

    - ``versions``: of Python, chainrule, what it computes with and what may propose candidates.
    - ``training_version``: see ``TRAINING_VERSION``.
    - ``commit``, ``dirty``: of the git work tree that the package's files belong to, and whether
      they differ from it; ``own``: the same of the work tree that has the user's modules, or else
      the current folder, see :func:`user_commit`.
    - ``machine``: CPU model, logical cores, bytes of memory, system; ``devices``: GPUs.
    - ``threads``: PyTorch's, in one operation; ``hostname``.
    - ``time``: UTC, ISO 8601; ``command``: the arguments, without passwords in URLs.
    """
    return {
        "versions": package_versions(),
        "training_version": TRAINING_VERSION,
        **git_commit(PACKAGE),
        "own": user_commit(own_files[0].parent if own_files else Path.cwd(), own_files),
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count(),
            "memory": physical_memory(),
            "system": platform.platform(),
        },
        "devices": gpu_names(),
        "threads": torch.get_num_threads(),
        "hostname": socket.gethostname(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [hide_password(as_text(argument)) for argument in sys.argv],
    }


def package_versions() -> dict[str, str | None]:
    """Package → version; from the metadata, so that nothing is imported for it."""
    found: dict[str, str | None] = {
        "chainrule": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    for name in ("numpy", "scipy", "optuna"):
        found[name] = None
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def cpu_name() -> str | None:
    """The model's name."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if (line := re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)) is not None:
            return line[1].strip()
    return platform.processor() or platform.machine() or None


def physical_memory() -> int | None:
    """Bytes of physical memory."""
    with suppress(AttributeError, ValueError, OSError):  # no sysconf, or not these names
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def gpu_names() -> list[str]:
    """The names of the GPUs that PyTorch sees."""
    with suppress(RuntimeError, AssertionError):  # a driver that does not answer is no GPU
        return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return []


def as_text(argument: str) -> str:
    """An argument that can be written; a byte of it that is no UTF-8 becomes its hex number.

    Python takes all bytes beyond ASCII for such where the locale is C.
    """
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def hide_password(argument: str) -> str:
    """``postgresql://me:***@host/db``: a record must not keep what opens the store."""
    return re.sub(r"(://[^:/@\s]*):[^/\s]*@", r"\1:***@", argument)
