"""Packing: what was picked goes into parcels, which take the place of those that were announced."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewParcel, ParcelsHaveLeft
from server.fulfilment.carton_types import find_carton
from server.fulfilment.consigning import MAX_DESCRIPTION, consignment_for
from server.fulfilment.custody import AT_HOME, consignments_of
from server.fulfilment.errors import (
    NothingPickedToPack,
    NothingToSend,
    NotItsWeight,
    SerialsNotPicked,
    TooHeavy,
)
from server.fulfilment.fulfilments import (
    goods_of,
    lock_fulfilment,
    open_ones,
    packed_of,
    settle_fulfilments,
)
from server.fulfilment.models import (
    Carton,
    Fulfilment,
    PackedContent,
    PackedParcel,
    Shortage,
)
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.inventory.service import AllocationView, SkuView
from server.kit import clock
from server.kit.inputs import FilledLine
from server.orders import service as orders

SCALE_ERROR = 0.1
"""So much less than its SKUs say may a parcel weigh: scales and master data are what they are."""


class Packing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of one SKU that go into a parcel. serials: which ones, of a SKU that has them. line: of
    the order, when the SKU is on several and it matters."""

    sku: FilledLine
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    serials: Annotated[tuple[FilledLine, ...], Meta(max_length=1000)] = ()
    line: Annotated[int, Meta(ge=1, le=1000)] | None = None


