"""Returns over HTTP: accounts ask for them, the company decides."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import Limit, Moment
from server.kit.paging import cut_page
from server.returns import service
from server.returns.views import ReturningParcel, ReturnState, ReturnView, Words

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="returns:read")
MAY_ASK = allow(*OFFICE, Role.ACCOUNT_USER, scope="returns:write")
MAY_DECIDE = allow(*OFFICE, scope="returns:decide")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]

# Litestar keeps the name `state` to itself.
StateQuery = Annotated[ReturnState | None, QueryParameter(name="state")]


class ReturnPage(msgspec.Struct):
    items: list[ReturnView]
    next: UUID | None


class Window(msgspec.Struct, forbid_unknown_fields=True):
    """When the goods may be collected."""

    window_start_at: Moment | None = None
    window_end_at: Moment | None = None


class ReturnRequest(Window, forbid_unknown_fields=True):
    """Which goods come back: those of a consignment or of an order; no parcels means all."""

    consignment_id: UUID | None = None
    order_id: UUID | None = None
    parcels: Annotated[tuple[ReturningParcel, ...], Meta(max_length=200)] = ()
    reason: Words = ""


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    reason: Words = ""


@get("/api/returns", guards=[MAY_READ])
async def list_returns(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    in_state: StateQuery = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ReturnPage:
    """Newest first."""
    own = principal.own_account_only()
    items = await service.list_returns(
        session, account_id=own, state=in_state, limit=limit + 1, after=after
    )
    return ReturnPage(*cut_page(items, limit))


@get("/api/returns/{return_id:uuid}", guards=[MAY_READ])
async def get_return(
    return_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ReturnView:
    return await service.get_return(session, return_id, account_id=principal.own_account_only())


@post("/api/returns", guards=[MAY_ASK])
async def ask_for_return(
    data: JSONBody[ReturnRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    idempotency_key: IdempotencyKey = None,
) -> ReturnView:
    """Booked at once when the company asks; else it waits for approval."""
    return await answer_once(
        session,
        scope=f"returns:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=ReturnView,
        act=lambda: _take(session, data, principal),
    )


async def _take(session: AsyncSession, data: ReturnRequest, principal: Principal) -> ReturnView:
    own = principal.own_account_only()
    asked = await service.request_return(
        session,
        consignment_id=data.consignment_id,
        order_id=data.order_id,
        parcels=data.parcels,
        reason=data.reason,
        by=principal.label,
        account_id=own,
    )
    if own is not None:
        return asked
    return await service.approve_return(
        session,
        asked.id,
        window_start_at=data.window_start_at,
        window_end_at=data.window_end_at,
        by=principal.label,
    )


@post("/api/returns/{return_id:uuid}/approve", guards=[MAY_DECIDE], status_code=200)
async def approve_return(
    return_id: FromPath[UUID],
    data: JSONBody[Window],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ReturnView:
    """Approve it and book its collection at the door."""
    return await service.approve_return(
        session,
        return_id,
        window_start_at=data.window_start_at,
        window_end_at=data.window_end_at,
        by=principal.label,
    )


@post("/api/returns/{return_id:uuid}/decline", guards=[MAY_DECIDE], status_code=200)
async def decline_return(
    return_id: FromPath[UUID],
    data: JSONBody[Reason],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ReturnView:
    return await service.decline_return(session, return_id, reason=data.reason, by=principal.label)


@post("/api/returns/{return_id:uuid}/cancel", guards=[MAY_ASK], status_code=200)
async def cancel_return(
    return_id: FromPath[UUID],
    data: JSONBody[Reason],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ReturnView:
    """Possible until the goods are collected."""
    own = principal.own_account_only()
    return await service.cancel_return(
        session, return_id, reason=data.reason, by=principal.label, account_id=own
    )


ROUTES: list[Any] = [
    list_returns,
    get_return,
    ask_for_return,
    approve_return,
    decline_return,
    cancel_return,
]
