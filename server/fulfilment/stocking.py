"""Orders get the goods that they need, or wait for them until there is enough."""

from collections import defaultdict
from functools import partial
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.events import StockCame
from server.fulfilment.models import StockWait
from server.fulfilment.sourcing_rules import rule_for
from server.inventory import service as inventory
from server.inventory.service import NotEnoughStock, OrderStock, UnknownSku, Wanted
from server.kit.geo import Position
from server.kit.outbox import emit
from server.orders import service as orders
from server.orders.service import OrderView
from server.places import service as places

BY = "fulfilment"
BY_ITSELF = "The order goes on by itself when there is enough."
NOTHING = OrderStock(allocations=(), backorders=())


async def keeps_goods_of(session: AsyncSession, order: OrderView) -> bool:
    """Whether the order is filled from our shelves. What accounts without SKUs send, and courier
    bookings, come to us packed."""
    return bool(order.lines) and await inventory.keeps_stock(session, order.account_id)


async def set_stock_aside(session: AsyncSession, order: OrderView) -> OrderStock | None:
    """What is set aside for the locked order; None when it has to wait, which is noted."""
    if not order.lines:
        return NOTHING
    try:
        # What it refuses has changed nothing, so there is nothing to roll back.
        stock = await inventory.allocate_stock(
            session,
            order_id=order.id,
            account_id=order.account_id,
            lines=wanted_by(order),
            rule=partial(rule_for, session, order.account_id),
            near=partial(position_of, session, order),
        )
    except NotEnoughStock as short:
        needs = {each["sku"]: each["wanted"] for each in short.details["short"]}
        await _wait(session, order, needs, f"{short.message} {BY_ITSELF}")
        return None
    except UnknownSku as unknown:
        if not await keeps_goods_of(session, order):
            return NOTHING
        needs = {line.sku: line.quantity for line in order.lines}
        await _wait(session, order, needs, f"{unknown.message} Then release the order.")
        return None
    if stock.backorders:
        needs = await _backordered(session, stock)
        named = ", ".join(f"{quantity} x {sku}" for sku, quantity in needs.items())
        await _wait(session, order, needs, f"{named} on backorder. {BY_ITSELF}")
        return None
    await end_wait(session, order.id)
    return stock


def wanted_by(order: OrderView) -> list[Wanted]:
    return [
        Wanted(line=number, sku=line.sku, quantity=line.quantity)
        for number, line in enumerate(order.lines, 1)
    ]


async def position_of(session: AsyncSession, order: OrderView) -> Position | None:
    """Where the goods go, so that the nearest warehouse sends them."""
    found = await places.get_places(session, [order.consignee.place_id])
    return found[order.consignee.place_id].position


async def retry_order(session: AsyncSession, order_id: UUID) -> None:
    """Let an order that waits for stock go on if there is enough by now. Somebody else's hold on
    it stands."""
    order = await orders.get_order(session, order_id, lock=True)
    if order.state != "on_hold" or not await is_waiting(session, order_id):
        return
    has_stock = await set_stock_aside(session, order) is not None
    if has_stock and any(hold.kind == "stock" for hold in order.holds):
        await orders.release_order(session, order_id, kind="stock", by=BY)


async def is_waiting(session: AsyncSession, order_id: UUID) -> bool:
    return bool(
        await session.scalar(select(StockWait.sku).where(StockWait.order_id == order_id).limit(1))
    )


async def wait_as_it_was(session: AsyncSession, order: OrderView, short: NotEnoughStock) -> None:
    """An amended order keeps what it has until there is enough for what it asks for now."""
    stock = await inventory.stock_of_order(session, order.id)
    skus = await inventory.get_skus(session, {each.sku_id for each in stock.allocations})
    has: dict[str, int] = defaultdict(int)
    for each in stock.allocations:
        if each.state == "allocated":
            has[skus[each.sku_id].code] += each.quantity
    needs = {
        each["sku"]: each["wanted"] - has[each["sku"]]
        for each in short.details["short"]
        if each["wanted"] > has[each["sku"]]
    }
    await _wait_for(session, order, needs)


async def end_wait(session: AsyncSession, order_id: UUID) -> None:
    await session.execute(delete(StockWait).where(StockWait.order_id == order_id))


async def next_waiting(
    session: AsyncSession, *, account_id: UUID, sku: str, available: int, after: UUID | None
) -> UUID | None:
    """The order that waits longest for this SKU and would have enough of it now."""
    query = select(StockWait.order_id).where(
        StockWait.account_id == account_id,
        StockWait.sku == sku,
        StockWait.quantity <= available,
    )
    if after:
        query = query.where(StockWait.order_id > after)
    return await session.scalar(query.order_by(StockWait.order_id).limit(1))


async def call_all_waiting(session: AsyncSession) -> None:
    """For what no event tells: a hold that ran out, or safety stock that was given up."""
    rows = await session.execute(select(StockWait.account_id, StockWait.sku).distinct())
    for account_id, sku in rows:
        emit(session, StockCame(account_id=account_id, sku=sku))


async def _wait(
    session: AsyncSession, order: OrderView, needs: dict[str, int], reason: str
) -> None:
    await _wait_for(session, order, needs)
    if order.state == "accepted":
        await orders.hold_order(session, order.id, reason, kind="stock", by=BY)


async def _wait_for(session: AsyncSession, order: OrderView, needs: dict[str, int]) -> None:
    await end_wait(session, order.id)
    session.add_all(
        StockWait(order_id=order.id, sku=sku, account_id=order.account_id, quantity=quantity)
        for sku, quantity in needs.items()
    )
    await session.flush()


async def _backordered(session: AsyncSession, stock: OrderStock) -> dict[str, int]:
    skus = await inventory.get_skus(session, {each.sku_id for each in stock.backorders})
    needs: dict[str, int] = defaultdict(int)
    for each in stock.backorders:
        needs[skus[each.sku_id].code] += each.quantity
    return needs
