"""The company's rules for orders, and its list of consignees that are not served unseen."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.ids import new_id
from server.kit.inputs import FilledLine, Line
from server.orders.errors import AlreadyBlocked, NothingToBlock, UnknownBlock
from server.orders.models import BlockedConsignee, Order, OrderRules
from server.orders.order import CashMinor

BlockKind = Literal["phone", "email", "place"]
Within = Annotated[int, Meta(ge=60, le=30 * 86_400)]


class RulesView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked at before an order is accepted, and what cancelling costs; null is off.

    duplicate_within_s: the same goods for the same consignee from another channel are held.
    repeat_within_s: likewise over the same channel, when one of the two has no number there.
    cash_limit_minor: cash on delivery above it is held; in the order's currency.
    new_place_orders: how many orders within an hour a place may get that never got one before.
    cancel_free_until_s: cancelling at a customer's wish is free until this long before the first
        window opens, and costs cancel_fee_minor (in the order's currency) afterwards.
    """

    duplicate_within_s: Within | None
    repeat_within_s: Within | None
    cash_limit_minor: CashMinor | None
    new_place_orders: Annotated[int, Meta(ge=1, le=10_000)] | None
    cancel_free_until_s: Annotated[int, Meta(ge=0, le=30 * 86_400)] | None
    cancel_fee_minor: CashMinor


class NewBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """value: a telephone number, an e-mail address, or the `place_key` of an order's consignee."""

    kind: BlockKind
    value: FilledLine
    reason: Line = ""


class BlockView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kind: BlockKind
    value: str
    reason: str
    created_at: datetime
    created_by: str


class BlockPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[BlockView]
    next: UUID | None


async def get_rules(session: AsyncSession) -> RulesView:
    row = await session.get_one(OrderRules, 1)
    return msgspec.convert(row, RulesView, from_attributes=True)


async def save_rules(session: AsyncSession, rules: RulesView, *, by: str) -> RulesView:
    """Orders that were accepted before are not looked at again."""
    row = await session.get_one(OrderRules, 1, with_for_update=True)
    before = msgspec.convert(row, RulesView, from_attributes=True)
    for name, value in msgspec.structs.asdict(rules).items():
        setattr(row, name, value)
    await record_audit(
        session,
        by=by,
        action="order_rules.changed",
        subject="order_rules:1",
        details={"from": before, "to": rules},
    )
    await session.flush()
    return rules


async def list_blocks(
    session: AsyncSession, *, limit: int = 50, after: UUID | None = None
) -> BlockPage:
    """Newest first."""
    query = select(BlockedConsignee).order_by(BlockedConsignee.id.desc()).limit(limit + 1)
    if after:
        query = query.where(BlockedConsignee.id < after)
    rows = (await session.scalars(query)).all()
    items = [msgspec.convert(row, BlockView, from_attributes=True) for row in rows[:limit]]
    return BlockPage(items=items, next=items[-1].id if len(rows) > limit else None)


async def block_consignee(session: AsyncSession, block: NewBlock, *, by: str) -> BlockView:
    """Let orders for this consignee wait for a person from now on.

    Raises
    ------
    NothingToBlock, AlreadyBlocked
    """
    value = block_value(block.kind, block.value)
    if not value:
        raise NothingToBlock(field="value", kind=block.kind)
    row = await session.scalar(
        insert(BlockedConsignee)
        .values(
            id=new_id(),
            kind=block.kind,
            value=value,
            reason=block.reason,
            created_at=clock.now(),
            created_by=by,
        )
        .on_conflict_do_nothing()
        .returning(BlockedConsignee)
    )
    if row is None:
        raise AlreadyBlocked(kind=block.kind, value=value)
    await record_audit(
        session,
        by=by,
        action="consignee.blocked",
        subject=f"block:{row.id}",
        details={"kind": block.kind, "reason": block.reason},
    )
    return msgspec.convert(row, BlockView, from_attributes=True)


async def unblock_consignee(session: AsyncSession, block_id: UUID, *, by: str) -> None:
    gone = await session.scalar(
        delete(BlockedConsignee)
        .where(BlockedConsignee.id == block_id)
        .returning(BlockedConsignee.id)
    )
    if gone is None:
        raise UnknownBlock(block_id=block_id)
    await record_audit(session, by=by, action="consignee.unblocked", subject=f"block:{block_id}")


async def blocks_of(
    session: AsyncSession, orders: Sequence[Order]
) -> dict[UUID, list[BlockedConsignee]]:
    """What of each order's consignee is on the list, within this room."""
    said = {order.id: _consignee_of(order) for order in orders}
    named = {block for blocks in said.values() for block in blocks}
    rows = await session.scalars(
        select(BlockedConsignee)
        .where(tuple_(BlockedConsignee.kind, BlockedConsignee.value).in_(sorted(named)))
        .order_by(BlockedConsignee.id)
    )
    blocked = rows.all()
    return {
        order_id: [row for row in blocked if (row.kind, row.value) in blocks]
        for order_id, blocks in said.items()
    }


def _consignee_of(order: Order) -> set[tuple[str, str]]:
    """By what it may be blocked: kinds and values."""
    said = {
        "phone": order.consignee_phone,
        "email": order.consignee_email,
        "place": order.consignee_place_key,
    }
    return {(kind, value) for kind, text in said.items() if (value := block_value(kind, text))}


def block_value(kind: str, text: str) -> str:
    """As it is compared: a number by its digits, an address in lower case."""
    match kind:
        case "phone":
            return phone_digits(text)
        case "email":
            return text.strip().casefold()
        case _:
            return text.strip()


def phone_digits(phone: str) -> str:
    """0041 and +41 are one; see models.PHONE_DIGITS, which does the same."""
    return re.sub("[^0-9]", "", phone).removeprefix("00")
