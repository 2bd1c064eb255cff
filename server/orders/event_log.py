"""The log of every change, and the moves of the life cycle that are written into it."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.orders.lifecycle import ORDER
from server.orders.models import Order, OrderEventRow


def record(
    session: AsyncSession,
    order: Order,
    what: str,
    by: str,
    *,
    changes: dict[str, tuple[Any, Any]] | None = None,
    reason: str = "",
) -> None:
    """Add one entry; see OrderLogEntry."""
    session.add(
        OrderEventRow(
            order_id=order.id,
            what=what,
            by=by,
            occurred_at=clock.now(),
            version=order.version,
            changes=msgspec.to_builtins(changes or {}),
            reason=reason,
        )
    )


def move(session: AsyncSession, order: Order, to: str, by: str, *, reason: str = "") -> None:
    """One move of the life cycle, logged; IllegalMove when it is not allowed."""
    ORDER.check(order.state, to)
    before, order.state = order.state, to
    if to == "accepted":
        order.accepted_at = order.accepted_at or clock.now()
    what = "cancelled" if to == "cancelled" else "moved"
    record(session, order, what, by, changes={"state": (before, to)}, reason=reason)
