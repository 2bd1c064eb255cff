"""Setting stock aside for orders, and freeing it again."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.availability import distances_m, free_shelves, held_by_sku
from server.inventory.changing import changing_stock, tell_shortage
from server.inventory.claims import (
    Demand,
    claimed_on,
    demands_of,
    locked_demands,
    refuse_shortage,
    share_out,
    store_claims,
    summed,
)
from server.inventory.errors import (
    AlreadyPicked,
    NotEnoughStock,
    UnknownAllocation,
    UnknownSku,
)
from server.inventory.events import StockAllocated, StockReleased
from server.inventory.holds import close_hold
from server.inventory.ledger import change_levels
from server.inventory.lifecycle import ALLOCATION, OPEN
from server.inventory.models import Allocation, Backorder, Sku
from server.inventory.sourcing import FreeShelf, Take, choose_shelves
from server.inventory.stock import (
    AllocationView,
    BackorderView,
    OrderStock,
    SourcingRule,
    Wanted,
)
from server.kit import clock
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.outbox import emit

AskRule = Callable[[], Awaitable[SourcingRule]]
Whereabouts = Callable[[], Awaitable[Position | None]]


class StockRequest(NamedTuple):
    """What one order needs. rule, near: see `allocate_stock`."""

    order_id: UUID
    account_id: UUID
    lines: Sequence[Wanted]
    rule: SourcingRule | AskRule = "fewest_splits"
    near: Whereabouts | None = None


async def allocate_stock(
    session: AsyncSession,
    *,
    order_id: UUID,
    account_id: UUID,
    lines: Sequence[Wanted],
    hold_id: UUID | None = None,
    rule: SourcingRule | AskRule = "fewest_splits",
    near: Whereabouts | None = None,
) -> OrderStock:
    """Set aside all that the order needs, or nothing; what may be backordered may come later.

    Asked again for the same order, it answers what stands. `hold_id`: a hold of the buyer, which
    the order uses up whether it has expired or not. Refused without a hold, it has written nothing.
    `rule`, `near`: which warehouse is best, and where the goods go; what is a question is asked
    only when there are several warehouses to choose from.

    Raises
    ------
    NotEnoughStock
        With every SKU that is short, what was wanted and what is available.
    UnknownSku, UnknownHold, HoldOver
    """
    ((demands,), skus) = await locked_demands(session, [(account_id, lines)])
    if isinstance(demands, UnknownSku):
        raise demands
    if await _standing(session, [order_id]):
        return await stock_of_order(session, order_id)
    if hold_id:
        await close_hold(session, hold_id, account_id=account_id)
    done = await _allocate(session, [_Asked(order_id, demands, rule, near)], skus)
    tell_shortage(session, skus, before=done.free_before, after=done.free_after)
    return _granted(done.stocks[order_id])


async def allocate_many(
    session: AsyncSession,
    requests: Sequence[StockRequest],
) -> dict[UUID, OrderStock | NotEnoughStock | UnknownSku]:
    """Several orders in as few statements as one, served in the order in which they are given: for
    each what `allocate_stock` would answer, or why it is refused. A refused one takes nothing."""
    if not requests:
        return {}
    found, skus = await locked_demands(
        session, [(each.account_id, each.lines) for each in requests]
    )
    standing = await _standing(session, [each.order_id for each in requests])
    answers: dict[UUID, OrderStock | NotEnoughStock | UnknownSku] = {}
    asked = []
    for request, demands in zip(requests, found, strict=True):
        if isinstance(demands, UnknownSku):
            answers[request.order_id] = demands
        elif request.order_id in standing:
            answers[request.order_id] = await stock_of_order(session, request.order_id)
        else:
            asked.append(_Asked(request.order_id, demands, request.rule, request.near))
    if asked:
        done = await _allocate(session, asked, skus)
        tell_shortage(session, skus, before=done.free_before, after=done.free_after)
        answers |= done.stocks
    return answers


async def reallocate_stock(
    session: AsyncSession,
    *,
    order_id: UUID,
    account_id: UUID,
    lines: Sequence[Wanted],
    rule: SourcingRule | AskRule = "fewest_splits",
    near: Whereabouts | None = None,
) -> OrderStock:
    """Set aside what the amended order needs instead of what it needed before; on a refusal
    nothing changes.

    Raises
    ------
    AlreadyPicked, NotEnoughStock, UnknownSku
    """
    demands = await demands_of(session, account_id, lines)
    before = await _skus_of_order(session, order_id)
    async with session.begin_nested(), changing_stock(session, {*summed(demands), *before}) as skus:
        rows = await open_allocations(session, order_id)
        if any(each.state == "picked" for each in rows):
            raise AlreadyPicked
        await _close_backorders(session, order_id)
        await free_allocations(session, rows)
        needed = {sku_id: skus[sku_id] for sku_id in summed(demands)}
        done = await _allocate(session, [_Asked(order_id, demands, rule, near)], needed)
        _granted(done.stocks[order_id])
    return await stock_of_order(session, order_id)


async def release_stock(session: AsyncSession, order_id: UUID) -> OrderStock:
    """Free what is set aside for an order that is given up, as often as it is asked.

    What is picked already stays claimed until it is put back on its shelf: see `put_back`.
    """
    async with changing_stock(session, await _skus_of_order(session, order_id)):
        await _close_backorders(session, order_id)
        rows = await open_allocations(session, order_id)
        await free_allocations(session, [each for each in rows if each.state == "allocated"])
    return await stock_of_order(session, order_id)


async def stock_of_order(
    session: AsyncSession, order_id: UUID, *, account_id: UUID | None = None
) -> OrderStock:
    """All that was ever set aside for the order, and what it waits for; with `account_id` only
    what is that account's."""
    allocations = (
        select(Allocation)
        .where(Allocation.order_id == order_id)
        .order_by(Allocation.id)
        .execution_options(populate_existing=True)
    )
    backorders = (
        select(Backorder)
        .where(Backorder.order_id == order_id, Backorder.closed_at.is_(None))
        .order_by(Backorder.id)
    )
    if account_id:
        own = select(Sku.id).where(Sku.account_id == account_id)
        allocations = allocations.where(Allocation.sku_id.in_(own))
        backorders = backorders.where(Backorder.sku_id.in_(own))
    return _view(
        (await session.scalars(allocations)).all(), (await session.scalars(backorders)).all()
    )


