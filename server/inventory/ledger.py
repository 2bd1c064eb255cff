"""The ledger: stock moves, and the levels that they and the allocations add up to.

Every change of stock and every claim locks its SKUs first, in the order of their ids. Whoever has
the lock knows all that lies anywhere of a SKU, so nothing can be promised twice; and as all wait
in the same order, nobody waits in a circle. One use case per transaction keeps it so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Select, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.errors import NoSerials, NotEnoughHere, SerialElsewhere, SerialsNeeded
from server.inventory.lifecycle import ADJUST, OUTSIDE, SUPPLIER
from server.inventory.models import Location, SerialUnit, Sku, StockLevel, StockMove
from server.kit import clock
from server.kit.ids import new_id

NO_LOT = UUID(int=0)


class Shelf(NamedTuple):
    """What a stock level is of."""

    sku_id: UUID
    location_id: UUID
    lot_id: UUID | None

    @property
    def rank(self) -> tuple[UUID, UUID, UUID]:
        return self.sku_id, self.location_id, self.lot_id or NO_LOT


class Move(msgspec.Struct, frozen=True, kw_only=True):
    sku_id: UUID
    from_location_id: UUID
    to_location_id: UUID
    quantity: int
    kind: str
    lot_id: UUID | None = None
    serials: tuple[str, ...] = ()
    reason: str = ""
    subject: str = ""


async def lock_skus(
    session: AsyncSession, sku_ids: Iterable[UUID] | Select[UUID]
) -> dict[UUID, Sku]:
    """The SKUs, until the end of the transaction nobody else's to change the stock of."""
    wanted = sku_ids if isinstance(sku_ids, Select) else set(sku_ids)
    rows = await session.scalars(
        select(Sku)
        .where(Sku.id.in_(wanted))
        .order_by(Sku.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


async def post_moves(
    session: AsyncSession,
    skus: Mapping[UUID, Sku],
    moves: Sequence[Move],
    *,
    by: str,
    released: Mapping[Shelf, int] | None = None,
) -> None:
    """Write the moves and what they do to the levels. The SKUs must be locked.

    released: allocated units that go with the moves; without, only free units may be moved.

    Raises
    ------
    NotEnoughHere, SerialsNeeded, NoSerials, SerialElsewhere
    """
    on_hand: dict[Shelf, int] = defaultdict(int)
    for move in moves:
        await _move_serials(session, skus[move.sku_id], move)
        if move.from_location_id not in OUTSIDE:
            on_hand[Shelf(move.sku_id, move.from_location_id, move.lot_id)] -= move.quantity
        if move.to_location_id not in OUTSIDE:
            on_hand[Shelf(move.sku_id, move.to_location_id, move.lot_id)] += move.quantity
    allocated = {shelf: -quantity for shelf, quantity in (released or {}).items()}
    await change_levels(session, on_hand=on_hand, allocated=allocated)
    now = clock.now()
    session.add_all(
        StockMove(
            **{**msgspec.structs.asdict(move), "serials": list(move.serials)},
            by=by,
            occurred_at=now,
        )
        for move in moves
    )
    await session.flush()


async def change_levels(
    session: AsyncSession,
    *,
    on_hand: Mapping[Shelf, int] | None = None,
    allocated: Mapping[Shelf, int] | None = None,
) -> None:
    """Add to the levels in one conditional statement, so that none falls below zero and none has
    more allocated than there is."""
    on_hand, allocated = on_hand or {}, allocated or {}
    shelves = sorted({*on_hand, *allocated}, key=lambda shelf: shelf.rank)
    if not shelves:
        return
    if new := [shelf for shelf in shelves if on_hand.get(shelf, 0) > 0]:
        await session.execute(
            insert(StockLevel).on_conflict_do_nothing(),
            [{"id": new_id(), **shelf._asdict(), "on_hand": 0, "allocated": 0} for shelf in new],
        )
    changed = await session.execute(
        CHANGE_LEVELS,
        {
            "sku_ids": [shelf.sku_id for shelf in shelves],
            "location_ids": [shelf.location_id for shelf in shelves],
            "lot_ids": [shelf.lot_id for shelf in shelves],
            "on_hand": [on_hand.get(shelf, 0) for shelf in shelves],
            "allocated": [allocated.get(shelf, 0) for shelf in shelves],
        },
    )
    done = {Shelf(*row) for row in changed}
    for shelf in shelves:
        if shelf not in done:
            await _raise_not_enough(session, shelf)


CHANGE_LEVELS = text(
    """
    update stock_level
    set on_hand = stock_level.on_hand + change.on_hand,
        allocated = stock_level.allocated + change.allocated
    from unnest(
        cast(:sku_ids as uuid[]), cast(:location_ids as uuid[]), cast(:lot_ids as uuid[]),
        cast(:on_hand as bigint[]), cast(:allocated as bigint[])
    ) as change (sku_id, location_id, lot_id, on_hand, allocated)
    where stock_level.sku_id = change.sku_id
        and stock_level.location_id = change.location_id
        and stock_level.lot_id is not distinct from change.lot_id
        and stock_level.allocated + change.allocated
            between 0 and stock_level.on_hand + change.on_hand
    returning stock_level.sku_id, stock_level.location_id, stock_level.lot_id
    """
)


async def level_of(session: AsyncSession, shelf: Shelf) -> tuple[int, int]:
    """(on_hand, allocated) of one shelf."""
    row = (
        await session.execute(
            select(StockLevel.on_hand, StockLevel.allocated).where(
                StockLevel.sku_id == shelf.sku_id,
                StockLevel.location_id == shelf.location_id,
                StockLevel.lot_id.is_not_distinct_from(shelf.lot_id),
            )
        )
    ).one_or_none()
    return (row.on_hand, row.allocated) if row else (0, 0)


def check_serials(sku: Sku, quantity: int, serials: Collection[str]) -> None:
    """As many different serial numbers as units, for a SKU that is kept by them."""
    if not sku.has_serials and serials:
        raise NoSerials(sku=sku.code)
    if sku.has_serials and not (len(serials) == len(set(serials)) == quantity):
        raise SerialsNeeded(sku=sku.code, quantity=quantity)


async def _move_serials(session: AsyncSession, sku: Sku, move: Move) -> None:
    check_serials(sku, move.quantity, move.serials)
    if not move.serials:
        return
    target = {"location_id": move.to_location_id, "lot_id": move.lot_id, "allocation_id": None}
    if move.from_location_id in (SUPPLIER, ADJUST):  # new, or one that had left us comes again
        units = [{"sku_id": sku.id, "serial": serial, **target} for serial in move.serials]
        arrive = insert(SerialUnit).values(units)
        moved = await session.execute(
            arrive.on_conflict_do_update(
                index_elements=["sku_id", "serial"],
                set_=target,
                where=SerialUnit.location_id.in_(OUTSIDE),
            ).returning(SerialUnit.serial)
        )
    else:
        moved = await session.execute(
            update(SerialUnit)
            .where(
                SerialUnit.sku_id == sku.id,
                SerialUnit.serial.in_(move.serials),
                SerialUnit.location_id == move.from_location_id,
                SerialUnit.lot_id.is_not_distinct_from(move.lot_id),
                # Picked units leave by being shipped, and by nothing else.
                or_(SerialUnit.allocation_id.is_(None), literal(move.kind == "shipped")),
            )
            .values(target)
            .returning(SerialUnit.serial)
            .execution_options(synchronize_session=False)
        )
    if len(moved.all()) != move.quantity:
        await raise_serial_elsewhere(session, sku, move.from_location_id)


async def raise_serial_elsewhere(session: AsyncSession, sku: Sku, location_id: UUID) -> None:
    location = await session.get_one(Location, location_id)
    raise SerialElsewhere(sku=sku.code, path=location.path)


async def _raise_not_enough(session: AsyncSession, shelf: Shelf) -> None:
    sku = await session.get_one(Sku, shelf.sku_id)
    location = await session.get_one(Location, shelf.location_id)
    on_hand, allocated = await level_of(session, shelf)
    raise NotEnoughHere(sku=sku.code, path=location.path, free=on_hand - allocated)
