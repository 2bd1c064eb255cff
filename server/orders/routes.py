"""Orders over HTTP. They come in and are amended through channels."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.inputs import Limit, Line, SearchText, check_zone
from server.orders import desk_routes, service
from server.orders.order import (
    CancelCode,
    HoldKind,
    OrderLogEntry,
    OrderPage,
    OrderState,
    OrderView,
)
from server.orders.service_levels import ServiceLevelView

InState = Annotated[OrderState | None, QueryParameter(name="state")]
"""Litestar keeps the name `state` of a parameter for itself."""

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="orders:read")
MAY_CANCEL = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:write")
MAY_HOLD = allow(*OFFICE, scope="orders:write")


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    reason: Line = ""


class Cancellation(msgspec.Struct, forbid_unknown_fields=True):
    """code: an account's own people may only say that it is a customer's request."""

    reason: Line = ""
    code: CancelCode = "customer_request"


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """kind: which holds to end; all when it is left out."""

    kind: HoldKind | None = None


@get("/api/orders", guards=[MAY_READ])
async def list_orders(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account: FromQuery[UUID | None] = None,
    in_state: InState = None,
    text: SearchText = "",
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> OrderPage:
    """Newest first, captured from `since` to before `until`. Every word of `text` has to begin
    a word of the numbers, reference, names, addresses, e-mail address or telephone number."""
    check_zone(since, until)
    return await service.list_orders(
        session,
        account_id=principal.own_account_only() or account,
        state=in_state,
        text=text,
        since=since,
        until=until,
        limit=limit,
        after=after,
    )


@get("/api/orders/{order_id:uuid}", guards=[MAY_READ])
async def get_order(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderView:
    return await service.get_order(session, order_id, account_id=principal.own_account_only())


@get("/api/orders/{order_id:uuid}/events", guards=[MAY_READ])
async def get_order_events(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> list[OrderLogEntry]:
    """What happened to the order, oldest first."""
    return await service.order_history(session, order_id, account_id=principal.own_account_only())


@post("/api/orders/{order_id:uuid}/cancel", guards=[MAY_CANCEL], status_code=200)
async def cancel_order(
    order_id: FromPath[UUID],
    data: JSONBody[Cancellation],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderView:
    """Possible until the order has been shipped; afterwards only a return is. `cancel_fee_minor`
    of the answer says what it costs."""
    mine = principal.own_account_only()
    return await service.cancel_order(
        session,
        order_id,
        by=principal.label,
        reason=data.reason,
        code="customer_request" if mine else data.code,
        account_id=mine,
    )


@post("/api/orders/{order_id:uuid}/hold", guards=[MAY_HOLD], status_code=200)
async def hold_order(
    order_id: FromPath[UUID],
    data: JSONBody[Reason],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> OrderView:
    """Stop an order before its fulfilment begins."""
    return await service.hold_order(session, order_id, data.reason, by=principal.label)


@post("/api/orders/{order_id:uuid}/release", guards=[MAY_HOLD], status_code=200)
async def release_order(
    order_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    data: JSONBody[Release | None] = None,
) -> OrderView:
    """End holds; with the last one the order goes on."""
    kind = data.kind if data else None
    return await service.release_order(session, order_id, kind=kind, by=principal.label)


@get("/api/service-levels", guards=[MAY_READ])
async def list_service_levels(session: NamedDependency[AsyncSession]) -> list[ServiceLevelView]:
    return await service.list_service_levels(session)


@put("/api/service-levels", guards=[allow(Role.ADMIN)])
async def put_service_level(
    data: JSONBody[ServiceLevelView], session: NamedDependency[AsyncSession]
) -> ServiceLevelView:
    """Add a service level, or change the one with this code."""
    return await service.save_service_level(session, data)


ROUTES = [
    list_orders,
    get_order,
    get_order_events,
    cancel_order,
    hold_order,
    release_order,
    list_service_levels,
    put_service_level,
    *desk_routes.ROUTES,
]
