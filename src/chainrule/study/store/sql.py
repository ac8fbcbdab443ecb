"""The same tables in a database behind a URL, through SQLAlchemy: PostgreSQL above all.

SQLite by URL (``sqlite+pysqlite:///FILE``) is the same code on another database, for tests. A
path is the better way to a SQLite file: its viewers never wait.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from chainrule.study.store.base import StoreError
from chainrule.study.store.lock import file_lock, find_holder, lock_error, process_name
from chainrule.study.store.tables import FORMAT, TableStore

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["SqlStore"]

BEGIN = {
    ("postgresql", False): "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    ("postgresql", True): (
        "SET LOCAL synchronous_commit = on; SELECT pg_advisory_xact_lock(1667789429, 1)"
    ),
    ("sqlite", False): "BEGIN",
    ("sqlite", True): "BEGIN IMMEDIATE",
}
"""(database, whether to write) → what makes a transaction one state, or keeps other writers out."""

PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
"""After how many seconds, of the last one milliseconds, a server that is silent is given up.

The system by itself waits for a quarter of an hour and more.
"""

SERVER_PATIENCE = "; ".join(
    f"SET tcp_{name} = {value}" for name, value in PATIENCE.items() if name.startswith("keepalives")
)
"""The server's: so long it holds the lock of a run whose machine has gone without a word."""

EXPECTED = "expected a path or postgresql://USER@HOST/DATABASE"

NO_STORE = "has no store yet"

PREFIX = "chainrule "
"""Before process and host, in the list of the database's connections."""

