"""What the driver has and a worker lacks: the user's modules, and the data file of a study.

Both are known by a SHA-256. A worker looks for them where they are on the driver's machine, then
among those that it was sent before; what it lacks it asks for, and keeps.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from hashlib import sha256
from importlib import invalidate_caches
from pathlib import Path
from tempfile import mkdtemp
from threading import Condition
from typing import Any, final
from uuid import uuid4

from chainrule._util.atomic import write_atomically
from chainrule._util.source_code import hash_source
from chainrule.compiled.build import cache_dir
from chainrule.data.files.csv_file import digest_file
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.workers.handshake import (
    WorkerRefusedError,
    describe_process,
    name_worker,
)
from chainrule.study.execution.workers.package import ModuleSource, StudyPackage
from chainrule.study.spec.own_files.own_code import check_loaded, locate_module, own_files
from chainrule.study.spec.study import Study

__all__ = ["MissingFilesError", "keep_files", "name_place", "pack_study", "unpack_study"]


class MissingFilesError(StudyError):
    """A worker lacks files; the run sends them, and gives the cohort out again."""

    def __init__(self, place: str, digests: tuple[str, ...]) -> None:
        super().__init__(place, digests)

    @property
    def place(self) -> str:
        """Where they are to be kept, see :func:`name_place`."""
        return str(self.args[0])

    @property
    def digests(self) -> tuple[str, ...]:
        """Their SHA-256."""
        return tuple(self.args[1])

    def __str__(self) -> str:
        return f"{self.place} lacks the files of sha256 {', '.join(self.digests)}"


def pack_modules(study: Study) -> tuple[ModuleSource, ...]:
    """The user's modules that a worker needs, those of callbacks too; without their content."""
    return tuple(
        ModuleSource(name, path.name == "__init__.py", hash_source(path), digest_file(path))
        for name, path in sorted(own_files(study, callbacks=True).items())
    )


def locate_files(study: Study) -> dict[str, Path]:
    """SHA-256 → file of all that a worker may lack."""
    files = {digest_file(path): path for path in own_files(study, callbacks=True).values()}
    arguments = study.data.arguments
    if "csv" in arguments and "sha256" in arguments:
        files[str(arguments["sha256"])] = Path(str(arguments["csv"]))
    return files


def pack_study(study: Study, kernel: str, is_remote: bool) -> tuple[StudyPackage, dict[str, Path]]:
    """A study as workers get it, and the files that they may ask for.

    ``kernel``: its key, or "" where none is used.
    """
    declared, run = study.model_dump_json(), uuid4().hex
    if not is_remote:
        return StudyPackage(declared, run), {}
    package = StudyPackage(declared, run, describe_process(kernel), pack_modules(study))
    return package, locate_files(study)


@contextmanager
def unpack_study(package: StudyPackage) -> Iterator[str]:
    """In here a worker has what a study needs; the declaration that it is to read.

    Raises MissingFilesError for what it lacks, WorkerRefusedError where it has a module in another
    version.
    """
    keep_files(package.files)
    sent = find_lacking(package.modules)
    csv = find_lacking_csv(package.declared)
    check_kept([module.content for module in sent] + ([csv] if csv else []))
    with _path.hold(write_modules(sent) if sent else None):
        yield declare_here(package.declared, csv)


@lru_cache(maxsize=8)
def find_lacking(modules: tuple[ModuleSource, ...]) -> tuple[ModuleSource, ...]:
    """Those that this machine does not have by itself; looked at once for all cohorts."""
    return tuple(module for module in modules if not has_module(module))


def has_module(module: ModuleSource) -> bool:
    """Whether this machine has a module by itself. Raises WorkerRefusedError for another one."""
    loaded = getattr(sys.modules.get(module.name), "__file__", None)
    path = Path(loaded) if loaded else locate_module(module.name)
    if not path.is_file() or travel_dir() in path.parents:
        return False
    if hash_source(path) != module.digest:
        raise WorkerRefusedError(
            f"worker {name_worker()}: its module {module.name}, {path}, is another version than "
            "that of the run: make them the same, or remove it there"
        )
    try:
        check_loaded(module.name, path, module.digest)
    except StudyError as error:
        raise WorkerRefusedError(f"worker {name_worker()}: start it again: {error}") from None
    return True


