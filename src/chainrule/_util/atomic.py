"""A file, or a new folder of files, that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_atomically", "write_folder"]


def write_atomically(path: str | Path, data: bytes) -> None:
    """Replace a file by these bytes: after a crash it is the old one or the new one, whole.

    A device or a pipe, such as /dev/stdout, stays what it is, and is given them.
    """
    given = Path(path)
    path = given.resolve()  # a link stays a link
    spare: Path | None = None
    try:
        if given.exists() and not (given.is_file() or given.is_dir()):
            given.write_bytes(data)
            return
        mode = path.stat().st_mode if path.exists() else 0o666 & ~umask()
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as file:
            spare = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        spare.chmod(mode)
        spare.replace(path)
    except BaseException as error:  # an interrupt too must not leave the spare file behind
        if spare is not None:
            spare.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error
        raise
    sync_folder(path.parent)


def write_folder(folder: str | Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files: after a crash it is whole, or it is not there.

    In one that is there each is replaced atomically, one after the other. Raises OSError naming the
    folder, or the file in it.
    """
    folder = Path(folder).resolve()
    if folder.is_dir():
        for name, data in files.items():
            write_atomically(folder / name, data)
        return
    spare: Path | None = None
    try:
        spare = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
        for name, data in files.items():
            write_atomically(spare / name, data)
        spare.chmod(0o777 & ~umask())
        spare.rename(folder)
    except BaseException as error:
        if spare is not None:
            shutil.rmtree(spare, ignore_errors=True)
        if isinstance(error, OSError):
            problem = f"cannot write: {error.strerror}"
            raise OSError(error.errno, problem, str(folder)) from error
        raise
    sync_folder(folder.parent)


def umask() -> int:
    """The rights that a new file of this process does not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Make the new name itself last; not every system can open a folder for that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