def _view(allocations: Iterable[Allocation], backorders: Iterable[Backorder]) -> OrderStock:
    return OrderStock(
        allocations=tuple(
            msgspec.convert(row, AllocationView, from_attributes=True) for row in allocations
        ),
        backorders=tuple(
            msgspec.convert(row, BackorderView, from_attributes=True) for row in backorders
        ),
    )


async def set_aside_for(session: AsyncSession, order_ids: Collection[UUID]) -> list[AllocationView]:
    """What is allocated to these orders or picked for them, and in the house."""
    rows = await session.scalars(
        select(Allocation)
        .where(Allocation.order_id.in_(order_ids), Allocation.state.in_(OPEN))
        .order_by(Allocation.id)
        .execution_options(populate_existing=True)
    )
    return [msgspec.convert(row, AllocationView, from_attributes=True) for row in rows]


async def _standing(session: AsyncSession, order_ids: Collection[UUID]) -> set[UUID]:
    """Those of the orders for which something is or was set aside, or which wait for something."""
    allocated = select(Allocation.order_id).where(
        Allocation.order_id.in_(order_ids), Allocation.state != "released"
    )
    waiting = select(Backorder.order_id).where(
        Backorder.order_id.in_(order_ids), Backorder.closed_at.is_(None)
    )
    return set(await session.scalars(allocated.union(waiting)))