@lru_cache(maxsize=8)
def find_lacking_csv(declared: str) -> str:
    """The SHA-256 of a study's data file where this machine does not have it by itself, or ""."""
    data: dict[str, Any] = json.loads(declared)["data"]
    if "csv" not in data or "sha256" not in data or has_same_file(data["csv"], data["sha256"]):
        return ""
    return str(data["sha256"])


def declare_here(declared: str, csv: str) -> str:
    """The declaration, with its data file where it is kept on this machine, if it was sent."""
    if not csv:
        return declared
    study: dict[str, Any] = json.loads(declared)
    study["data"]["csv"] = str(travel_dir() / csv)
    return json.dumps(study)


def has_same_file(path: str, digest: str) -> bool:
    """Whether there is this file, with this content."""
    return Path(path).is_file() and digest_file(Path(path)) == digest


def travel_dir() -> Path:
    """Where a worker keeps what it was sent."""
    folder = cache_dir() / "sent"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that is not there, or read-only
        return private_dir()
    return folder.resolve()


@cache
def private_dir() -> Path:
    """A folder of this process alone: what lies there is run, so nobody else may write into it."""
    return Path(mkdtemp(prefix="chainrule-sent-")).resolve()


def keep_files(files: Mapping[str, bytes]) -> None:
    """Keep what came. Raises StudyError for a content that is not what it is said to be."""
    for digest, content in files.items():
        if sha256(content).hexdigest() != digest:
            raise StudyError(f"a file that was sent came damaged: expected sha256 {digest}")
        if not (path := travel_dir() / digest).is_file():
            write_atomically(path, content)


def name_place() -> str:
    """``HOST:FOLDER``, where this process keeps what it is sent; others may keep it there too."""
    return f"{socket.gethostname()}:{travel_dir()}"


def check_kept(digests: Sequence[str]) -> None:
    """Raise MissingFilesError for files of these SHA-256 that have not come yet."""
    folder = travel_dir()
    if missing := [digest for digest in digests if not (folder / digest).is_file()]:
        raise MissingFilesError(name_place(), tuple(dict.fromkeys(missing)))


def write_modules(modules: tuple[ModuleSource, ...]) -> Path:
    """The folder that has just these modules, from where they can be imported."""
    name = sha256(repr(modules).encode()).hexdigest()
    folder = travel_dir() / f"modules-{name[:32]}"
    for module in modules:
        parts = module.name.split(".")
        place = folder.joinpath(*parts, "__init__.py") if module.is_package else None
        path = place or folder.joinpath(*parts).with_suffix(".py")
        source = (travel_dir() / module.content).read_bytes()
        if not (path.is_file() and path.read_bytes() == source):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, source)
    return folder


@final
class SentModules:
    """The folder of modules that were sent and that Python looks in now.

    Two studies may bring modules of one name: theirs are not trained at the same time in one
    process, and what was imported of the other is forgotten.
    """

    def __init__(self) -> None:
        self._free = Condition()
        self._folder: Path | None = None
        self._users = 0

    @contextmanager
    def hold(self, folder: Path | None) -> Iterator[None]:
        """In here, these modules can be imported."""
        if folder is None:
            yield
            return
        with self._free:
            self._free.wait_for(lambda: self._folder == folder or not self._users)
            if self._folder != folder:
                self._change(folder)
            self._users += 1
        try:
            yield
        finally:
            with self._free:
                self._users -= 1
                self._free.notify_all()

    def _change(self, folder: Path) -> None:
        if self._folder is not None:
            sys.path.remove(str(self._folder))
            for name, module in [*sys.modules.items()]:
                if self._folder in Path(getattr(module, "__file__", None) or "").parents:
                    del sys.modules[name]
        sys.path.append(str(folder))
        invalidate_caches()
        self._folder = folder


_path = SentModules()
