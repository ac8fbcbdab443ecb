"""A file that is replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: str | Path, data: bytes) -> None:
    """Replace a file by these bytes: after a crash it is the old one or the new one, whole."""
    path = Path(path).resolve()  # a link stays a link
    spare: Path | None = None
    try:
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