async def open_allocations(session: AsyncSession, order_id: UUID) -> list[Allocation]:
    """The rows themselves, within this room."""
    rows = await session.scalars(
        select(Allocation)
        .where(Allocation.order_id == order_id, Allocation.state.in_(OPEN))
        .order_by(Allocation.id)
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def load_allocations(
    session: AsyncSession, allocation_ids: Collection[UUID]
) -> list[Allocation]:
    rows = await session.scalars(
        select(Allocation)
        .where(Allocation.id.in_(allocation_ids))
        .order_by(Allocation.id)
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows}
    for each in allocation_ids:
        if each not in found:
            raise UnknownAllocation(allocation_id=each)
    return list(found.values())


async def free_allocations(session: AsyncSession, rows: Sequence[Allocation]) -> None:
    """Give the claims back to their shelves."""
    for each in rows:
        ALLOCATION.check(each.state, "released")
        each.state = "released"
        each.changed_at = clock.now()
    await change_levels(
        session, allocated={shelf: -claimed for shelf, claimed in claimed_on(rows).items()}
    )
    for order_id in dict.fromkeys(each.order_id for each in rows):
        ids = tuple(each.id for each in rows if each.order_id == order_id)
        emit(session, StockReleased(order_id=order_id, allocation_ids=ids))
    await session.flush()


class _Asked(NamedTuple):
    order_id: UUID
    demands: Sequence[Demand]
    rule: SourcingRule | AskRule
    near: Whereabouts | None


class _Allocated(NamedTuple):
    """free_before, free_after: SKU -> units that nobody had claimed."""

    stocks: dict[UUID, OrderStock | NotEnoughStock]
    free_before: dict[UUID, int]
    free_after: dict[UUID, int]


def _granted(answer: OrderStock | NotEnoughStock) -> OrderStock:
    if isinstance(answer, NotEnoughStock):
        raise answer
    return answer


async def _allocate(
    session: AsyncSession, asked: Sequence[_Asked], skus: Mapping[UUID, Sku]
) -> _Allocated:
    """Each order in turn from what those before it have left. The SKUs are locked."""
    shelves: dict[UUID, list[FreeShelf]] = defaultdict(list)
    for each in await free_shelves(session, skus.keys()):
        shelves[each.shelf.sku_id].append(each)
    held = await held_by_sku(session, skus.keys())
    free_before = {sku_id: sum(each.free for each in shelves[sku_id]) for sku_id in skus}
    free = dict(free_before)
    stocks: dict[UUID, OrderStock | NotEnoughStock] = {}
    claimed: list[Allocation] = []
    for order_id, demands, rule, near in asked:
        wanted = summed(demands)
        available = {
            sku_id: free[sku_id] - held[sku_id] - skus[sku_id].safety_stock for sku_id in wanted
        }
        firm = {
            sku_id: quantity
            for sku_id, quantity in wanted.items()
            if not skus[sku_id].backorder_allowed
        }
        try:
            refuse_shortage(skus, firm, available)
        except NotEnoughStock as short:
            stocks[order_id] = short
            continue
        granted = {
            sku_id: min(quantity, max(available[sku_id], 0)) for sku_id, quantity in wanted.items()
        }
        here = [each for sku_id in wanted for each in shelves[sku_id] if each.free > 0]
        several = len({each.warehouse_id for each in here}) > 1
        distance_m = await distances_m(session, await near()) if several and near else {}
        chosen: SourcingRule = "priority"  # all the same with one
        if several:
            chosen = rule if isinstance(rule, str) else await rule()
        takes = choose_shelves(granted, here, rule=chosen, distance_m=distance_m)
        for take in takes:
            _take(shelves[take.shelf.sku_id], take)
            free[take.shelf.sku_id] -= take.quantity
        allocations, lacking = share_out(order_id, demands, takes)
        backorders = [
            Backorder(id=new_id(), order_id=order_id, **demand._asdict(), created_at=clock.now())
            for demand in lacking
        ]
        claimed += allocations
        session.add_all(backorders)
        ids = tuple(each.id for each in allocations)
        emit(
            session,
            StockAllocated(order_id=order_id, allocation_ids=ids, backordered=bool(lacking)),
        )
        stocks[order_id] = _view(allocations, backorders)
    await store_claims(session, claimed)
    return _Allocated(stocks, free_before, free)


def _take(shelves: list[FreeShelf], take: Take) -> None:
    for number, each in enumerate(shelves):
        if each.shelf == take.shelf:
            shelves[number] = each._replace(free=each.free - take.quantity)


async def _skus_of_order(session: AsyncSession, order_id: UUID) -> set[UUID]:
    allocated = select(Allocation.sku_id).where(
        Allocation.order_id == order_id, Allocation.state.in_(OPEN)
    )
    waiting = select(Backorder.sku_id).where(
        Backorder.order_id == order_id, Backorder.closed_at.is_(None)
    )
    return set(await session.scalars(allocated.union(waiting)))


async def _close_backorders(session: AsyncSession, order_id: UUID) -> None:
    rows = await session.scalars(
        select(Backorder)
        .where(Backorder.order_id == order_id, Backorder.closed_at.is_(None))
        .execution_options(populate_existing=True)
    )
    for row in rows:
        row.closed_at = clock.now()
    await session.flush()
