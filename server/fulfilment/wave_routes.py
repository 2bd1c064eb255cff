"""Picking over HTTP, made for scanners: one scan, one request. A scan that is sent again under its
Idempotency-Key has its first answer again; without one, the second finds nothing left to take."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment import picking, put_backs, waves
from server.fulfilment.errors import ForTheCompany
from server.fulfilment.picking import NextPick, Picked, PickTaskView
from server.fulfilment.waves import WaveView
from server.identity.access import Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import FilledLine, Limit
from server.kit.paging import cut_page

MAY_READ = allow(Role.ADMIN, Role.CLERK, Role.DISPATCHER, Role.WAREHOUSE, scope="fulfilment:read")
MAY_WORK = allow(Role.ADMIN, Role.CLERK, Role.WAREHOUSE, scope="fulfilment:write")

Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]
IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
WaveState = Annotated[Literal["open", "done", "cancelled"] | None, QueryParameter(name="state")]
Units = Annotated[int, Meta(ge=0, le=1_000_000)]
Serials = Annotated[tuple[FilledLine, ...], Meta(max_length=1000)]


class NewWave(msgspec.Struct, forbid_unknown_fields=True):
    """zone_id: any part of the warehouse. picker_id: who picks; without it, whoever asks.
    fulfilment_ids: only these; without them, whatever is due first."""

    warehouse_id: UUID
    zone_id: UUID | None = None
    picker_id: UUID | None = None
    fulfilment_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)] = ()
    max_tasks: Annotated[int, Meta(ge=1, le=200)] = 60


class Scan(msgspec.Struct, forbid_unknown_fields=True):
    """What was taken: the shelf's label, the SKU, how many. short: there is no more on this shelf.
    task_id: only for this order, where several want the same."""

    location: FilledLine
    sku: FilledLine
    quantity: Units
    lot: FilledLine | None = None
    serials: Serials = ()
    short: bool = False
    task_id: UUID | None = None


class ShelfScan(msgspec.Struct, forbid_unknown_fields=True):
    """location: the label of the shelf on which the goods lie again."""

    location: FilledLine


class WaveDetail(msgspec.Struct, frozen=True):
    """tasks: what is left to pick, in the order of the walk."""

    wave: WaveView
    tasks: list[PickTaskView]


class WavePage(msgspec.Struct, frozen=True):
    items: list[WaveView]
    next: UUID | None


class TaskPage(msgspec.Struct, frozen=True):
    items: list[PickTaskView]
    next: UUID | None


@post("/api/pick-waves", guards=[MAY_WORK])
async def create_wave(
    data: JSONBody[NewWave],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> WaveView:
    """Take what is due into one round, in the order of the shortest walk."""
    company_only(principal)
    fields = msgspec.structs.asdict(data)
    fields["picker_id"] = data.picker_id or principal.person_id
    return await answer_once(
        session,
        scope=f"pick-waves:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=WaveView,
        act=lambda: waves.create_wave(session, **fields, by=principal.label),
    )


@get("/api/pick-waves", guards=[MAY_READ])
async def list_waves(
    session: Session,
    principal: Caller,
    *,
    warehouse: FromQuery[UUID | None] = None,
    in_state: WaveState = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> WavePage:
    """Newest first."""
    company_only(principal)
    found = await waves.list_waves(
        session, warehouse_id=warehouse, state=in_state, after=after, limit=limit + 1
    )
    return WavePage(*cut_page(found, limit))


@get("/api/pick-waves/{wave_id:uuid}", guards=[MAY_READ])
async def get_wave(wave_id: FromPath[UUID], session: Session, principal: Caller) -> WaveDetail:
    company_only(principal)
    wave = await waves.find_wave(session, wave_id)
    tasks = await picking.task_views(session, await waves.open_tasks(session, wave_id))
    return WaveDetail(waves.wave_view(wave), tasks)


@get("/api/pick-waves/{wave_id:uuid}/next", guards=[MAY_READ])
async def next_pick(wave_id: FromPath[UUID], session: Session, principal: Caller) -> NextPick:
    """Where to go and what to take next. Who comes to help begins at the other end of the walk."""
    company_only(principal)
    return await picking.next_pick(session, wave_id, person_id=principal.person_id)


@post("/api/pick-waves/{wave_id:uuid}/picks", guards=[MAY_WORK], status_code=200)
async def pick_scanned(
    wave_id: FromPath[UUID],
    data: JSONBody[Scan],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> Picked:
    """Units were taken off a shelf, or are not there."""
    company_only(principal)
    who = {"person_id": principal.person_id, "by": principal.label}
    scanned = msgspec.structs.asdict(data) | who
    return await answer_once(
        session,
        scope=f"picks:{principal.label}",
        key=idempotency_key,
        body=[wave_id, data],
        answer_type=Picked,
        act=lambda: picking.pick_scanned(session, wave_id, **scanned),
    )


@post("/api/pick-waves/{wave_id:uuid}/cancel", guards=[MAY_WORK], status_code=200)
async def cancel_wave(wave_id: FromPath[UUID], session: Session, principal: Caller) -> WaveView:
    """Give up what is left of it, for another wave; what was taken stays taken."""
    company_only(principal)
    return await waves.cancel_wave(session, wave_id, by=principal.label)


@get("/api/put-backs", guards=[MAY_READ])
async def list_put_backs(
    session: Session,
    principal: Caller,
    *,
    warehouse: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> TaskPage:
    """What was picked for orders that were cancelled, and where it belongs; oldest first."""
    company_only(principal)
    found = await put_backs.list_put_backs(
        session, warehouse_id=warehouse, after=after, limit=limit + 1
    )
    return TaskPage(*cut_page(found, limit))


@post("/api/put-backs/{task_id:uuid}", guards=[MAY_WORK], status_code=200)
async def put_back_scanned(
    task_id: FromPath[UUID], data: JSONBody[ShelfScan], session: Session, principal: Caller
) -> PickTaskView:
    """The goods lie on their shelf again; told twice, they do so once."""
    company_only(principal)
    return await put_backs.put_back_scanned(
        session, task_id, location=data.location, by=principal.label
    )


def company_only(principal: Principal) -> None:
    """A wave, a shelf and a box hold goods of all accounts: keys of one have no business there."""
    if principal.own_account_only():
        raise ForTheCompany


WAVE_ROUTES = [
    create_wave,
    list_waves,
    get_wave,
    next_pick,
    pick_scanned,
    cancel_wave,
    list_put_backs,
    put_back_scanned,
]
