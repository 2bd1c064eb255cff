"""Tables of channels: files of orders on their way in, and how accounts name their columns."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id


class ImportProfile(Base):
    """columns: header -> field; "" for a column to ignore."""

    __tablename__ = "import_profile"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    columns: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class OrderImport(Base):
    """A file that was handed in. The file itself is the blob `sha256`.

    columns: what the mapping profile said when it was handed in.
    lines_done: everything up to this line has taken effect; work goes on after it.
    attempts: how often work began since it last got any further.
    error: why the whole file was given up.
    """

    __tablename__ = "order_import"
    __table_args__ = (
        CheckConstraint("state in ('queued', 'running', 'done', 'failed')", name="state"),
        CheckConstraint(
            "lines_done >= 0 and rows_total >= 0 and rows_done >= 0 and orders_new >= 0"
            " and orders_repeated >= 0 and rows_bad >= 0 and attempts >= 0",
            name="counts",
        ),
        Index("ix_order_import_account_id_id", "account_id", "id"),
        Index(
            "ix_order_import_waiting",
            "id",
            postgresql_where=text("state in ('queued', 'running')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    file_name: Mapped[str]
    sha256: Mapped[str]
    columns: Mapped[dict[str, str]]
    ignored_columns: Mapped[list[str]]
    dry_run: Mapped[bool]
    state: Mapped[str]
    error: Mapped[str | None]
    rows_total: Mapped[int | None]
    rows_done: Mapped[int]
    lines_done: Mapped[int]
    orders_new: Mapped[int]
    orders_repeated: Mapped[int]
    rows_bad: Mapped[int]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    finished_at: Mapped[datetime | None]


class ImportProblem(Base):
    """One thing that is wrong with one row; position counts the problems of a line."""

    __tablename__ = "import_problem"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("order_import.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
