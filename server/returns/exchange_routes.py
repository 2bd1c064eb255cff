"""Exchanges over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.blobs import Blobs
from server.kit.idempotency import answer_once
from server.kit.inputs import Limit, Line
from server.kit.paging import cut_page
from server.kit.settings import Settings
from server.returns import service
from server.returns.photos import check_photos
from server.returns.views import (
    ExchangeRequest,
    ExchangeState,
    ExchangeView,
    Settlement,
    Words,
)

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="returns:read")
MAY_ASK = allow(*OFFICE, Role.ACCOUNT_USER, scope="returns:write")
MAY_TAKE_MONEY = allow(Role.ADMIN, Role.CLERK, scope="returns:decide")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
StateQuery = Annotated[ExchangeState | None, QueryParameter(name="state")]


class Payment(msgspec.Struct, forbid_unknown_fields=True):
    """settlement: paid (reference says where), or to be charged to the account."""

    settlement: Settlement
    reference: Line = ""


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """keep_return: the old goods come back all the same, for a refund."""

    keep_return: bool = False
    reason: Words = ""


class ExchangePage(msgspec.Struct, frozen=True):
    items: list[ExchangeView]
    next: UUID | None


Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


@post("/api/exchanges", guards=[MAY_ASK])
async def create_exchange(
    data: JSONBody[ExchangeRequest],
    session: Session,
    principal: Caller,
    settings: NamedDependency[Settings],
    blobs: NamedDependency[Blobs],
    *,
    idempotency_key: IdempotencyKey = None,
) -> ExchangeView:
    """Old goods back and new ones out; the new ones are set aside at once, or it is refused."""
    check_photos(blobs, data.goods)
    own = principal.own_account_only()
    return await answer_once(
        session,
        scope=f"exchanges:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=ExchangeView,
        act=lambda: service.create_exchange(
            session,
            data,
            by=principal.label,
            account_id=own,
            lenient=own is None,
            zone=settings.timezone,
        ),
    )


@get("/api/exchanges", guards=[MAY_READ])
async def list_exchanges(
    session: Session,
    principal: Caller,
    *,
    in_state: StateQuery = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ExchangePage:
    """Newest first."""
    own = principal.own_account_only()
    found = await service.list_exchanges(
        session, account_id=own, state=in_state, after=after, limit=limit + 1
    )
    return ExchangePage(*cut_page(found, limit))


@get("/api/exchanges/{exchange_id:uuid}", guards=[MAY_READ])
async def get_exchange(
    exchange_id: FromPath[UUID], session: Session, principal: Caller
) -> ExchangeView:
    own = principal.own_account_only()
    return await service.get_exchange(session, exchange_id, account_id=own)


@post("/api/exchanges/{exchange_id:uuid}/payment", guards=[MAY_TAKE_MONEY], status_code=200)
async def pay_difference(
    exchange_id: FromPath[UUID], data: JSONBody[Payment], session: Session, principal: Caller
) -> ExchangeView:
    """The difference was paid or is charged to the account; the replacement may go out."""
    own = principal.own_account_only()
    payment = msgspec.structs.asdict(data)
    return await service.pay_difference(
        session, exchange_id, **payment, by=principal.label, account_id=own
    )


@post("/api/exchanges/{exchange_id:uuid}/cancel", guards=[MAY_ASK], status_code=200)
async def cancel_exchange(
    exchange_id: FromPath[UUID], data: JSONBody[Withdrawal], session: Session, principal: Caller
) -> ExchangeView:
    """Possible until the replacement has left; its stock is free again."""
    own = principal.own_account_only()
    what = msgspec.structs.asdict(data)
    return await service.cancel_exchange(
        session, exchange_id, **what, by=principal.label, account_id=own
    )


EXCHANGE_ROUTES: list[Any] = [
    create_exchange,
    list_exchanges,
    get_exchange,
    pay_difference,
    cancel_exchange,
]
