"""The database: one engine, one kind of transaction, one base for every table.

`commit()` appears only here. A transaction is opened at the edge (one request, one frame, one
reaction) and handed down as a session; use cases never commit.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asyncpg import (
    IntegrityConstraintViolationError,
    InterfaceError,
    InternalClientError,
    PostgresError,
)
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    MetaData,
    Text,
    Uuid,
    any_,
    cast,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InternalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from server.kit.errors import Invalid

if TYPE_CHECKING:
    from server.kit.feed import Feed


DATA_EXCEPTION = "22"
"""The class of SQLSTATE for values that do not fit (SQL standard)."""


AWAY = (OSError, DBAPIError, PoolExhausted, PostgresError, InternalClientError)
"""What a transaction may end with when the database is away, or by a defect of ours; those that
only try again later need not tell them apart."""


def is_away(error: BaseException) -> bool:
    """Whether a transaction failed because the database is away, restarting or overloaded, so that
    the same may work later; not because of a defect of ours."""
    if _is_confused(error):
        return True
    if isinstance(error, IntegrityError | ProgrammingError | InternalError):
        return False
    # While it starts up, the driver's own errors come through as they are.
    return isinstance(error, AWAY)


def _is_confused(error: BaseException | None) -> bool:
    """Whether the driver has lost its thread, as when a connection is cut off in the middle of a
    statement."""
    while error is not None:
        if isinstance(error, InternalClientError):
            return True
        error = error.__cause__
    return False


class Unstorable(Invalid):
    """A value cannot be stored: {reason}. Correct it and send it again."""

    code = "unstorable"


class Base(DeclarativeBase):
    """Every table. Times are aware UTC, text is text, dicts and lists are JSONB."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own attribute
        datetime: DateTime(timezone=True),
        str: Text(),
        UUID: Uuid(),
        dict[str, Any]: JSONB(),
        dict[str, str]: JSONB(),
        list[Any]: JSONB(),
        list[str]: JSONB(),
    }


class NotCopied(Exception):
    """A row that was copied is in its table already, or has no partition there; the transaction is
    over."""


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: bytes) -> None:
    """Pour rows into a table, as part of the session's transaction. Nothing is cheaper, but it
    knows no `on conflict`. rows: in PostgreSQL's binary format for COPY.

    Raises
    ------
    NotCopied
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    try:
        # As a view: bytes would be taken for a path, and what has `read` is read in a thread.
        source = memoryview(rows)
        await driver.copy_to_table(table, source=source, columns=columns, format="binary")
    except IntegrityConstraintViolationError as error:
        raise NotCopied(table) from error
    except InterfaceError as error:
        raise ConnectionError(str(error)) from error  # what the driver says of a lost connection


def is_any(column: InstrumentedAttribute[UUID], ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Whether it is one of these, however many: a single value for the driver, where `in_` has one
    for each. A query of its own, as PostgreSQL would read the list anew for each row."""
    listed = f"{{{','.join([each.hex for each in ids])}}}"
    once = select(cast(literal(listed, Text), ARRAY(Uuid))).scalar_subquery()
    return column == any_(cast(once, ARRAY(Uuid)))


def after_commit(session: AsyncSession, act: Callable[[], None]) -> None:
    """Call `act` once the session's transaction has been committed, and never otherwise.

    For wake-ups only: it must be quick, must not fail, and nothing may depend on it, because a
    crash between the commit and the call loses it.
    """
    session.info.setdefault("after_commit", []).append(act)


def _refuse_closed(connection: DBAPIConnection, *_: Any) -> None:
    """The pool makes a new connection instead of one that the server has closed since. The socket
    knows; asking the server each time, as `pool_pre_ping` does, would cost more than most of
    what transactions do."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _throw_away_confused(context: ExceptionContext) -> None:
    if _is_confused(context.original_exception):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False


class Database:
    """Opens transactions. One per process (and one per test).

    feed: where `feed.announce` publishes after a commit; None when nobody listens.
    """

    def __init__(self, url: str, *, pool_size: int = 10, feed: "Feed | None" = None) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            connect_args={"server_settings": {"jit": "off", "timezone": "UTC"}},
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        event.listen(self.engine.sync_engine, "handle_error", _throw_away_confused)
        self._sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, info={"feed": feed}
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end of the block, or not at all."""
        async with self._sessions() as session:
            try:
                async with session.begin():
                    try:
                        yield session
                    except (asyncio.CancelledError, InternalClientError):
                        await self._throw_away(session)
                        raise
            except DBAPIError as error:
                if str(getattr(error.orig, "sqlstate", "")).startswith(DATA_EXCEPTION):
                    raise Unstorable(reason=str(error.orig).split(": ", 1)[-1][:200]) from error
                raise
            for act in session.info.pop("after_commit", ()):
                act()

    async def _throw_away(self, session: AsyncSession) -> None:
        """Its connection may be in the middle of an answer: whoever got it next would be told the
        end of that one, or wait for ever."""
        await session.invalidate()

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[bool]:
        """True in at most one process at a time for this name; the others get False at once.

        The lock lives on its own connection and falls with it, so a killed process frees it.
        """
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            key = func.hashtextextended(name, 0)
            got = bool((await connection.execute(select(func.pg_try_advisory_lock(key)))).scalar())
            try:
                yield got
            finally:
                if got:
                    await connection.execute(select(func.pg_advisory_unlock(key)))

    async def close(self) -> None:
        await self.engine.dispose()


class OneConnectionDatabase(Database):
    """Every transaction is a savepoint of one outer transaction, which the owner rolls back.

    For tests: a thousand of them in a second, each seeing a clean database.
    """

    def __init__(self, connection: AsyncConnection, *, feed: "Feed | None" = None) -> None:
        self.engine = connection.engine
        self._sessions = async_sessionmaker(
            bind=connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info={"feed": feed},
        )

    async def _throw_away(self, session: AsyncSession) -> None:
        """There is no other connection."""
