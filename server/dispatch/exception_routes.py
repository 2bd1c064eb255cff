"""The inbox of what a person must settle, over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch import service
from server.dispatch.exceptions import ExceptionView
from server.dispatch.fleet_routes import MAY_CHANGE, MAY_READ
from server.identity.access import Principal
from server.kit.blobs import Blobs
from server.kit.inputs import Limit, Moment, Note
from server.kit.paging import cut_page
from server.kit.pictures import show_picture


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    note: Note = ""


class Assignment(msgspec.Struct, forbid_unknown_fields=True):
    """person_id: null for nobody in particular."""

    person_id: UUID | None


class Snooze(msgspec.Struct, forbid_unknown_fields=True):
    """until: null to see it again at once."""

    until: Moment | None


class ExceptionPage(msgspec.Struct):
    items: list[ExceptionView]
    next: UUID | None


@get("/api/exceptions", guards=[MAY_READ])
async def list_exceptions(
    session: NamedDependency[AsyncSession],
    *,
    settled: FromQuery[bool] = False,
    snoozed: FromQuery[bool] = False,
    assigned_to: FromQuery[UUID | None] = None,
    depot_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ExceptionPage:
    """Oldest first. Those that were put off are left out, or with `snoozed` the only ones."""
    items = await service.list_exceptions(
        session,
        settled=settled,
        snoozed=snoozed,
        assigned_to=assigned_to,
        depot_id=depot_id,
        limit=limit + 1,
        after=after,
    )
    return ExceptionPage(*cut_page(items, limit))


@get(
    "/api/exceptions/{exception_id:uuid}/receipts/{sha256:str}",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="The photo.", media_type="image/*")},
)
async def get_receipt(
    exception_id: FromPath[UUID],
    sha256: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")],
    session: NamedDependency[AsyncSession],
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """The driver's photo of a receipt, for what was paid on the way; the small one until the full
    one has arrived."""
    full, small = await service.receipt_of(session, exception_id, sha256)
    return show_picture(blobs.read(full if blobs.has(full) else small))


@post("/api/exceptions/{exception_id:uuid}/settle", guards=[MAY_CHANGE], status_code=200)
async def settle_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[Settlement],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ExceptionView:
    return await service.settle_exception(session, exception_id, note=data.note, by=principal.label)


@post("/api/exceptions/{exception_id:uuid}/assign", guards=[MAY_CHANGE], status_code=200)
async def assign_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[Assignment],
    session: NamedDependency[AsyncSession],
) -> ExceptionView:
    """Say who looks after it."""
    return await service.assign_exception(session, exception_id, data.person_id)


@post("/api/exceptions/{exception_id:uuid}/snooze", guards=[MAY_CHANGE], status_code=200)
async def snooze_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[Snooze],
    session: NamedDependency[AsyncSession],
) -> ExceptionView:
    """Put it off until then, or take that back."""
    return await service.snooze_exception(session, exception_id, data.until)


EXCEPTION_ROUTES = [
    list_exceptions,
    get_receipt,
    settle_exception,
    assign_exception,
    snooze_exception,
]
