"""Cages and bags, and hand-over manifests, over HTTP. For the company's own people."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, PathParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import handover, licence_plate_lookup, licence_plates
from server.consignments.handover import (
    HandoverKind,
    HandoverSummary,
    HandoverView,
    NewHandover,
    Signature,
)
from server.consignments.licence_plate_lookup import ContainerKind, ContainerView
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import NO_NUL, SOME_TEXT, FilledLine, Limit, Line, Moment, Note
from server.kit.settings import Settings

MAY_LOOK = allow(*OFFICE, Role.WAREHOUSE, scope="depots:read")
MAY_HANDLE = allow(*OFFICE, Role.WAREHOUSE, scope="depots:scan")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Barcode = Annotated[str, Meta(min_length=1, max_length=200, pattern=SOME_TEXT)]
Barcodes = Annotated[list[Barcode], Meta(min_length=1, max_length=500)]
Plate = Annotated[str, PathParameter(max_length=200, pattern=NO_NUL)]


class NewContainer(msgspec.Struct, forbid_unknown_fields=True):
    kind: ContainerKind
    name: Line = ""


class Things(msgspec.Struct, forbid_unknown_fields=True):
    """Parcels and other containers, by their barcodes."""

    barcodes: Barcodes


class Seal(msgspec.Struct, forbid_unknown_fields=True):
    """seal: the number on the seal, if it has one."""

    seal: Line = ""


class HandoverRequest(msgspec.Struct, forbid_unknown_fields=True):
    """taken_by: the name of the person who signs. driver_id: when one of our drivers takes it."""

    kind: HandoverKind
    barcodes: Barcodes
    given_by: FilledLine
    taken_by: FilledLine
    occurred_at: Moment
    destination: Line = ""
    vehicle: Line = ""
    note: Note = ""
    driver_id: UUID | None = None
    signature: Signature = []


class ContainerPage(msgspec.Struct):
    items: list[ContainerView]
    next: UUID | None


class HandoverPage(msgspec.Struct):
    items: list[HandoverSummary]
    next: UUID | None


@get("/api/containers", guards=[MAY_LOOK])
async def list_containers(
    session: NamedDependency[AsyncSession],
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ContainerPage:
    """Newest first."""
    items = await licence_plate_lookup.list_containers(session, after=after, limit=limit + 1)
    return ContainerPage(items[:limit], items[limit - 1].id if len(items) > limit else None)


@post("/api/containers", guards=[MAY_HANDLE])
async def create_container(
    data: JSONBody[NewContainer],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    idempotency_key: IdempotencyKey = None,
) -> ContainerView:
    """A new licence plate, for a cage, a bag or a pallet."""
    return await answer_once(
        session,
        scope=f"containers:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=ContainerView,
        act=lambda: licence_plates.create_container(
            session,
            kind=data.kind,
            name=data.name,
            gs1_prefix=settings.gs1_prefix,
            by=principal.label,
        ),
    )


@get("/api/containers/{plate:str}", guards=[MAY_LOOK])
async def get_container(plate: Plate, session: NamedDependency[AsyncSession]) -> ContainerView:
    return await licence_plate_lookup.get_container(session, plate)


@post("/api/containers/{plate:str}/put", guards=[MAY_HANDLE], status_code=200)
async def put_in(
    plate: Plate,
    data: JSONBody[Things],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ContainerView:
    """Put parcels and other containers into it: all of them or none."""
    return await licence_plates.put_in(session, plate, data.barcodes, by=principal.label)


@post("/api/containers/{plate:str}/take", guards=[MAY_HANDLE], status_code=200)
async def take_out(
    plate: Plate,
    data: JSONBody[Things],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ContainerView:
    """Take out what is directly in it: all of it or nothing."""
    return await licence_plates.take_out(session, plate, data.barcodes, by=principal.label)


@post("/api/containers/{plate:str}/seal", guards=[MAY_HANDLE], status_code=200)
async def seal_container(
    plate: Plate,
    data: JSONBody[Seal],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ContainerView:
    """Close it; nothing goes in or out, at any depth, until it is opened."""
    return await licence_plates.seal_container(session, plate, seal=data.seal, by=principal.label)


@post("/api/containers/{plate:str}/open", guards=[MAY_HANDLE], status_code=200)
async def open_container(
    plate: Plate,
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ContainerView:
    """Break the seal."""
    return await licence_plates.open_container(session, plate, by=principal.label)


@get("/api/handovers", guards=[MAY_LOOK])
async def list_handovers(
    session: NamedDependency[AsyncSession],
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> HandoverPage:
    """Newest first."""
    items = await handover.list_handovers(session, after=after, limit=limit + 1)
    return HandoverPage(items[:limit], items[limit - 1].id if len(items) > limit else None)


@post("/api/handovers", guards=[MAY_HANDLE])
async def hand_over(
    data: JSONBody[HandoverRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    idempotency_key: IdempotencyKey = None,
) -> HandoverView:
    """Write down who gave which parcels to whom; it can never be changed."""
    return await answer_once(
        session,
        scope=f"handovers:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=HandoverView,
        act=lambda: handover.hand_over(
            session, NewHandover(**msgspec.structs.asdict(data)), by=principal.label
        ),
    )


@get("/api/handovers/{handover_id:uuid}", guards=[MAY_LOOK])
async def get_handover(
    handover_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> HandoverView:
    return await handover.get_handover(session, handover_id)


@get(
    "/api/handovers/{handover_id:uuid}/manifest.pdf",
    guards=[MAY_LOOK],
    responses={200: ResponseSpec(bytes, description="The manifest.", media_type="application/pdf")},
)
async def print_handover(
    handover_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> Response[bytes]:
    """The manifest on A4."""
    found = await handover.get_handover(session, handover_id)
    return Response(await handover.handover_pdf(found), media_type="application/pdf")


PLATE_ROUTES = [
    list_containers,
    create_container,
    get_container,
    put_in,
    take_out,
    seal_container,
    open_container,
    list_handovers,
    hand_over,
    get_handover,
    print_handover,
]
