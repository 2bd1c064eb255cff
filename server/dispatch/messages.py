"""What the office and a driver write to each other.

A message to a driver travels in the manifest: that always arrives, also after a day without
network, and the office sees whether it did. One from a driver waits in the inbox of exceptions.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.exceptions import raise_exception
from server.dispatch.facts import is_repeat, report_of, write_fact
from server.dispatch.fleet import find_driver
from server.dispatch.inputs import lock_depot
from server.dispatch.manifest import issue_manifests
from server.dispatch.message_models import DriverMessage
from server.identity import service as identity
from server.kit import clock
from server.kit.errors import Invalid
from server.protocol.from_driver import SendMessage

LONGEST_TEXT = 2000
SHOWN_TEXT = 300
"""Characters of a driver's words in the inbox; the whole is among the messages."""


class NothingSaid(Invalid):
    """A message needs words."""

    code = "dispatch.nothing_said"


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """by_driver: the driver wrote it; else the office, said_by whom."""

    id: UUID
    driver_id: UUID
    by_driver: bool
    text: str
    said_at: datetime
    said_by: str


async def tell_driver(session: AsyncSession, driver_id: UUID, text: str, *, by: str) -> MessageView:
    """Write to a driver. It goes to the phone with a new manifest.

    Raises
    ------
    UnknownDriver, NothingSaid
    """
    driver = await find_driver(session, driver_id)
    await lock_depot(session, driver.depot_id)
    said = text.strip()
    if not said:
        raise NothingSaid
    message = DriverMessage(
        driver_id=driver_id,
        by_driver=False,
        text=said,
        said_at=clock.now(),
        said_by=by,
    )
    session.add(message)
    await session.flush()
    await issue_manifests(session, {driver_id})
    await identity.record_audit(session, by=by, action="driver.told", subject=f"driver:{driver_id}")
    return _view(message)


async def list_messages(
    session: AsyncSession, driver_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[MessageView]:
    """Newest first. after: the last one of the page before.

    Raises
    ------
    UnknownDriver
    """
    await find_driver(session, driver_id)
    query = select(DriverMessage).where(DriverMessage.driver_id == driver_id)
    if after is not None:
        query = query.where(DriverMessage.id < after)
    rows = await session.scalars(query.order_by(DriverMessage.id.desc()).limit(limit))
    return [_view(row) for row in rows]


async def hear_driver(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: SendMessage,
    occurred_at: datetime,
    received_at: datetime,
    command_id: str,
) -> None:
    """A driver wrote to the office: somebody must read it."""
    report = report_of(driver_id, command, occurred_at, received_at, command_id)
    driver = await find_driver(session, driver_id)
    depot = await lock_depot(session, driver.depot_id)
    if await is_repeat(session, report):
        return
    write_fact(session, report, moved=False)
    text = command.text.strip()[:LONGEST_TEXT]
    if not text:
        return
    session.add(
        DriverMessage(
            driver_id=driver_id,
            by_driver=True,
            text=text,
            said_at=occurred_at,
            said_by=report.by,
            command_id=command_id,
        )
    )
    raise_exception(
        session,
        "driver_wrote",
        depot_id=depot.id,
        driver_id=driver_id,
        text=text[:SHOWN_TEXT],
    )


def _view(row: DriverMessage) -> MessageView:
    return MessageView(**{name: getattr(row, name) for name in MessageView.__struct_fields__})
