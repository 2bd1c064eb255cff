"""Goods that came back are judged line by line; what we keep stock of leaves RETURN_QC then, once.
When all are judged the return is reckoned up."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.inventory import service as inventory
from server.kit import clock
from server.kit.ids import new_id
from server.returns.booking import move_return
from server.returns.errors import AlreadyInspected, MoreThanReceived, NotCounted
from server.returns.lifecycle import RETURN
from server.returns.lookup import get_return, lines_of, lock_line
from server.returns.models import Return, ReturnDifference, ReturnLine
from server.returns.resolution import resolve
from server.returns.views import Finding, ReturnView


async def inspect_line(
    session: AsyncSession,
    line_id: UUID,
    finding: Finding,
    *,
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """Judge what came of a line, or some units of it apart; told twice, it happens once.

    Raises
    ------
    UnknownReturnLine, NotCounted, AlreadyInspected, MoreThanReceived, and what is wrong with the
    shelf
    """
    row, line = await lock_line(session, line_id, account_id=account_id)
    if line.disposition == finding.disposition and finding.quantity in (
        None,
        line.received_quantity,
    ):
        return await get_return(session, row.id)
    if line.disposition is not None:
        raise AlreadyInspected(number=line.number, disposition=line.disposition)
    if not line.received_quantity:
        raise NotCounted(number=line.number)
    RETURN.check(row.state, "inspected")
    if finding.quantity is not None and finding.quantity > line.received_quantity:
        raise MoreThanReceived(
            number=line.number, received=line.received_quantity, quantity=finding.quantity
        )
    if finding.quantity is not None and finding.quantity < line.received_quantity:
        line = await _set_apart(session, line, finding.quantity, finding.serials, by=by)
    line.grade, line.disposition = finding.grade, finding.disposition
    line.refund_percent = finding.refund_percent
    line.inspection_note, line.inspection_photos = finding.note, list(finding.photos)
    line.inspected_at, line.inspected_by = clock.now(), by
    if line.sku_id is not None:
        await inventory.decide_returned(
            session,
            return_line_id=line.id,
            disposition=finding.disposition,
            location_id=finding.location_id,
            by=by,
        )
    await record_audit(
        session,
        by=by,
        action="return_line.inspected",
        subject=f"return:{row.id}",
        details={"line": line.number, "disposition": line.disposition, "grade": line.grade},
    )
    await session.flush()
    await finish_if_inspected(session, row, by=by)
    return await get_return(session, row.id)


async def finish_if_inspected(session: AsyncSession, row: Return, *, by: str) -> None:
    """Once nothing is left to be counted or judged. Where something differed from what was
    announced, a person resolves it."""
    lines = await lines_of(session, [row.id])
    if row.state != "received" or not all(map(_is_judged, lines)):
        return
    await move_return(session, row, "inspected", by=by)
    differs = await session.scalar(
        select(ReturnDifference.id).where(ReturnDifference.return_id == row.id).limit(1)
    )
    if differs is None:
        await resolve(session, row, lines, by=by)


async def _set_apart(
    session: AsyncSession, line: ReturnLine, quantity: int, serials: Iterable[str], *, by: str
) -> ReturnLine:
    """Some units of a line as a line of their own."""
    serials = list(serials)
    number = await session.scalar(
        select(func.max(ReturnLine.number)).where(ReturnLine.return_id == line.return_id)
    )
    announced = min(quantity, line.quantity)
    apart = ReturnLine(
        id=new_id(),
        return_id=line.return_id,
        number=(number or 0) + 1,
        kit_line_id=line.kit_line_id,
        order_line=line.order_line,
        sku=line.sku,
        sku_id=line.sku_id,
        description=line.description,
        quantity=announced,
        unit_price_minor=line.unit_price_minor,
        serials=serials,
        reason_code=line.reason_code,
        note=line.note,
        photos=line.photos,
        received_quantity=quantity,
        lot=line.lot,
        inspection_note="",
        inspection_photos=[],
    )
    if line.sku_id is not None:
        await inventory.split_returned(
            session,
            return_line_id=line.id,
            new_line_id=apart.id,
            quantity=quantity,
            serials=tuple(serials),
            by=by,
        )
    line.quantity -= announced
    line.received_quantity = (line.received_quantity or 0) - quantity
    line.serials = [serial for serial in line.serials if serial not in serials]
    session.add(apart)
    await session.flush()
    return apart


def _is_judged(line: ReturnLine) -> bool:
    return line.disposition is not None or line.received_quantity == 0
