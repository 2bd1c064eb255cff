"""The box is here and is opened: what is in it is counted, and what we keep stock of goes into
RETURN_QC. What came is a fact; where it differs from what was announced, a person is told."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.inventory import service as inventory
from server.kit import clock
from server.kit.ids import new_id
from server.orders import service as orders
from server.orders.service import UnknownOrder
from server.returns.booking import move_return, stocked_skus
from server.returns.differences import raise_difference
from server.returns.errors import AlreadyCounted, UnknownReturnLine
from server.returns.inspection import finish_if_inspected
from server.returns.lookup import get_return, lines_of, lock_return
from server.returns.models import Return, ReturnLine
from server.returns.views import CountedLine, FoundGoods, ReturnView


async def receive_goods(
    session: AsyncSession,
    return_id: UUID,
    *,
    counted: Sequence[CountedLine] = (),
    found: Sequence[FoundGoods] = (),
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """What was in the box. A line is counted once, however often the same is told; lines that are
    left out may be counted later, as another box comes. Without any, the box was empty.

    Raises
    ------
    UnknownReturn, UnknownReturnLine, IllegalMove, AlreadyCounted, and what is wrong with a lot or
    serial numbers
    """
    row = await lock_return(session, return_id, account_id=account_id)
    if row.state != "received":
        await _take_in(session, row, by=by)
    lines = {line.id: line for line in await lines_of(session, [row.id])}
    announced = {line.order_line for line in lines.values()}
    fresh: list[ReturnLine] = []
    for each in counted:
        line = lines.get(each.line_id)
        if line is None or line.kit_line_id is not None:
            raise UnknownReturnLine(line_id=each.line_id)
        if _count(line, each):
            fresh.append(line)
            _compare(session, row, line)
    extra = [await _note_found(session, row, each, announced, by=by) for each in found]
    parts = [
        part for line in (*fresh, *extra) for part in await _take_kit_apart(session, row, line)
    ]
    await _into_stock(session, row, [*fresh, *extra, *parts], by=by)
    if not counted and not found and not lines:
        raise_difference(session, row, "empty", goods="", announced=0, found=0)
    await session.flush()
    await finish_if_inspected(session, row, by=by)
    return await get_return(session, row.id)


async def _take_in(session: AsyncSession, row: Return, *, by: str) -> None:
    """It is brought to the counter, or nobody scanned it at the dock."""
    await move_return(session, row, "received", by=by)
    if row.consignment_id is None:
        return
    coming = await consignments.get_consignment(session, row.consignment_id)
    now = clock.now()
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in coming.parcels if parcel.state != "at_depot"],
        state="at_depot",
        occurred_at=now,
        received_at=now,
        by=by,
        strict=False,
    )


def _count(line: ReturnLine, counted: CountedLine) -> bool:
    """Whether that is news."""
    if line.received_quantity is not None:
        if line.received_quantity != counted.quantity:
            raise AlreadyCounted(number=line.number, quantity=line.received_quantity)
        return False
    line.received_quantity = counted.quantity
    line.lot = counted.lot
    line.serials = list(counted.serials) or line.serials[: counted.quantity]
    return True


def _compare(session: AsyncSession, row: Return, line: ReturnLine) -> None:
    came = line.received_quantity or 0
    if came != line.quantity:
        raise_difference(
            session,
            row,
            "missing" if came < line.quantity else "surplus",
            line_id=line.id,
            goods=line.sku or line.description,
            announced=line.quantity,
            found=came,
        )


async def _note_found(
    session: AsyncSession,
    row: Return,
    found: FoundGoods,
    announced: set[int | None],
    *,
    by: str,
) -> ReturnLine:
    """A line for goods that were announced on none. Where nothing was announced, such as after a
    failed delivery, goods of the order are what was to be expected."""
    code = found.sku.strip()
    sku = (await stocked_skus(session, row.account_id, {code} - {""})).get(code)
    position, price = await _sold_as(session, row, code)
    number = await session.scalar(
        select(func.coalesce(func.max(ReturnLine.number), 0)).where(ReturnLine.return_id == row.id)
    )
    line = ReturnLine(
        id=new_id(),
        return_id=row.id,
        number=(number or 0) + 1,
        order_line=position,
        sku=code,
        sku_id=sku.id if sku and not sku.components else None,
        description=found.description or (sku.name if sku else ""),
        quantity=0,
        unit_price_minor=price,
        serials=list(found.serials),
        note="",
        photos=[],
        received_quantity=found.quantity,
        lot=found.lot,
        inspection_note="",
        inspection_photos=[],
    )
    session.add(line)
    await session.flush()
    if position is None or announced:
        raise_difference(
            session,
            row,
            "foreign" if position is None else "surplus",
            line_id=line.id,
            goods=code or found.description,
            announced=0,
            found=found.quantity,
        )
    return line


async def _sold_as(session: AsyncSession, row: Return, code: str) -> tuple[int | None, int | None]:
    """The line of the order that these goods were sold on, and their price."""
    if row.order_id is None or not code:
        return None, None
    try:
        order = await orders.get_order(session, row.order_id)
    except UnknownOrder:
        return None, None
    row.currency = row.currency or order.currency
    for number, line in enumerate(order.lines, 1):
        if line.sku == code:
            return number, line.unit_price_minor
    return None, None


async def _take_kit_apart(session: AsyncSession, row: Return, line: ReturnLine) -> list[ReturnLine]:
    """A kit has no stock of its own: its components are lines of their own. What it is worth stays
    with the kit."""
    if line.sku_id is not None or not line.received_quantity or not line.sku:
        return []
    kit = (await stocked_skus(session, row.account_id, {line.sku})).get(line.sku)
    if kit is None or not kit.components:
        return []
    number = await session.scalar(
        select(func.max(ReturnLine.number)).where(ReturnLine.return_id == row.id)
    )
    units = Counter({part.sku: part.quantity * line.received_quantity for part in kit.components})
    skus = await stocked_skus(session, row.account_id, set(units))
    parts = [
        ReturnLine(
            id=new_id(),
            return_id=row.id,
            number=(number or 0) + offset,
            kit_line_id=line.id,
            order_line=line.order_line,
            sku=code,
            sku_id=skus[code].id,
            description=skus[code].name,
            quantity=quantity,
            serials=[],
            note="",
            photos=[],
            received_quantity=quantity,
            inspection_note="",
            inspection_photos=[],
        )
        for offset, (code, quantity) in enumerate(sorted(units.items()), 1)
    ]
    session.add_all(parts)
    await session.flush()
    return parts


async def _into_stock(
    session: AsyncSession, row: Return, lines: Sequence[ReturnLine], *, by: str
) -> None:
    """Each into RETURN_QC, in the order in which everybody locks SKUs."""
    stocked = [(line.sku_id, line) for line in lines if line.sku_id and line.received_quantity]
    for sku_id, line in sorted(stocked, key=lambda each: (each[0], each[1].number)):
        sku = await inventory.get_sku(session, sku_id)
        await inventory.receive_returned(
            session,
            return_line_id=line.id,
            sku_id=sku_id,
            quantity=line.received_quantity or 0,
            lot=await _lot_of(session, row, line) if sku.has_lots else None,
            serials=tuple(line.serials) if sku.has_serials else (),
            account_id=row.account_id,
            by=by,
        )


async def _lot_of(session: AsyncSession, row: Return, line: ReturnLine) -> str | None:
    """As counted; else what was sent, because nobody reads a lot off the parts of a kit."""
    if line.lot is None and row.order_id and line.order_line and line.sku_id:
        line.lot = await inventory.lot_sent(
            session, row.order_id, line=line.order_line, sku_id=line.sku_id
        )
    return line.lot