class ContentView(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    sku: str
    quantity: int
    serials: list[str]


class PackedView(msgspec.Struct, frozen=True, kw_only=True):
    """A closed parcel. barcode: what its label says. left: units of the fulfilment that are not
    packed yet."""

    parcel_id: UUID
    barcode: str
    waybill: str
    carton: str | None
    weight_g: int
    contents: list[ContentView]
    fulfilment_state: str
    left: int


class Put(NamedTuple):
    """Units of an allocation that go into the parcel."""

    allocation: AllocationView
    quantity: int
    serials: tuple[str, ...]


async def pack_parcel(
    session: AsyncSession,
    fulfilment_id: UUID,
    *,
    contents: Sequence[Packing] = (),
    weight_g: int,
    carton: str | None = None,
    length_mm: int = 0,
    width_mm: int = 0,
    height_mm: int = 0,
    by: str,
) -> PackedView:
    """Close one parcel. The first parcels take over the labels that were announced; with the last
    one, what was announced too much is withdrawn, and the fulfilment is packed. What is left when
    other parcels have gone already travels as a consignment of its own.

    contents: empty for all that is picked and not packed yet.
    length_mm, width_mm, height_mm: of a box that is no `carton`.

    Raises
    ------
    UnknownFulfilment, NothingToSend, NothingPickedToPack, SerialsNotPicked, UnknownCarton,
    TooHeavy, NotItsWeight
    ParcelsHaveLeft, ConsignmentClosed
        When what was announced was loaded as it was, so that all has left.
    """
    row, rows = await lock_fulfilment(session, fulfilment_id)
    order = await orders.get_order(session, row.order_id)
    consignment = await consignments.consignment_of_order(session, row.order_id)
    if row.cancellation == "accepted" or consignment is None or consignment.cancelled_at:
        raise NothingToSend(order=row.order_number)
    packed = await packed_of(session, row.order_id)
    mine = [each for each in await goods_of(session, row) if each.state == "picked"]
    skus = await inventory.get_skus(session, {each.sku_id for each in mine})
    puts = await _choose(session, mine, packed, skus, contents)
    box = await find_carton(session, carton) if carton else None
    _weigh(puts, skus, box, weight_g)
    new = NewParcel(
        description=_describe(puts, skus),
        weight_g=weight_g,
        length_mm=box.inner_length_mm if box else length_mm,
        width_mm=box.inner_width_mm if box else width_mm,
        height_mm=box.inner_height_mm if box else height_mm,
    )
    complete = await _is_last(session, rows, packed, puts)
    parcel_id, consignment = await _announce(
        session, consignment, order, new, complete=complete, by=by
    )
    session.add(
        PackedParcel(
            parcel_id=parcel_id,
            fulfilment_id=row.id,
            carton=carton,
            weight_g=weight_g,
            packed_at=clock.now(),
            by=by,
        )
    )
    await session.flush()
    session.add_all(
        PackedContent(
            parcel_id=parcel_id,
            allocation_id=put.allocation.id,
            line=put.allocation.line,
            sku_id=put.allocation.sku_id,
            lot_id=put.allocation.lot_id,
            quantity=put.quantity,
            serials=list(put.serials),
        )
        for put in puts
    )
    await session.flush()
    await settle_fulfilments(session, rows)
    now = await consignments.get_consignment(session, consignment.id)
    view = PackedView(
        parcel_id=parcel_id,
        barcode=next(each.barcode for each in now.parcels if each.id == parcel_id),
        waybill=now.waybill,
        carton=carton,
        weight_g=weight_g,
        contents=[_content_view(put, skus) for put in puts],
        fulfilment_state=row.state,
        left=await _left(session, row),
    )
    await record_audit(
        session,
        by=by,
        action="parcel.packed",
        subject=f"fulfilment:{row.id}",
        details={"barcode": view.barcode, "weight_g": weight_g, "carton": carton},
    )
    return view


async def is_packed(session: AsyncSession, order_id: UUID) -> bool:
    """Whether any parcel of the order is closed."""
    found = exists().where(
        PackedParcel.fulfilment_id == Fulfilment.id, Fulfilment.order_id == order_id
    )
    return bool(await session.scalar(select(found)))


async def _choose(
    session: AsyncSession,
    picked: Sequence[AllocationView],
    packed: dict[UUID, int],
    skus: dict[UUID, SkuView],
    contents: Sequence[Packing],
) -> list[Put]:
    """From which allocations the contents are taken: of each SKU in the order of the lines."""
    free = {each.id: each.quantity - packed.get(each.id, 0) for each in picked}
    boxed = await _boxed_serials(session, picked)
    here = sorted((each for each in picked if free[each.id]), key=lambda each: (each.line, each.id))
    if not contents:
        puts = [Put(each, free[each.id], _left_serials(each, boxed)) for each in here]
        if not puts:
            raise NothingPickedToPack(there=0, sku="anything", quantity=1)
        return puts
    puts = []
    for content in contents:
        mine = [
            each
            for each in here
            if skus[each.sku_id].code == content.sku and content.line in (None, each.line)
        ]
        there = sum(free[each.id] for each in mine)
        if content.quantity > there:
            raise NothingPickedToPack(there=there, sku=content.sku, quantity=content.quantity)
        puts += _take(mine, free, content, boxed, skus)
    return _merged(puts)


def _take(
    mine: Sequence[AllocationView],
    free: dict[UUID, int],
    content: Packing,
    boxed: set[tuple[UUID, str]],
    skus: dict[UUID, SkuView],
) -> list[Put]:
    """As many units as the content says, which are marked as taken in `free` and `boxed`."""
    puts = []
    missing = content.quantity
    for each in mine:
        named = tuple(serial for serial in content.serials if serial in _left_serials(each, boxed))
        units = len(named) if skus[each.sku_id].has_serials else min(missing, free[each.id])
        if not units:
            continue
        puts.append(Put(each, units, named))
        boxed.update((each.sku_id, serial) for serial in named)
        free[each.id] -= units
        missing -= units
    has_serials = any(skus[each.sku_id].has_serials for each in mine)
    asked = content.quantity if has_serials else 0
    if (
        missing
        or len(set(content.serials)) != len(content.serials)
        or len(content.serials) != asked
    ):
        raise SerialsNotPicked(quantity=content.quantity, sku=content.sku)
    return puts


def _left_serials(each: AllocationView, boxed: set[tuple[UUID, str]]) -> tuple[str, ...]:
    return tuple(serial for serial in each.serials if (each.sku_id, serial) not in boxed)


async def _boxed_serials(
    session: AsyncSession, picked: Sequence[AllocationView]
) -> set[tuple[UUID, str]]:
    rows = await session.execute(
        select(PackedContent.sku_id, PackedContent.serials).where(
            PackedContent.allocation_id.in_([each.id for each in picked])
        )
    )
    return {(sku_id, serial) for sku_id, serials in rows for serial in serials}


def _merged(puts: Iterable[Put]) -> list[Put]:
    """One for each allocation, though a SKU was named twice."""
    merged: dict[UUID, Put] = {}
    for put in puts:
        key = put.allocation.id
        before = merged.get(key, Put(put.allocation, 0, ()))
        merged[key] = Put(
            put.allocation, before.quantity + put.quantity, before.serials + put.serials
        )
    return list(merged.values())


def _weigh(
    puts: Sequence[Put], skus: dict[UUID, SkuView], box: Carton | None, weight_g: int
) -> None:
    least_g = sum(skus[put.allocation.sku_id].weight_g * put.quantity for put in puts)
    least_g += box.tare_g if box else 0
    if weight_g < least_g * (1 - SCALE_ERROR):
        raise NotItsWeight(least_g=least_g, weight_g=weight_g)
    if box and weight_g - box.tare_g > box.max_weight_g:
        raise TooHeavy(
            carton=box.code, max_weight_g=box.max_weight_g, weight_g=weight_g - box.tare_g
        )


def _describe(puts: Sequence[Put], skus: dict[UUID, SkuView]) -> str:
    units: dict[str, int] = defaultdict(int)
    for put in puts:
        units[skus[put.allocation.sku_id].code] += put.quantity
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in units.items())[:MAX_DESCRIPTION]


