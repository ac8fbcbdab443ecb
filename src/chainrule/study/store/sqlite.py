"""The store in one SQLite file: in WAL mode, where viewers and the writer do not wait.

A row that was acknowledged is on the disk (``synchronous = FULL``); after kill -9 the next opening
finds it, without repair. A file is looked through when it is opened, and whatever in it is not as
it was written is an error. One damage no file can show by itself: a writer was killed and then the
end of its ``-wal`` file was lost too. The rows in it are missing, as if never written.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, final

from chainrule.study.store.base import StoreError
from chainrule.study.store.lock import file_lock, find_holder
from chainrule.study.store.tables import FORMAT, PREDICTIONS_FORMAT, TableStore

__all__ = ["SqliteStore"]

APPLICATION = 0x63687275
"""What marks a file as ours: "chru"."""

SCHEMA = {
    "study": "CREATE TABLE study (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE,"
    " content TEXT NOT NULL, trainings INTEGER NOT NULL, seal TEXT NOT NULL)",
    "training": "CREATE TABLE training (id INTEGER PRIMARY KEY,"
    " study INTEGER NOT NULL REFERENCES study, arm TEXT NOT NULL, stage TEXT NOT NULL,"
    " candidate INTEGER NOT NULL, round INTEGER NOT NULL, fold INTEGER NOT NULL,"
    " content TEXT NOT NULL, seal TEXT NOT NULL,"
    " UNIQUE (study, arm, stage, candidate, round, fold))",
    "curve": "CREATE TABLE curve (training INTEGER PRIMARY KEY REFERENCES training,"
    " data BLOB NOT NULL)",
    "prediction": "CREATE TABLE prediction (training INTEGER PRIMARY KEY REFERENCES training,"
    " data BLOB NOT NULL)",
}

NOT_A_STORE = "is not a store of chainrule, or its beginning is damaged"

UNREAD_WAL = "a killed run left rows beside it: to read them, copy both to a folder you may write"

BUSY_SECONDS = 30.0

SYSTEM_ERRORS = {
    sqlite3.SQLITE_FULL: (errno.ENOSPC, "the disk is full; what was there is as it was"),
    sqlite3.SQLITE_IOERR: (errno.EIO, "cannot be read or written; what was there is as it was"),
    sqlite3.SQLITE_NOMEM: (errno.ENOMEM, "too little memory"),
    sqlite3.SQLITE_PERM: (errno.EACCES, "may not be opened"),
    sqlite3.SQLITE_READONLY: (errno.EACCES, "may not be written"),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, "cannot be opened; may its folder be written?"),
}
"""What is not the file's fault, and the OSError it becomes."""


