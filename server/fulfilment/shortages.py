"""What was promised and is nowhere: it comes in after all, something else is sent, or the order
goes without."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.errors import SameSku, UnknownShortage
from server.fulfilment.events import PickFellShort
from server.fulfilment.fulfilments import lock_fulfilments, make_fulfilments, settle_fulfilments
from server.fulfilment.lifecycle import SHORTAGE
from server.fulfilment.models import Fulfilment, Shortage, Substitute
from server.fulfilment.stocking import BY
from server.identity.service import record_audit
from server.inventory import service as inventory
from server.inventory.service import KitHasNoStock, NotEnoughStock, SkuView, UnknownSku
from server.kit import clock
from server.kit.ids import new_id
from server.orders import service as orders


class ShortageView(msgspec.Struct, frozen=True, kw_only=True):
    """quantity: units of the SKU that the line of the order lacks."""

    id: UUID
    fulfilment_id: UUID
    line: int
    sku_id: UUID
    quantity: int
    state: str
    created_at: datetime
    settled_at: datetime | None
    settled_by: str | None


class Lack(NamedTuple):
    """What a line of a fulfilment lacks."""

    line: int
    sku_id: UUID
    kit_id: UUID | None
    quantity: int


def add_shortage(session: AsyncSession, fulfilment: Fulfilment, lack: Lack) -> None:
    session.add(
        Shortage(
            id=new_id(),
            fulfilment_id=fulfilment.id,
            **lack._asdict(),
            state="open",
            created_at=clock.now(),
        )
    )


async def fill_next_shortage(session: AsyncSession, sku: SkuView, *, available: int) -> bool:
    """Set aside what came in for the shortage that waits longest; False when there is none that it
    would settle."""
    found = await session.scalar(
        select(Shortage)
        .where(Shortage.sku_id == sku.id, Shortage.state == "open", Shortage.quantity <= available)
        .order_by(Shortage.id)
        .limit(1)
    )
    if found is None:
        return False
    fulfilment = await _lock(session, found)
    if found.state == "open":
        try:
            async with session.begin_nested():
                await _send(session, fulfilment, found, sku.id)
        except NotEnoughStock:
            return False
        await _settle(session, fulfilment, found, "filled", by=BY)
    return True


async def send_substitutes(session: AsyncSession, order_id: UUID) -> dict[str, int]:
    """Whatever the order lacks and something else may stand in for: SKU -> units of it."""
    rows = await lock_fulfilments(session, order_id)
    lacking = await session.scalars(
        select(Shortage)
        .where(Shortage.fulfilment_id.in_([row.id for row in rows]), Shortage.state == "open")
        .order_by(Shortage.id)
        .execution_options(populate_existing=True)
    )
    sent: dict[str, int] = {}
    for shortage in lacking.all():
        fulfilment = next(row for row in rows if row.id == shortage.fulfilment_id)
        for sku_id in await list_substitutes(session, shortage.sku_id):
            try:
                async with session.begin_nested():
                    await _send(session, fulfilment, shortage, sku_id)
            except (NotEnoughStock, UnknownSku, KitHasNoStock):
                continue
            await _settle(session, fulfilment, shortage, "substituted", by=BY)
            code = (await inventory.get_sku(session, sku_id)).code
            sent[code] = sent.get(code, 0) + shortage.quantity
            break
    return sent


async def substitute_shortage(
    session: AsyncSession, shortage_id: UUID, *, sku: str, by: str
) -> ShortageView:
    """Send as many units of another SKU instead; a clerk's decision.

    Raises
    ------
    UnknownShortage, IllegalMove, UnknownSku, SameSku, KitHasNoStock, NotEnoughStock
    """
    shortage, fulfilment = await _lock_to_decide(session, shortage_id, "substituted")
    found = await inventory.list_skus(session, account_id=fulfilment.account_id, code=sku, limit=1)
    if not found:
        raise UnknownSku(sku=sku)
    if found[0].id == shortage.sku_id:
        raise SameSku(sku=sku)
    await _send(session, fulfilment, shortage, found[0].id)
    await _settle(session, fulfilment, shortage, "substituted", by=by)
    lacked = await inventory.get_sku(session, shortage.sku_id)
    note = f"{shortage.quantity} x {sku} is sent instead of {lacked.code}."
    await orders.note_on_order(session, fulfilment.order_id, note, by=by)
    return await _decided(session, shortage, by=by, sku=sku)


async def leave_out(session: AsyncSession, shortage_id: UUID, *, by: str) -> ShortageView:
    """Send the order without it; a clerk's decision.

    Raises
    ------
    UnknownShortage, IllegalMove
    """
    shortage, fulfilment = await _lock_to_decide(session, shortage_id, "left_out")
    await _settle(session, fulfilment, shortage, "left_out", by=by)
    lacked = await inventory.get_sku(session, shortage.sku_id)
    note = f"{shortage.quantity} x {lacked.code} is left out: there is none."
    await orders.note_on_order(session, fulfilment.order_id, note, by=by)
    return await _decided(session, shortage, by=by)


async def list_shortages(
    session: AsyncSession,
    *,
    fulfilment_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ShortageView]:
    """Oldest first."""
    query = select(Shortage).order_by(Shortage.id).limit(limit)
    if fulfilment_id:
        query = query.where(Shortage.fulfilment_id == fulfilment_id)
    if state:
        query = query.where(Shortage.state == state)
    if after:
        query = query.where(Shortage.id > after)
    return [shortage_view(row) for row in await session.scalars(query)]


async def list_substitutes(session: AsyncSession, sku_id: UUID) -> list[UUID]:
    """What may be sent instead of it without asking, best first."""
    rows = await session.scalars(
        select(Substitute.substitute_id)
        .where(Substitute.sku_id == sku_id)
        .order_by(Substitute.rank, Substitute.substitute_id)
    )
    return list(rows)


async def set_substitutes(
    session: AsyncSession, sku_id: UUID, substitutes: Sequence[str], *, by: str
) -> list[SkuView]:
    """These SKUs of the same account, best first, may be sent instead of it.

    Raises
    ------
    UnknownSku, SameSku
    """
    sku = await inventory.get_sku(session, sku_id)
    chosen = []
    for code in dict.fromkeys(substitutes):
        found = await inventory.list_skus(session, account_id=sku.account_id, code=code, limit=1)
        if not found:
            raise UnknownSku(sku=code)
        if found[0].id == sku_id:
            raise SameSku(sku=code)
        chosen.append(found[0])
    await session.execute(delete(Substitute).where(Substitute.sku_id == sku_id))
    session.add_all(
        Substitute(sku_id=sku_id, substitute_id=each.id, rank=rank)
        for rank, each in enumerate(chosen, 1)
    )
    await record_audit(
        session,
        by=by,
        action="substitutes.set",
        subject=f"sku:{sku_id}",
        details={"substitutes": [each.code for each in chosen]},
    )
    await session.flush()
    return chosen


async def tell_order(session: AsyncSession, event: PickFellShort, instead: dict[str, int]) -> None:
    """Write into the order's log what was found and what was not."""
    told = [f"{event.missing} x {event.sku} was not on its shelf."]
    if event.elsewhere:
        told.append(f"{event.elsewhere} of it comes from another one.")
    if instead:
        named = ", ".join(f"{quantity} x {sku}" for sku, quantity in instead.items())
        told.append(f"Sent instead: {named}.")
    elif event.lacking:
        told.append(
            f"{event.lacking} is nowhere: it waits for stock, unless somebody decides otherwise"
            " at /api/shortages."
        )
    await orders.note_on_order(session, event.order_id, " ".join(told), by=BY)