async def _is_last(
    session: AsyncSession, rows: Sequence[Fulfilment], packed: dict[UUID, int], puts: Sequence[Put]
) -> bool:
    """Whether nothing of the whole order is left to pack after this parcel."""
    ids = [row.id for row in rows]
    short = exists().where(Shortage.fulfilment_id.in_(ids), Shortage.state == "open")
    if await session.scalar(select(short)):
        return False
    here = {put.allocation.id: put.quantity for put in puts}
    stock = await inventory.stock_of_order(session, rows[0].order_id)
    return stock.is_complete and all(
        packed.get(each.id, 0) + here.get(each.id, 0) >= each.quantity for each in open_ones(stock)
    )


async def _announce(
    session: AsyncSession,
    consignment: ConsignmentView,
    order: orders.OrderView,
    new: NewParcel,
    *,
    complete: bool,
    by: str,
) -> tuple[UUID, ConsignmentView]:
    """The parcel's id, and the consignment that it belongs to."""
    sent = await consignments_of(session, order.id)
    expected = {each.id: await _announced_only(session, each) for each in sent}
    try:
        async with session.begin_nested():
            (parcel_id,) = await consignments.replace_parcels(
                session,
                consignment.id,
                expected=expected.pop(consignment.id, ()) if complete else (),
                packed=[new],
                by=by,
            )
    except ParcelsHaveLeft:
        if await _announced_have_left(session, sent):
            raise
        rest = msgspec.structs.replace(consignment_for(order), parcels=(new,), cash_minor=0)
        consignment = await consignments.create_consignment(session, rest, by=by)
        parcel_id = consignment.parcels[0].id
        expected = {each.id: await _announced_only(session, each) for each in sent}
    if complete:
        for consignment_id, leftover in expected.items():
            if leftover:
                await consignments.replace_parcels(
                    session, consignment_id, expected=leftover, packed=(), by=by
                )
    return parcel_id, consignment


async def _announced_have_left(session: AsyncSession, sent: Sequence[ConsignmentView]) -> bool:
    """Whether parcels that nobody packed were loaded as they were announced, and with them all."""
    for each in sent:
        unpacked = await _announced_only(session, each)
        if any(parcel.id in unpacked and parcel.state not in AT_HOME for parcel in each.parcels):
            return True
    return False


async def _announced_only(session: AsyncSession, consignment: ConsignmentView) -> list[UUID]:
    """Its parcels that nobody packed."""
    ids = [each.id for each in consignment.parcels]
    packed = set(
        await session.scalars(select(PackedParcel.parcel_id).where(PackedParcel.parcel_id.in_(ids)))
    )
    return [each for each in ids if each not in packed]


def _content_view(put: Put, skus: dict[UUID, SkuView]) -> ContentView:
    return ContentView(
        line=put.allocation.line,
        sku=skus[put.allocation.sku_id].code,
        quantity=put.quantity,
        serials=list(put.serials),
    )


async def _left(session: AsyncSession, row: Fulfilment) -> int:
    packed = await packed_of(session, row.order_id)
    return sum(each.quantity - packed.get(each.id, 0) for each in await goods_of(session, row))