@final
class SqliteStore(TableStore):
    """A store in a file or in memory; see :func:`chainrule.study.store.open_store`."""

    def __init__(self, where: str | Path, *, read_only: bool = False, create: bool = True) -> None:
        self.where, self._read_only = str(where), read_only
        self._in_memory = self.where == ":memory:"
        self._path = Path(where).resolve()
        self._create = self._in_memory or (create and not read_only)
        if not self._in_memory:
            _prepare_folder(self._path, self._create)
        self._is_new = not self._in_memory and not self._path.exists()
        """Whether the file comes with the first that is written; until then all is in memory."""
        try:
            # A viewer that may not write at all would leave a -shm and a -wal file behind.
            self._connection = self._connect("rw", on_disk=self._is_on_disk)
        except PermissionError:
            if not read_only:
                raise
            if not _has_no_wal(self._path):
                raise PermissionError(errno.EACCES, UNREAD_WAL, self.where) from None
            # Where nothing may be written SQLite cannot keep account of its readers. Without
            # that account this reader must not meet a writer, and cannot in such a folder.
            self._connection = self._connect("ro&immutable=1", on_disk=True)
        if not read_only:
            try:
                self._upgrade()
            except BaseException:
                self._connection.close()
                raise

    @property
    def _is_on_disk(self) -> bool:
        return not (self._in_memory or self._is_new)

    def _connect(self, mode: str, *, on_disk: bool) -> sqlite3.Connection:
        address = f"{self._path.as_uri()}?mode={mode}" if on_disk else ":memory:"
        with translate_sqlite_errors(self.where):
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, timeout=BUSY_SECONDS
            )
            try:
                self._set_up(connection, on_disk=on_disk)
            except BaseException:
                connection.close()
                raise
        return connection

    def _set_up(self, connection: sqlite3.Connection, *, on_disk: bool) -> None:
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if not connection.execute("PRAGMA page_count").fetchone()[0]:
            if on_disk and self._path.stat().st_size == 1:  # empty to SQLite, not to us
                raise StoreError(self.where, NOT_A_STORE)
            if not self._create:
                raise StoreError(self.where, "is empty: no store yet")
            _create_tables(connection)
        _check_file(connection, self.where)
        if self._read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")

    @property
    def address(self) -> str | None:
        return None if self._in_memory else str(self._path)

    @contextmanager
    def transaction(self, write: bool = False) -> Iterator[None]:
        if write and self._read_only:
            raise StoreError(self.where, "is open for reading only")
        if write and self._is_new:
            self._make_file()
        with translate_sqlite_errors(self.where):
            if self._connection.in_transaction:  # an interrupt came as soon as it had begun
                self._connection.rollback()
            try:
                self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def _make_file(self) -> None:
        """Go on in the file, which another process may have made meanwhile.

        An interrupt leaves the store in memory or in the file, and whole.
        """
        self._path.touch()
        memory, self._connection = self._connection, self._connect("rw", on_disk=True)
        self._is_new = False
        memory.close()

    def fetch_all(self, sql: str, **values: Any) -> Sequence[Sequence[Any]]:
        return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        self._connection.executemany(sql, values)

    def read_format(self) -> int:
        return int(self.fetch_all("PRAGMA user_version")[0][0])

    def create_tables(self) -> None:
        there = {name for (name,) in self.fetch_all("SELECT name FROM sqlite_schema")}
        for name in SCHEMA.keys() - there:
            self._connection.execute(SCHEMA[name])

    def write_format(self) -> None:
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    def run_lock(self) -> AbstractContextManager[None]:
        return nullcontext() if self._in_memory else file_lock(self._path)

    def run_holder(self) -> str:
        return "" if self._in_memory else find_holder(self._path)

    def close(self) -> None:
        if not self._read_only:
            with suppress(sqlite3.Error):  # what cannot move to the file now is safe beside it
                self._connection.execute("PRAGMA busy_timeout = 1000")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with translate_sqlite_errors(self.where):
            self._connection.close()


def _prepare_folder(path: Path, create: bool) -> None:
    """Raise OSError for what is no file; make its folder where a file is wanted."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.exists():
        if not create:
            raise FileNotFoundError(errno.ENOENT, "there is no store", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        as_now = os.access in os.supports_effective_ids
        if not os.access(path.parent, os.W_OK, effective_ids=as_now):
            raise PermissionError(errno.EACCES, "its folder may not be written", str(path))


def _has_no_wal(path: Path) -> bool:
    """Whether the file has all there is: nothing waits beside it."""
    wal = path.with_name(f"{path.name}-wal")
    return not wal.exists() or wal.stat().st_size == 0


def _create_tables(connection: sqlite3.Connection) -> None:
    """All tables or none; nothing where another process was faster."""
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        for table in SCHEMA.values():
            connection.execute(table)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, as soon as nobody looks.

    This is the one place where SQLite itself does not wait for others: their locks, and the one
    that this connection has by then, could wait for each other.
    """
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _check_file(connection: sqlite3.Connection, where: str) -> None:
    """Raise StoreError unless this is a store of ours, of a known format and undamaged."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if application != APPLICATION:
        raise StoreError(where, NOT_A_STORE)
    if version > FORMAT:
        raise StoreError(where, f"format {version} is newer than {FORMAT}: upgrade chainrule")
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    tables = dict(connection.execute(query).fetchall())
    old = version < PREDICTIONS_FORMAT
    expected = {name: sql for name, sql in SCHEMA.items() if not old or name != "prediction"}
    if version < 1 or tables != expected:
        raise StoreError.from_damage(where, "its tables are not those of a store")
    [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreError.from_damage(where, found)


@contextmanager
def translate_sqlite_errors(where: str) -> Iterator[None]:
    """Let SQLite's errors out as StoreError or OSError."""
    try:
        yield
    except sqlite3.ProgrammingError as error:  # closed, or in another thread
        raise StoreError(where, f"cannot be used: {error}") from None
    except UnicodeDecodeError:  # SQLite's own message quotes what is damaged
        raise StoreError.from_damage(where, "a name in it is no text") from None
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in SYSTEM_ERRORS:
            raise OSError(*SYSTEM_ERRORS[code], where) from None
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            problem = f"another process has been writing for {BUSY_SECONDS:g} s"
            raise StoreError(where, problem) from None
        if code == sqlite3.SQLITE_NOTADB:
            raise StoreError(where, NOT_A_STORE) from None
        raise StoreError.from_damage(where, error) from None
