"""Holds: why an order waits. Several may stand at once; it goes on when the last is released."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.orders.errors import NoSuchHold
from server.orders.event_log import move, record
from server.orders.events import OrderReleased
from server.orders.lifecycle import ORDER
from server.orders.listing import load_order, views_of
from server.orders.models import Order, OrderHold
from server.orders.order import HoldKind, OrderView


async def hold_order(
    session: AsyncSession, order_id: UUID, reason: str, *, kind: HoldKind = "person", by: str
) -> OrderView:
    """Stop an order before its fulfilment begins; for the same reason once, however often asked.

    Raises
    ------
    UnknownOrder, IllegalMove
        When its fulfilment began already.
    """
    order = await load_order(session, order_id, lock=True)
    await place_holds(session, order, [(kind, reason)], by=by)
    return (await views_of(session, [order]))[0]


async def release_order(
    session: AsyncSession, order_id: UUID, *, kind: HoldKind | None = None, by: str
) -> OrderView:
    """End the holds of this kind, or all; with the last one the order goes on from where it was.

    Raises
    ------
    UnknownOrder, IllegalMove, NoSuchHold
    """
    order = await load_order(session, order_id, lock=True)
    after = "accepted" if order.accepted_at else "received"
    if order.state != "on_hold":
        raise NoSuchHold(number=order.number, kind=kind or "open")
    standing = await open_holds(session, order)
    released = [hold for hold in standing if kind in (None, hold.kind)]
    if kind and not released:
        raise NoSuchHold(number=order.number, kind=kind)
    for hold in released:
        hold.released_at = clock.now()
        hold.released_by = by
        record(session, order, "released", by, reason=f"{hold.kind}: {hold.reason}")
    if len(released) == len(standing):
        move(session, order, after, by)
        emit(session, OrderReleased(order_id=order.id))
    await session.flush()
    return (await views_of(session, [order]))[0]


async def place_holds(
    session: AsyncSession, order: Order, reasons: list[tuple[HoldKind, str]], *, by: str
) -> None:
    """Let the locked order wait for all of these."""
    if order.state != "on_hold":
        ORDER.check(order.state, "on_hold")
    standing = {(hold.kind, hold.reason) for hold in await open_holds(session, order)}
    for kind, reason in dict.fromkeys(reasons):
        if (kind, reason) not in standing:
            session.add(
                OrderHold(
                    id=new_id(),
                    order_id=order.id,
                    kind=kind,
                    reason=reason,
                    placed_at=clock.now(),
                    placed_by=by,
                )
            )
            record(session, order, "held", by, reason=f"{kind}: {reason}")
    if order.state != "on_hold":
        move(session, order, "on_hold", by, reason=reasons[0][1])
    await session.flush()


async def open_holds(session: AsyncSession, order: Order) -> list[OrderHold]:
    """The rows themselves, within this room; the order is locked."""
    rows = await session.scalars(
        select(OrderHold)
        .where(OrderHold.order_id == order.id, OrderHold.released_at.is_(None))
        .order_by(OrderHold.id)
    )
    return list(rows)
