"""A lock that the system frees when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chainrule.study.store.base import StoreError

__all__ = ["file_lock", "find_holder", "lock_error", "process_name"]

if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> None:
        os.lseek(handle, 1 << 20, os.SEEK_SET)  # beyond the text, which others may then read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

    def _is_alive(process: int, path: Path) -> bool:
        handle = os.open(path, os.O_RDWR)
        try:
            _try(handle)  # closing lets go of it
        except OSError:
            return True
        finally:
            os.close(handle)
        return False
else:
    import fcntl

    def _try(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_alive(process: int, path: Path) -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except OSError:  # another user's
            pass
        return True


def process_name() -> str:
    """How the others are told of this process."""
    return f"{os.getpid()} on {socket.gethostname()}"


def lock_error(store: object, holder: str) -> StoreError:
    """What a second runner is told."""
    return StoreError(
        store,
        f"process {holder or '(not known)'} runs studies on it; wait for it or stop it "
        "(chainrule show can look meanwhile)",
    )


@contextmanager
def file_lock(store: Path) -> Iterator[None]:
    """Hold ``STORE.lock``. Raises StoreError naming who holds it, OSError where it cannot be."""
    path = store.with_name(f"{store.name}.lock")
    handle = _acquire(store, path)
    try:
        _write_holder(handle, path)
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps the name of an open file
            path.unlink()
        os.close(handle)


def find_holder(store: Path) -> str:
    """Which process runs studies on a store, as it named itself; "" where none does.

    The lock is not touched, so that nobody who wants it is kept from it. After a kill, what the
    process left is known for that by its number; of another machine's process it is believed.
    """
    path = store.with_name(f"{store.name}.lock")
    holder = _holder(path)
    number, _, host = holder.partition(" on ")
    if host != socket.gethostname() or not number.isdecimal():
        return holder
    with contextlib.suppress(OSError):  # gone in this moment
        return holder if _is_alive(int(number), path) else ""
    return ""


def _acquire(store: Path, path: Path) -> int:
    """A locked handle to the file of that name; who lets go removes the name first."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _try(handle)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        except (BlockingIOError, PermissionError):
            os.close(handle)
            raise lock_error(store, _holder(path)) from None
        os.close(handle)


def _write_holder(handle: int, path: Path) -> None:
    try:
        os.ftruncate(handle, 0)
        os.write(handle, process_name().encode())
    except OSError as error:
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from error


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
