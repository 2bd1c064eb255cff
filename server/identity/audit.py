"""The append-only record of who did what. The database refuses to change or delete an entry."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.models import AuditEntry
from server.kit import clock
from server.kit.ids import new_id

NO_DETAILS: Mapping[str, Any] = {}


class AuditView(msgspec.Struct, frozen=True):
    id: UUID
    occurred_at: datetime
    by: str
    action: str
    subject: str
    details: dict[str, Any]


async def record_audit(
    session: AsyncSession,
    *,
    by: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] = NO_DETAILS,
) -> None:
    """Write into the caller's transaction that `by` did `action` to `subject`.

    action: past tense after a noun, such as "person.created". subject: "<noun>:<id>".
    details: what msgspec can encode; never a secret.
    """
    session.add(
        AuditEntry(
            id=new_id(),
            occurred_at=clock.real_now(),
            by=by,
            action=action,
            subject=subject,
            details=msgspec.to_builtins(dict(details)),
        )
    )


async def list_audit(
    session: AsyncSession,
    *,
    subject: str | None = None,
    by: str | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> list[AuditView]:
    """The newest first; `after` continues behind the last entry of the page before."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if by is not None:
        query = query.where(AuditEntry.by == by)
    if after is not None:
        query = query.where(AuditEntry.id < after)
    return [
        AuditView(row.id, row.occurred_at, row.by, row.action, row.subject, row.details)
        for row in await session.scalars(query)
    ]
