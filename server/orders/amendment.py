"""Changing orders that have not been shipped."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.outbox import emit
from server.kit.settings import UTC_ZONE
from server.orders.capture import columns_of, set_lines, with_windows
from server.orders.errors import (
    AlreadyShipped,
    OrderChanged,
    OrderIsCancelled,
    PickingBegan,
    ReplacesGoods,
)
from server.orders.event_log import record
from server.orders.events import OrderAmended
from server.orders.lifecycle import UNTIL_SHIPPED
from server.orders.listing import load_order, order_history, view_of, views_of
from server.orders.models import Order, OrderLineRow
from server.orders.order import OrderChanges, OrderDraft, OrderView
from server.orders.rules import WINDOWS


async def amend_order(
    session: AsyncSession,
    order_id: UUID,
    changes: OrderChanges,
    *,
    expected_version: int,
    by: str,
    account_id: UUID | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> OrderView:
    """Make the order as `changes` say, as long as it has not been shipped.

    Raises
    ------
    OrderChanged
        When somebody else amended it since `expected_version`; it says what changed.
    """
    order = await load_order(session, order_id, account_id=account_id, lock=True)
    require_not_shipped(order)
    await require_version(session, order, expected_version)
    view = (await views_of(session, [order]))[0]
    wanted = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    changed = tuple(name for name, value in wanted.items() if value != getattr(view, name))
    if not changed:
        return view
    if "lines" in changed:
        require_no_exchange(order)
        require_not_picking(order)
    draft = draft_of(view, **wanted)
    if "service_level" in changed and not set(WINDOWS).intersection(wanted):
        draft = msgspec.structs.replace(draft, **dict.fromkeys(WINDOWS))
    draft = await with_windows(
        session, draft, zone, check=bool(set(changed).intersection({*WINDOWS, "service_level"}))
    )
    return await rewrite(session, order, view, draft, what="amended", by=by)


async def rewrite(
    session: AsyncSession,
    order: Order,
    before: OrderView,
    draft: OrderDraft,
    *,
    what: str,
    by: str,
) -> OrderView:
    """Make the locked order what the draft says, log `what` happened, and tell it.

    Who asks for more than was accepted is looked at again before a held order goes on.
    """
    value_minor = order.value_minor
    for name, value in columns_of(draft).items():
        setattr(order, name, value)
    if order.state == "on_hold" and order.value_minor > value_minor:
        order.accepted_at = None
    order.version += 1
    if draft.lines != before.lines:
        await session.execute(delete(OrderLineRow).where(OrderLineRow.order_id == order.id))
        set_lines(session, order, draft.lines)
    after = view_of(order, draft.lines, before.holds)
    different = {name: _difference(before, after, name) for name in _different(before, after)}
    record(session, order, what, by, changes=different)
    emit(session, OrderAmended(order_id=order.id, changed=tuple(different)))
    await session.flush()
    return after


def require_not_shipped(order: Order) -> None:
    if order.state == "cancelled":
        raise OrderIsCancelled(number=order.number)
    if order.state not in UNTIL_SHIPPED:
        raise AlreadyShipped(number=order.number, state=order.state)


def require_not_picking(order: Order) -> None:
    if order.picking_began_at:
        raise PickingBegan(number=order.number)


def require_no_exchange(order: Order) -> None:
    """The difference was reckoned, and perhaps paid, for these very goods."""
    if order.origin == "exchange":
        raise ReplacesGoods(number=order.number)


def draft_of(view: OrderView, **changes: Any) -> OrderDraft:
    """What was asked for, with these fields different."""
    fields = set(OrderDraft.__struct_fields__).intersection(OrderView.__struct_fields__)
    return OrderDraft(**{name: getattr(view, name) for name in fields} | changes)


def _different(before: OrderView, after: OrderView) -> list[str]:
    return [
        name
        for name in OrderChanges.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    ]


def _difference(before: OrderView, after: OrderView, name: str) -> tuple[Any, Any]:
    if name == "pin":  # who reads the log need not know it
        return ("***" if before.pin else None, "***" if after.pin else None)
    return (msgspec.to_builtins(getattr(before, name)), msgspec.to_builtins(getattr(after, name)))


async def require_version(session: AsyncSession, order: Order, expected_version: int) -> None:
    """Refuse to change what the caller has not seen."""
    if order.version == expected_version:
        return
    since = await order_history(session, order.id, after_version=expected_version)
    changes: dict[str, list[object]] = {}
    for entry in since:
        for name, (before, after) in entry.changes.items():
            changes[name] = [changes.get(name, [before])[0], after]
    raise OrderChanged(
        expected_version=expected_version,
        version=order.version,
        changed=", ".join(changes) or "nothing",
        changes=changes,
    )
