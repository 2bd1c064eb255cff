"""Returns over HTTP: accounts ask for them, the company decides."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import (
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
)
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.blobs import Blobs
from server.kit.errors import Forbidden
from server.kit.idempotency import answer_once
from server.kit.inputs import Limit, Moment
from server.kit.paging import cut_page
from server.kit.pictures import show_picture
from server.returns import service
from server.returns.exchange_routes import EXCHANGE_ROUTES
from server.returns.inspection_routes import INSPECTION_ROUTES
from server.returns.photos import check_photos, keep_photo, read_photo
from server.returns.views import (
    ReturnableGoods,
    ReturningGoods,
    ReturningParcel,
    ReturnReason,
    ReturnState,
    ReturnView,
    Words,
)

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="returns:read")
MAY_ASK = allow(*OFFICE, Role.ACCOUNT_USER, scope="returns:write")
MAY_DECIDE = allow(*OFFICE, scope="returns:decide")
MAY_RULE = allow(Role.ADMIN, Role.CLERK, scope="returns:decide")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
PhotoName = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")]

# Litestar keeps the name `state` to itself.
StateQuery = Annotated[ReturnState | None, QueryParameter(name="state")]


class ReturnPage(msgspec.Struct):
    items: list[ReturnView]
    next: UUID | None


class Window(msgspec.Struct, forbid_unknown_fields=True):
    """When the goods may be collected."""

    window_start_at: Moment | None = None
    window_end_at: Moment | None = None


class WayBack(Window, forbid_unknown_fields=True):
    """drop_off: the goods are brought to the depot; else they are collected at the door."""

    drop_off: bool = False


class ReturnRequest(Window, forbid_unknown_fields=True):
    """Which goods come back: those of a consignment or of an order; neither parcels nor goods means
    all. goods: units of order lines, which come in a box of their own unless parcels are named."""

    consignment_id: UUID | None = None
    order_id: UUID | None = None
    parcels: Annotated[tuple[ReturningParcel, ...], Meta(max_length=200)] = ()
    goods: Annotated[tuple[ReturningGoods, ...], Meta(max_length=500)] = ()
    reason: Words = ""


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    reason: Words = ""


class KeptPhoto(msgspec.Struct, frozen=True):
    sha256: str


class NotYourRule(Forbidden):
    """These are the company's rules, which hold for all accounts. Give the id of yours."""

    code = "returns.not_your_rule"


Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


