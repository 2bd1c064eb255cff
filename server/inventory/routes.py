"""Stock over HTTP. Accounts see their own goods; the company's people keep them."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.inventory import service
from server.inventory.lookup_routes import LOOKUP_ROUTES
from server.inventory.skus import NewSku, SkuChanges
from server.inventory.stock import (
    Availability,
    Code,
    LevelView,
    LocationKind,
    LocationView,
    MoveView,
    Reconciliation,
    SkuView,
)
from server.inventory.work_routes import MAY_WORK, WORK_ROUTES
from server.kit.geo import Position
from server.kit.inputs import Lat, Limit, Line, Lon, SearchText

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="stock:read")
COMPANY_READS = allow(*OFFICE, Role.WAREHOUSE, scope="stock:read")


class SkuRequest(NewSku, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account_id: UUID


class NewLocation(msgspec.Struct, forbid_unknown_fields=True):
    """priority: of a warehouse, lowest first. lon, lat: of a warehouse, for the nearest."""

    kind: LocationKind
    code: Code
    name: Line = ""
    parent_id: UUID | None = None
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    lon: Lon | None = None
    lat: Lat | None = None


class SkuPage(msgspec.Struct, frozen=True):
    items: list[SkuView]
    next: UUID | None


class LocationPage(msgspec.Struct, frozen=True):
    items: list[LocationView]
    next: UUID | None


class LevelPage(msgspec.Struct, frozen=True):
    items: list[LevelView]
    next: UUID | None


class MovePage(msgspec.Struct, frozen=True):
    items: list[MoveView]
    next: UUID | None


Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


@get("/api/skus", guards=[MAY_READ])
async def list_skus(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    code: SearchText = "",
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> SkuPage:
    """Oldest first; `code` finds the one that has it."""
    account_id = principal.own_account_only() or account
    found = await service.list_skus(
        session, account_id=account_id, code=code, after=after, limit=limit + 1
    )
    return SkuPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


@post("/api/skus", guards=[MAY_WORK])
async def create_sku(data: JSONBody[SkuRequest], session: Session, principal: Caller) -> SkuView:
    """Keep one more kind of goods; with `components` it is a kit."""
    account_id = principal.own_account_only() or data.account_id
    return await service.create_sku(session, data, account_id=account_id, by=principal.label)


@get("/api/skus/{sku_id:uuid}", guards=[MAY_READ])
async def get_sku(sku_id: FromPath[UUID], session: Session, principal: Caller) -> SkuView:
    return await service.get_sku(session, sku_id, account_id=principal.own_account_only())


@patch("/api/skus/{sku_id:uuid}", guards=[MAY_WORK])
async def change_sku(
    sku_id: FromPath[UUID], data: JSONBody[SkuChanges], session: Session, principal: Caller
) -> SkuView:
    own = principal.own_account_only()
    return await service.change_sku(session, sku_id, data, account_id=own, by=principal.label)


@get("/api/skus/{sku_id:uuid}/availability", guards=[MAY_READ])
async def get_availability(
    sku_id: FromPath[UUID], session: Session, principal: Caller
) -> Availability:
    """What can be promised now."""
    own = principal.own_account_only()
    return await service.get_availability(session, sku_id, account_id=own)


@get("/api/locations", guards=[COMPANY_READS])
async def list_locations(
    session: Session,
    *,
    parent: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> LocationPage:
    """Oldest first, the virtual ones before all."""
    found = await service.list_locations(session, parent_id=parent, after=after, limit=limit + 1)
    return LocationPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


@post("/api/locations", guards=[MAY_WORK])
async def create_location(
    data: JSONBody[NewLocation], session: Session, principal: Caller
) -> LocationView:
    fields = msgspec.structs.asdict(data)
    lon, lat = fields.pop("lon"), fields.pop("lat")
    position = None if lon is None or lat is None else Position(lon, lat)
    return await service.create_location(session, **fields, position=position, by=principal.label)


@get("/api/stock/levels", guards=[MAY_READ])
async def list_levels(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    sku: FromQuery[UUID | None] = None,
    location: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> LevelPage:
    """What lies where."""
    found = await service.list_levels(
        session,
        account_id=principal.own_account_only() or account,
        sku_id=sku,
        location_id=location,
        after=after,
        limit=limit + 1,
    )
    return LevelPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


@get("/api/stock/moves", guards=[MAY_READ])
async def list_moves(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    sku: FromQuery[UUID | None] = None,
    location: FromQuery[UUID | None] = None,
    subject: SearchText = "",
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> MovePage:
    """The ledger, newest first. `subject`: such as order:<id>."""
    found = await service.list_moves(
        session,
        account_id=principal.own_account_only() or account,
        sku_id=sku,
        location_id=location,
        subject=subject,
        after=after,
        limit=limit + 1,
    )
    return MovePage(found[:limit], found[limit - 1].id if len(found) > limit else None)


@get("/api/stock/reconciliation", guards=[allow(Role.ADMIN, Role.CLERK, Role.WAREHOUSE)])
async def reconcile(session: Session) -> Reconciliation:
    """Prove that the levels are what moves and allocations add up to."""
    return await service.reconcile(session)


ROUTES = [
    list_skus,
    create_sku,
    get_sku,
    change_sku,
    get_availability,
    list_locations,
    create_location,
    list_levels,
    list_moves,
    reconcile,
    *LOOKUP_ROUTES,
    *WORK_ROUTES,
]
