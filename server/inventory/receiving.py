"""Goods come in from suppliers, with a purchase note or without."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.changing import changing_stock
from server.inventory.errors import (
    MoreThanOrdered,
    NotOnPurchaseNote,
    PurchaseNumberTaken,
    UnknownAccountForSku,
    UnknownPurchaseNote,
)
from server.inventory.events import StockReceived
from server.inventory.ledger import Move, post_moves
from server.inventory.lifecycle import SUPPLIER
from server.inventory.locations import load_shelf
from server.inventory.models import PurchaseLine, PurchaseNote, Sku
from server.inventory.skus import find_skus, open_lot, require_stock
from server.inventory.stock import (
    Component,
    PurchaseLineView,
    PurchaseNoteView,
    Quantity,
    Serials,
)
from server.kit import clock
from server.kit.ids import new_id
from server.kit.inputs import FilledLine
from server.kit.outbox import emit


class Received(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of one SKU. lot and serials where the SKU is kept by them."""

    sku: FilledLine
    quantity: Quantity
    lot: FilledLine | None = None
    expires_on: date | None = None
    serials: Serials = ()


async def receive_stock(
    session: AsyncSession,
    *,
    account_id: UUID,
    location_id: UUID,
    goods: Sequence[Received],
    note_id: UUID | None = None,
    by: str,
) -> None:
    """Put goods of a supplier on a shelf; all of them or, when anything is wrong, none.

    Raises
    ------
    UnknownSku, UnknownLocation, NotAShelf, KitHasNoStock, LotNeeded, NoLots, LotExpiresOtherwise,
    SerialsNeeded, NoSerials, SerialElsewhere, UnknownPurchaseNote, NotOnPurchaseNote,
    MoreThanOrdered
    """
    location = await load_shelf(session, location_id)
    found = await find_skus(session, account_id, [each.sku for each in goods])
    subject = f"purchase_note:{note_id}" if note_id else ""
    async with changing_stock(session, {sku.id for sku in found.values()}) as skus:
        if note_id:
            await _tick_off(session, note_id, account_id, found, goods)
        moves = [
            Move(
                sku_id=found[each.sku].id,
                lot_id=await open_lot(session, found[each.sku], each.lot, each.expires_on),
                from_location_id=SUPPLIER,
                to_location_id=location.id,
                quantity=each.quantity,
                serials=each.serials,
                kind="received",
                subject=subject,
            )
            for each in goods
        ]
        await post_moves(session, skus, moves, by=by)
        for move in moves:
            emit(
                session,
                StockReceived(sku_id=move.sku_id, location_id=location.id, quantity=move.quantity),
            )


async def create_purchase_note(
    session: AsyncSession,
    *,
    account_id: UUID,
    number: str,
    supplier: str,
    lines: Sequence[Component],
    expected_on: date | None = None,
) -> PurchaseNoteView:
    """Note what a supplier was asked to send; lines of the same SKU count together.

    Raises
    ------
    PurchaseNumberTaken, UnknownAccountForSku, UnknownSku, KitHasNoStock
    """
    found = await find_skus(session, account_id, [line.sku for line in lines])
    for sku in found.values():
        require_stock(sku)
    try:
        async with session.begin_nested():
            note = await session.scalar(
                insert(PurchaseNote)
                .values(
                    id=new_id(),
                    account_id=account_id,
                    number=number,
                    supplier=supplier,
                    expected_on=expected_on,
                    created_at=clock.now(),
                )
                .on_conflict_do_nothing(index_elements=["account_id", "number"])
                .returning(PurchaseNote)
            )
    except IntegrityError as error:
        raise UnknownAccountForSku(account_id=account_id) from error
    if note is None:
        raise PurchaseNumberTaken(number=number)
    ordered: dict[UUID, int] = {}
    for line in lines:
        sku_id = found[line.sku].id
        ordered[sku_id] = ordered.get(sku_id, 0) + line.quantity
    session.add_all(
        PurchaseLine(note_id=note.id, sku_id=sku_id, ordered=quantity, received=0)
        for sku_id, quantity in ordered.items()
    )
    await session.flush()
    return (await _views(session, [note]))[0]


async def get_purchase_note(
    session: AsyncSession, note_id: UUID, *, account_id: UUID | None = None
) -> PurchaseNoteView:
    note = await session.get(PurchaseNote, note_id)
    if note is None or (account_id and note.account_id != account_id):
        raise UnknownPurchaseNote(note_id=note_id)
    return (await _views(session, [note]))[0]


async def list_purchase_notes(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[PurchaseNoteView]:
    """Newest first."""
    query = select(PurchaseNote).order_by(PurchaseNote.id.desc()).limit(limit)
    if account_id:
        query = query.where(PurchaseNote.account_id == account_id)
    if after:
        query = query.where(PurchaseNote.id < after)
    return await _views(session, (await session.scalars(query)).all())


async def _tick_off(
    session: AsyncSession,
    note_id: UUID,
    account_id: UUID,
    found: dict[str, Sku],
    goods: Sequence[Received],
) -> None:
    """Count what came on the lines of the note. Its SKUs are locked, so its lines are as well."""
    await get_purchase_note(session, note_id, account_id=account_id)
    rows = await session.scalars(
        select(PurchaseLine)
        .where(PurchaseLine.note_id == note_id)
        .execution_options(populate_existing=True)
    )
    lines = {row.sku_id: row for row in rows}
    for each in goods:
        line = lines.get(found[each.sku].id)
        if line is None:
            raise NotOnPurchaseNote(sku=each.sku)
        if each.quantity > line.ordered - line.received:
            raise MoreThanOrdered(
                sku=each.sku, expected=line.ordered - line.received, quantity=each.quantity
            )
        line.received += each.quantity


async def _views(session: AsyncSession, notes: Sequence[PurchaseNote]) -> list[PurchaseNoteView]:
    rows = await session.execute(
        select(PurchaseLine.note_id, Sku.code, PurchaseLine.ordered, PurchaseLine.received)
        .join(Sku, Sku.id == PurchaseLine.sku_id)
        .where(PurchaseLine.note_id.in_([note.id for note in notes]))
        .order_by(Sku.code)
    )
    lines: dict[UUID, list[PurchaseLineView]] = {note.id: [] for note in notes}
    for note_id, code, ordered, received in rows:
        lines[note_id].append(PurchaseLineView(sku=code, ordered=ordered, received=received))
    return [
        PurchaseNoteView(
            id=note.id,
            account_id=note.account_id,
            number=note.number,
            supplier=note.supplier,
            expected_on=note.expected_on,
            lines=tuple(lines[note.id]),
        )
        for note in notes
    ]
