"""Messages to and from drivers, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service
from server.dispatch.fleet_routes import MAY_CHANGE, MAY_READ
from server.dispatch.messages import LONGEST_TEXT, MessageView
from server.identity.access import Principal
from server.kit.inputs import NO_NUL, Limit
from server.kit.paging import cut_page


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT, pattern=NO_NUL)]


class MessagePage(msgspec.Struct):
    items: list[MessageView]
    next: UUID | None


@get("/api/drivers/{driver_id:uuid}/messages", guards=[MAY_READ])
async def list_messages(
    driver_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> MessagePage:
    """What the office and the driver wrote to each other, the newest first."""
    items = await service.list_messages(session, driver_id, after=after, limit=limit + 1)
    return MessagePage(*cut_page(items, limit))


@post("/api/drivers/{driver_id:uuid}/messages", guards=[MAY_CHANGE], status_code=201)
async def tell_driver(
    driver_id: FromPath[UUID],
    data: JSONBody[NewMessage],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> MessageView:
    """Write to a driver; the phone shows it as soon as it has network."""
    return await service.tell_driver(session, driver_id, data.text, by=principal.label)


MESSAGE_ROUTES = [list_messages, tell_driver]
