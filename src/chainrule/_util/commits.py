"""The commit of git that code belongs to: the package's, or the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["PACKAGE", "git_commit", "package_commit", "user_commit"]

PACKAGE = Path(__file__).parents[1]


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
