"""The warehouse's work over HTTP: goods come in, are counted, moved, sent back. What moves stock
takes an Idempotency-Key, so that a repeated request moves it once."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.inventory import corrections, receiving, returned
from server.inventory.errors import UnknownAccountForSku
from server.inventory.receiving import Received
from server.inventory.stock import (
    Component,
    Count,
    Disposition,
    PurchaseNoteView,
    Quantity,
    ReturnedGoodsView,
    Serials,
)
from server.kit.idempotency import answer_once
from server.kit.inputs import FilledLine, Limit, Line
from server.kit.paging import cut_page

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="stock:read")
MAY_WORK = allow(Role.ADMIN, Role.CLERK, Role.WAREHOUSE, scope="stock:write")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Lot = FilledLine | None


class Receipt(msgspec.Struct, forbid_unknown_fields=True):
    """note_id: the purchase note on which the goods are ticked off."""

    account_id: UUID
    location_id: UUID
    goods: Annotated[list[Received], Meta(min_length=1, max_length=500)]
    note_id: UUID | None = None


class Adjustment(msgspec.Struct, forbid_unknown_fields=True):
    """change: units found, or lost when negative."""

    sku_id: UUID
    location_id: UUID
    change: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
    reason: FilledLine
    lot: Lot = None
    serials: Serials = ()


class CountReport(msgspec.Struct, forbid_unknown_fields=True):
    sku_id: UUID
    location_id: UUID
    counted: Count
    lot: Lot = None
    reason: FilledLine = "counted"


class CountResult(msgspec.Struct, frozen=True):
    """change: how many units more were there than in the books, or fewer when negative."""

    change: int


class Transfer(msgspec.Struct, forbid_unknown_fields=True):
    sku_id: UUID
    from_location_id: UUID
    to_location_id: UUID
    quantity: Quantity
    lot: Lot = None
    serials: Serials = ()
    reason: Line = ""


class NewPurchaseNote(msgspec.Struct, forbid_unknown_fields=True):
    account_id: UUID
    number: FilledLine
    supplier: FilledLine
    lines: Annotated[list[Component], Meta(min_length=1, max_length=500)]
    expected_on: date | None = None


class ReturnReceipt(msgspec.Struct, forbid_unknown_fields=True):
    return_line_id: UUID
    sku_id: UUID
    quantity: Quantity
    lot: Lot = None
    serials: Serials = ()


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """location_id: the shelf, for goods to restock or to quarantine."""

    disposition: Disposition
    location_id: UUID | None = None


class PurchaseNotePage(msgspec.Struct, frozen=True):
    items: list[PurchaseNoteView]
    next: UUID | None


class Done(msgspec.Struct, frozen=True):
    """It is in the books."""

    done: bool = True


Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


@post("/api/stock/receipts", guards=[MAY_WORK])
async def receive_stock(
    data: JSONBody[Receipt],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> Done:
    """Goods of a supplier come to a shelf: all of them, or none."""
    refuse_others(principal, data.account_id)
    act = doing(receiving.receive_stock, session, data, by=principal.label)
    return await once(session, principal, data, key=idempotency_key, act=act)


@post("/api/stock/adjustments", guards=[MAY_WORK])
async def adjust_stock(
    data: JSONBody[Adjustment],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> Done:
    """Units were found, or are gone."""
    own = principal.own_account_only()
    act = doing(corrections.adjust_stock, session, data, account_id=own, by=principal.label)
    return await once(session, principal, data, key=idempotency_key, act=act)


@post("/api/stock/transfers", guards=[MAY_WORK])
async def transfer_stock(
    data: JSONBody[Transfer],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> Done:
    """Free units go to another shelf; between warehouses first to TRANSIT, then out of it."""
    own = principal.own_account_only()
    act = doing(corrections.transfer_stock, session, data, account_id=own, by=principal.label)
    return await once(session, principal, data, key=idempotency_key, act=act)


@post("/api/stock/counts", guards=[MAY_WORK])
async def count_stock(
    data: JSONBody[CountReport], session: Session, principal: Caller
) -> CountResult:
    """The books become what was counted; told twice, it changes nothing more."""
    own = principal.own_account_only()
    count = doing(corrections.count_stock, session, data, account_id=own, by=principal.label)
    return CountResult(await count())


@get("/api/purchase-notes", guards=[MAY_READ])
async def list_purchase_notes(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> PurchaseNotePage:
    """Newest first."""
    account_id = principal.own_account_only() or account
    found = await receiving.list_purchase_notes(
        session, account_id=account_id, after=after, limit=limit + 1
    )
    return PurchaseNotePage(*cut_page(found, limit))


@get("/api/purchase-notes/{note_id:uuid}", guards=[MAY_READ])
async def get_purchase_note(
    note_id: FromPath[UUID], session: Session, principal: Caller
) -> PurchaseNoteView:
    own = principal.own_account_only()
    return await receiving.get_purchase_note(session, note_id, account_id=own)


@post("/api/purchase-notes", guards=[MAY_WORK])
async def create_purchase_note(
    data: JSONBody[NewPurchaseNote], session: Session, principal: Caller
) -> PurchaseNoteView:
    """Note what a supplier was asked to send."""
    refuse_others(principal, data.account_id)
    return await doing(receiving.create_purchase_note, session, data)()


@post("/api/stock/returned", guards=[MAY_WORK])
async def receive_returned(
    data: JSONBody[ReturnReceipt], session: Session, principal: Caller
) -> ReturnedGoodsView:
    """Goods of a return line are here, to be inspected; told twice, they come once."""
    own = principal.own_account_only()
    return await doing(
        returned.receive_returned, session, data, account_id=own, by=principal.label
    )()


@post("/api/stock/returned/{return_line_id:uuid}/decision", guards=[MAY_WORK], status_code=200)
async def decide_returned(
    return_line_id: FromPath[UUID],
    data: JSONBody[Decision],
    session: Session,
    principal: Caller,
) -> ReturnedGoodsView:
    """What becomes of the goods of a return line; told twice, it happens once."""
    who = {"account_id": principal.own_account_only(), "by": principal.label}
    decide = returned.decide_returned
    return await doing(decide, session, data, return_line_id=return_line_id, **who)()


def refuse_others(principal: Principal, account_id: UUID) -> None:
    """To those who are confined to one account, others do not exist."""
    if principal.own_account_only() not in (None, account_id):
        raise UnknownAccountForSku(account_id=account_id)


def doing[T](
    use_case: Callable[..., Awaitable[T]],
    session: AsyncSession,
    data: msgspec.Struct,
    **more: Any,
) -> Callable[[], Awaitable[T]]:
    """The use case with the fields of the request, to be called."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    return lambda: use_case(session, **fields, **more)


async def once(
    session: AsyncSession,
    principal: Principal,
    data: msgspec.Struct,
    *,
    key: str | None,
    act: Callable[[], Awaitable[None]],
) -> Done:
    """Act once for this key of this caller."""

    async def acted() -> Done:
        await act()
        return Done()

    return await answer_once(
        session,
        scope=f"stock:{principal.label}",
        key=key,
        body=[type(data).__name__, data],
        answer_type=Done,
        act=acted,
    )


WORK_ROUTES = [
    receive_stock,
    adjust_stock,
    transfer_stock,
    count_stock,
    list_purchase_notes,
    get_purchase_note,
    create_purchase_note,
    receive_returned,
    decide_returned,
]