def shortage_view(row: Shortage) -> ShortageView:
    return msgspec.convert(row, ShortageView, from_attributes=True)


async def _lock(session: AsyncSession, shortage: Shortage) -> Fulfilment:
    """The order, its fulfilments, and the shortage as it is now."""
    fulfilment = await session.get_one(Fulfilment, shortage.fulfilment_id)
    await orders.get_order(session, fulfilment.order_id, lock=True)
    await lock_fulfilments(session, fulfilment.order_id)
    await session.refresh(shortage)
    return fulfilment


async def _lock_to_decide(
    session: AsyncSession, shortage_id: UUID, wanted: str
) -> tuple[Shortage, Fulfilment]:
    shortage = await session.get(Shortage, shortage_id)
    if shortage is None:
        raise UnknownShortage(shortage_id=shortage_id)
    fulfilment = await _lock(session, shortage)
    SHORTAGE.check(shortage.state, wanted)
    return shortage, fulfilment


async def _send(
    session: AsyncSession, fulfilment: Fulfilment, shortage: Shortage, sku_id: UUID
) -> None:
    await inventory.allocate_more(
        session,
        order_id=fulfilment.order_id,
        line=shortage.line,
        sku_id=sku_id,
        quantity=shortage.quantity,
        kit_id=shortage.kit_id,
        warehouse_id=fulfilment.warehouse_id,
        account_id=fulfilment.account_id,
    )


async def _settle(
    session: AsyncSession, fulfilment: Fulfilment, shortage: Shortage, to: str, *, by: str
) -> None:
    SHORTAGE.check(shortage.state, to)
    shortage.state, shortage.settled_at, shortage.settled_by = to, clock.now(), by
    await session.flush()
    order = await orders.get_order(session, fulfilment.order_id)
    stock = await inventory.stock_of_order(session, order.id)
    await make_fulfilments(session, (order, stock))
    await settle_fulfilments(session, await lock_fulfilments(session, order.id))


async def _decided(
    session: AsyncSession, shortage: Shortage, *, by: str, **details: str
) -> ShortageView:
    await record_audit(
        session,
        by=by,
        action=f"shortage.{shortage.state}",
        subject=f"shortage:{shortage.id}",
        details=details,
    )
    return shortage_view(shortage)