@get("/api/returns", guards=[MAY_READ])
async def list_returns(
    session: Session,
    principal: Caller,
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
async def get_return(return_id: FromPath[UUID], session: Session, principal: Caller) -> ReturnView:
    return await service.get_return(session, return_id, account_id=principal.own_account_only())


@get("/api/consignments/{consignment_id:uuid}/returnable", guards=[MAY_READ])
async def list_returnable(
    consignment_id: FromPath[UUID], session: Session, principal: Caller
) -> list[ReturnableGoods]:
    """The order lines that went out with it, and how many units of each can still come back."""
    own = principal.own_account_only()
    return await service.returnable_of(session, consignment_id, account_id=own)


@post("/api/returns", guards=[MAY_ASK])
async def ask_for_return(
    data: JSONBody[ReturnRequest],
    session: Session,
    principal: Caller,
    blobs: NamedDependency[Blobs],
    *,
    idempotency_key: IdempotencyKey = None,
) -> ReturnView:
    """Booked at once when the company asks; else its reasons say whether it waits for approval."""
    check_photos(blobs, data.goods)
    return await answer_once(
        session,
        scope=f"returns:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=ReturnView,
        act=lambda: _take(session, data, principal),
    )


async def _take(session: AsyncSession, data: ReturnRequest, principal: Principal) -> ReturnView:
    what: dict[str, Any] = msgspec.structs.asdict(data)
    window = {name: what.pop(name) for name in Window.__struct_fields__}
    own, by = principal.own_account_only(), principal.label
    if own is None:
        return await service.create_return(session, **what, **window, by=by)
    asked = await service.ask_for_return(session, **what, by=by, account_id=own)
    if asked.state != "approved" or data.window_end_at is None:
        return asked  # how the goods come is said later
    return await service.book_return(session, asked.id, **window, by=by, account_id=own)


@post("/api/returns/{return_id:uuid}/approve", guards=[MAY_DECIDE], status_code=200)
async def approve_return(
    return_id: FromPath[UUID], data: JSONBody[Window], session: Session, principal: Caller
) -> ReturnView:
    """Approve it and book its collection at the door."""
    window = msgspec.structs.asdict(data)
    own = principal.own_account_only()
    await service.get_return(session, return_id, account_id=own)
    return await service.approve_return(session, return_id, **window, by=principal.label)


@post("/api/returns/{return_id:uuid}/book", guards=[MAY_ASK], status_code=200)
async def book_return(
    return_id: FromPath[UUID], data: JSONBody[WayBack], session: Session, principal: Caller
) -> ReturnView:
    """Say how the goods of an approved return come: collected at the door, or brought."""
    way = msgspec.structs.asdict(data)
    own = principal.own_account_only()
    return await service.book_return(session, return_id, **way, by=principal.label, account_id=own)


@post("/api/returns/{return_id:uuid}/decline", guards=[MAY_DECIDE], status_code=200)
async def decline_return(
    return_id: FromPath[UUID], data: JSONBody[Reason], session: Session, principal: Caller
) -> ReturnView:
    own = principal.own_account_only()
    await service.get_return(session, return_id, account_id=own)
    return await service.decline_return(session, return_id, reason=data.reason, by=principal.label)


@post("/api/returns/{return_id:uuid}/cancel", guards=[MAY_ASK], status_code=200)
async def cancel_return(
    return_id: FromPath[UUID], data: JSONBody[Reason], session: Session, principal: Caller
) -> ReturnView:
    """Possible until the goods are collected."""
    own = principal.own_account_only()
    return await service.cancel_return(
        session, return_id, reason=data.reason, by=principal.label, account_id=own
    )


@post("/api/returns/photos", guards=[MAY_ASK])
async def keep_return_photo(
    request: Request[Any, Any, Any], blobs: NamedDependency[Blobs]
) -> KeptPhoto:
    """A JPEG, PNG or WebP as the body, before the return that names it. Twice is harmless."""
    return KeptPhoto(await keep_photo(blobs, await request.body()))


@get(
    "/api/returns/{return_id:uuid}/photos/{sha256:str}",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="The photo.", media_type="image/*")},
)
async def get_return_photo(
    return_id: FromPath[UUID],
    sha256: PhotoName,
    session: Session,
    principal: Caller,
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """A photo of the goods, from the customer or the inspection."""
    own = principal.own_account_only()
    return show_picture(await read_photo(session, blobs, return_id, sha256, account_id=own))


@get("/api/return-reasons", guards=[MAY_READ])
async def list_reasons(
    session: Session, principal: Caller, *, account: FromQuery[UUID | None] = None
) -> list[ReturnReason]:
    """Those that hold for the goods of an account, by code."""
    return await service.list_reasons(session, principal.own_account_only() or account)


@put("/api/return-reasons", guards=[MAY_RULE])
async def put_reason(
    data: JSONBody[ReturnReason],
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
) -> ReturnReason:
    """Add or change a reason: the company's, or an account's own that holds instead of it."""
    own = principal.own_account_only()
    if own not in (None, account):
        raise NotYourRule
    return await service.save_reason(session, data, account_id=account, by=principal.label)


ROUTES: list[Any] = [
    list_returns,
    get_return,
    list_returnable,
    ask_for_return,
    approve_return,
    book_return,
    decline_return,
    cancel_return,
    keep_return_photo,
    get_return_photo,
    list_reasons,
    put_reason,
    *INSPECTION_ROUTES,
    *EXCHANGE_ROUTES,
]
