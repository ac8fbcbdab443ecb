"""Where a result comes from: versions, commit, machine, time and command."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from chainrule._version import __version__

__all__ = ["package_commit", "provenance"]

PACKAGE = Path(__file__).parents[2]


def provenance(own_files: Sequence[Path] = ()) -> dict[str, Any]:
    """What this process runs with, as JSON data; what cannot be found out is None.

    - ``versions``: of Python, chainrule and what it computes with.
    - ``commit``, ``dirty``: of the git work tree that the package's files belong to, and whether
      they differ from it; ``own``: the same of the work tree that has the user's modules, or else
      the current folder, see :func:`user_commit`.
    - ``machine``: CPU model, logical cores, bytes of memory, system; ``devices``: GPUs.
    - ``threads``: PyTorch's, in one operation; ``hostname``.
    - ``time``: UTC, ISO 8601; ``command``: the arguments, without passwords in URLs.
    """
    return {
        "versions": package_versions(),
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
        "command": [hide_password(argument) for argument in sys.argv],
    }


def package_versions() -> dict[str, str | None]:
    """Package → version; from the metadata, so that nothing is imported for it."""
    found: dict[str, str | None] = {
        "chainrule": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    for name in ("numpy", "scipy"):
        found[name] = None
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@cache
def package_commit() -> dict[str, Any]:
    """The commit of the package's files, and whether they differ from it; looked up once."""
    return git_commit(PACKAGE)


def git_commit(folder: Path) -> dict[str, Any]:
    """The commit that has the folder's files; None where they are in no work tree.

    A package that is installed within someone's work tree, but is not part of it, is in none.
    """
    head = None
    if run_git(folder, "ls-files", "--error-unmatch", "--", "__init__.py") is not None:
        head = run_git(folder, "rev-parse", "HEAD")
    changes = run_git(folder, "status", "--porcelain", "--", ".") if head else None
    return {"commit": head, "dirty": None if changes is None else bool(changes)}


def user_commit(folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """The commit of the work tree that a folder is in, and whether the code is another one.

    That is so where a file that git knows is changed, where one of the user's modules is not known
    to it, and before the first commit. What else lies there, such as results, is no matter.
    """
    if run_git(folder, "rev-parse", "--is-inside-work-tree") != "true":
        return {"commit": None, "dirty": None}
    head = run_git(folder, "rev-parse", "HEAD")
    changes = run_git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":/")
    paths = [str(file.resolve()) for file in files]
    known = not paths or run_git(folder, "ls-files", "--error-unmatch", "--", *paths) is not None
    dirty = bool(changes) or not known or head is None
    return {"commit": head, "dirty": None if changes is None else dirty}


def run_git(folder: Path, *command: str) -> str | None:
    """What git prints; None where it is missing, refuses, or takes longer than 2 s."""
    program = shutil.which("git")
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own["GIT_OPTIONAL_LOCKS"] = "0"  # looking must not disturb who works there
    if program is None:
        return None
    with suppress(OSError, subprocess.SubprocessError, UnicodeError):
        done = subprocess.run(  # noqa: S603  # fixed words
            [program, "-C", str(folder), *command],
            capture_output=True,
            check=True,
            encoding="utf-8",
            env=own,
            stdin=subprocess.DEVNULL,
            timeout=2,
        )
        return done.stdout.strip()
    return None


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


def hide_password(argument: str) -> str:
    """``postgresql://me:***@host/db``: a record must not keep what opens the store."""
    return re.sub(r"(://[^:/@\s]*):[^/\s]*@", r"\1:***@", argument)