TRY = "SELECT pg_try_advisory_lock(1667789429, 2)"
FREE = "SELECT pg_advisory_unlock(1667789429, 2)"
HOLDER = (
    "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
    " WHERE locktype = 'advisory' AND classid = 1667789429 AND objid = 2 AND granted"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@final
class SqlStore(TableStore):
    """A store behind a URL; see :func:`chainrule.study.store.open_store`."""

    def __init__(self, url: str, *, read_only: bool = False, create: bool = True) -> None:
        self._url, self._read_only = url, read_only
        engine = _engine(url)
        self._dialect, self._database = engine.dialect.name, engine.url.database
        self.where = engine.url.render_as_string(hide_password=True)
        create = create and not read_only
        if not create and self._is_missing_file:  # which SQLite would make
            raise StoreError(self.where, NO_STORE)
        with translate_sql_errors(self.where):
            self._connection = engine.connect()
        try:
            self._be_patient()
            self._check_tables(create)
            if not read_only:
                self._upgrade()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str | None:
        return None if self._is_in_memory else self._url

    @property
    def _is_in_memory(self) -> bool:
        return self._dialect == "sqlite" and self._database in (None, "", ":memory:")

    @property
    def _is_missing_file(self) -> bool:
        path = self._database or ""
        is_file = self._dialect == "sqlite" and not self._is_in_memory
        return is_file and not path.startswith("file:") and not Path(path).exists()

    def _be_patient(self) -> None:
        """Let the server give up a silent client, as the client does a silent server."""
        if self._dialect == "postgresql":
            with translate_sql_errors(self.where), self._connection.begin():
                self._connection.exec_driver_sql(SERVER_PATIENCE)

    def _check_tables(self, create: bool) -> None:
        """Raise StoreError unless the tables are there, or could be made, in a known format."""
        import sqlalchemy as sa

        tables = _define_tables()
        with self.transaction(write=create):
            there = tables.tables.keys() & sa.inspect(self._connection).get_table_names()
            if "store" not in there:
                if there:
                    raise StoreError(self.where, f"has other tables named {', '.join(there)}")
                if not create:
                    raise StoreError(self.where, NO_STORE)
                tables.create_all(self._connection)
                self.execute_many(
                    "INSERT INTO store (format) VALUES (:format)", [{"format": FORMAT}]
                )
            formats = [row[0] for row in self.fetch_all("SELECT format FROM store")]
        if len(formats) != 1 or not 1 <= formats[0] <= FORMAT:
            problem = (
                f"expected format {FORMAT}, got {formats}: a newer one needs a newer chainrule"
            )
            raise StoreError(self.where, problem)

    def read_format(self) -> int:
        return int(self.fetch_all("SELECT format FROM store")[0][0])

    def create_tables(self) -> None:
        _define_tables().create_all(self._connection)

    def write_format(self) -> None:
        self.execute_many("UPDATE store SET format = :format", [{"format": FORMAT}])

    @contextmanager
    def transaction(self, write: bool = False) -> Iterator[None]:
        if write and self._read_only:
            raise StoreError(self.where, "is open for reading only")
        with translate_sql_errors(self.where):
            if self._connection.in_transaction():  # an interrupt came as soon as it had begun
                self._connection.rollback()
            try:
                self._connection.begin()
                self._connection.exec_driver_sql(BEGIN[self._dialect, write])
                yield
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise

    def fetch_all(self, sql: str, **values: Any) -> Sequence[Sequence[Any]]:
        import sqlalchemy as sa

        return self._connection.execute(sa.text(sql), values).all()

    def execute_many(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        import sqlalchemy as sa

        if values:
            self._connection.execute(sa.text(sql), values)

    def run_lock(self) -> AbstractContextManager[None]:
        if self._dialect == "postgresql":
            return self._advisory_lock()
        return (
            nullcontext() if self._is_in_memory else file_lock(Path(str(self._database)).resolve())
        )

    def run_holder(self) -> str:
        if self._dialect == "postgresql":
            with self.transaction():
                holders = self.fetch_all(HOLDER)
            return str(holders[0][0]).removeprefix(PREFIX) if holders else ""
        return "" if self._is_in_memory else find_holder(Path(str(self._database)).resolve())

    @contextmanager
    def _advisory_lock(self) -> Iterator[None]:
        """Held by the connection: it goes when the process goes."""
        with self.transaction():
            free = not self.fetch_all(HOLDER) and self.fetch_all(TRY)[0][0]
            holders = [] if free else self.fetch_all(HOLDER)
        if not free:
            raise lock_error(self.where, holders[0][0].removeprefix(PREFIX) if holders else "")
        try:
            yield
        finally:
            with suppress(OSError, StoreError), self.transaction():  # a lost connection freed it
                self.fetch_all(FREE)

    def close(self) -> None:
        with translate_sql_errors(self.where):
            self._connection.close()


def _engine(url: str) -> sa.Engine:
    try:
        import sqlalchemy as sa

        try:
            parsed = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # which may show the password
            raise StoreError("the store's URL", EXPECTED) from None
        kind = parsed.get_backend_name()
        if kind not in ("postgresql", "sqlite"):
            where = parsed.render_as_string(hide_password=True)
            raise StoreError(where, EXPECTED)
        if parsed.drivername == "postgresql":  # what it stands for differs between versions
            parsed = parsed.set(drivername="postgresql+psycopg")
        name = {"application_name": PREFIX + process_name()}
        patience = {key: n for key, n in PATIENCE.items() if key not in parsed.query}
        own = {"isolation_level": None} if kind == "sqlite" else name | patience
        return sa.create_engine(parsed, poolclass=sa.NullPool, connect_args=own)
    except ImportError as error:
        message = f"{error.name} is missing: pip install 'chainrule[postgres]'"
        raise ImportError(message) from error


def _define_tables() -> sa.MetaData:
    """The tables of sqlite.py, and one for what is in a file's header there."""
    import sqlalchemy as sa

    tables = sa.MetaData()
    sa.Table("store", tables, sa.Column("format", sa.Integer, nullable=False))
    sa.Table(
        "study",
        tables,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("trainings", sa.Integer, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
    )
    key: list[sa.Column[Any]] = [sa.Column("study", sa.ForeignKey("study.id"), nullable=False)]
    key += [sa.Column(name, sa.Text, nullable=False) for name in ("arm", "stage")]
    key += [sa.Column(name, sa.Integer, nullable=False) for name in ("candidate", "round", "fold")]
    sa.Table(
        "training",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        *key,
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sa.UniqueConstraint(*(column.name for column in key)),
    )
    for name in ("curve", "prediction"):
        sa.Table(
            name,
            tables,
            sa.Column("training", sa.ForeignKey("training.id"), primary_key=True),
            sa.Column("data", sa.LargeBinary, nullable=False),
        )
    return tables


@contextmanager
def translate_sql_errors(where: str) -> Iterator[None]:
    """Let the database's errors out as StoreError or OSError."""
    from sqlalchemy import exc

    try:
        yield
    except (exc.OperationalError, exc.InterfaceError) as error:  # not reached, full, shut down
        words = _describe_unreached(_first_line(error.orig), lost=error.connection_invalidated)
        raise OSError(errno.EIO, words, where) from None
    except exc.SQLAlchemyError as error:
        problem = _first_line(getattr(error, "orig", None) or error)
        raise StoreError(where, f"cannot be used: {problem}") from None


def _describe_unreached(words: str, *, lost: bool) -> str:
    """What to do about a database that could not be reached; ``lost``: after it had been."""
    words = words.rpartition("FATAL:  ")[2]  # the server's own, without where it is
    if lost:
        return (
            f"the connection to the database was lost: {words}; what was kept is there: give the "
            "same command when it answers again"
        )
    if "resolve host" in words or "translate host name" in words:
        return "no such host is known here: is its name right, and is the network there?"
    if "timeout" in words:
        return (
            f"the database does not answer: {words}; is its host up, and does a firewall let this "
            "machine through?"
        )
    return words


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
