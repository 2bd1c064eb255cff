"""The doors: orders by the API and by the counter's form, files of orders, mapping profiles."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import (
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
    URLEncodedBody,
)
from litestar.response import Stream
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.service import AccountView
from server.channels import imports, profiles, service
from server.channels.imports import ImportPage, ImportView, ProblemPage
from server.channels.order_request import (
    OrderAmendment,
    OrderRequest,
    QuoteRequest,
    StandingRequest,
    TakenOrder,
)
from server.channels.profiles import ProfileView
from server.channels.rows import check_form, read_form
from server.channels.uploads import receive_file
from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.blobs import Blobs
from server.kit.idempotency import answer_once
from server.kit.inputs import ONE_LINE, FilledLine, Limit, Line
from server.kit.settings import Settings
from server.orders.service import Quote, StandingView, create_standing_order

MAY_ORDER = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:write")
MAY_READ = allow(*OFFICE, Role.ACCOUNT_USER, scope="orders:read")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Word = Annotated[str | None, QueryParameter(max_length=200, pattern=ONE_LINE)]
ProfileName = Annotated[str, PathParameter(min_length=1, max_length=100, pattern=ONE_LINE)]
AfterLine = Annotated[int, QueryParameter(ge=0, le=2**31 - 1)]


class ProfileRequest(msgspec.Struct, forbid_unknown_fields=True):
    """columns: header -> field, such as {"Kundenname": "to_name"}; "" for a column to ignore."""

    columns: Annotated[dict[FilledLine, Line], Meta(max_length=200)]
    account: Line | None = None


@post("/api/orders", guards=[MAY_ORDER])
async def post_order(
    data: JSONBody[OrderRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    idempotency_key: IdempotencyKey = None,
) -> Response[TakenOrder]:
    """201 with the new order; 200 with the first one when it came before."""
    account = await paying_account(session, principal, data.account)
    act = partial(
        service.take_order,
        session,
        data,
        account=account,
        channel="api",
        by=principal.label,
        zone=settings.timezone,
    )
    return await answer_order(session, account.id, idempotency_key, data, act)


@post("/api/orders/form", guards=[MAY_ORDER])
async def post_order_form(
    data: URLEncodedBody[dict[str, Any]],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    idempotency_key: IdempotencyKey = None,
) -> Response[TakenOrder]:
    """For the counter: the fields are called like the columns of a file, and `account`."""
    fields = check_form(data)
    account = await paying_account(session, principal, fields.pop("account", None))
    request = read_form(fields, zone=settings.timezone, currency=account.currency)
    act = partial(
        service.take_order,
        session,
        request,
        account=account,
        channel="counter",
        by=principal.label,
        zone=settings.timezone,
    )
    return await answer_order(session, account.id, idempotency_key, data, act)


@post("/api/quotes", guards=[MAY_ORDER])
async def post_quote(
    data: JSONBody[QuoteRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
    *,
    idempotency_key: IdempotencyKey = None,
) -> Response[TakenOrder]:
    """Offer an order: its goods are kept for it until it is accepted, or expires."""
    account = await paying_account(session, principal, data.order.account)
    act = partial(
        service.take_order,
        session,
        data.order,
        account=account,
        channel="quote",
        by=principal.label,
        zone=settings.timezone,
        quote=Quote(expires_at=data.expires_at, price_note=data.price_note),
    )
    return await answer_order(session, account.id, idempotency_key, data, act)


@post("/api/standing-orders", guards=[MAY_ORDER])
async def post_standing_order(
    data: JSONBody[StandingRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> StandingView:
    """Let an order come again and again, by a rule."""
    account = await paying_account(session, principal, data.order.account)
    draft = await service.draft_order(session, data.order, account=account, channel="standing")
    return await create_standing_order(session, draft, data.rhythm, by=principal.label)


@patch("/api/orders/{order_id:uuid}", guards=[MAY_ORDER])
async def patch_order(
    order_id: FromPath[UUID],
    data: JSONBody[OrderAmendment],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    settings: NamedDependency[Settings],
) -> TakenOrder:
    """Amend the version that you looked at; 409 says what changed when it is another by now."""
    return await service.amend_order(
        session,
        order_id,
        data,
        own_account_id=principal.own_account_only(),
        by=principal.label,
        zone=settings.timezone,
    )


@post("/api/imports", guards=[MAY_ORDER], status_code=202)
async def post_import(
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
    *,
    account: Word = None,
    file_name: Word = None,
    profile: Word = None,
    dry_run: FromQuery[bool] = False,
) -> ImportView:
    """A CSV or XLSX file, as the body or as a part of multipart/form-data. Its rows are taken in
    by the worker: look at the import to see how far it is."""
    paying = await paying_account(session, principal, account)
    sha256, own_name = await receive_file(request, blobs)
    return await imports.begin_import(
        session,
        blobs,
        sha256,
        account=paying,
        file_name=file_name or own_name[:200].replace("\0", ""),
        profile=profile,
        dry_run=dry_run,
        by=principal.label,
    )


@get("/api/imports", guards=[MAY_READ])
async def list_imports(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ImportPage:
    """Newest first."""
    account_id = principal.own_account_only() or account_id
    return await imports.list_imports(session, account_id=account_id, limit=limit, after=after)


@get("/api/imports/{import_id:uuid}", guards=[MAY_READ])
async def get_import(
    import_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ImportView:
    """How far it is."""
    mine = principal.own_account_only()
    return await imports.get_import(session, import_id, own_account_id=mine)


@get("/api/imports/{import_id:uuid}/problems", guards=[MAY_READ])
async def list_problems(
    import_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    limit: Limit = 200,
    after: AfterLine = 0,
) -> ProblemPage:
    """What is wrong with which row; `limit` and `after` count lines."""
    mine = principal.own_account_only()
    return await imports.list_problems(
        session, import_id, own_account_id=mine, limit=limit, after_line=after
    )


@get("/api/imports/{import_id:uuid}/bad-rows", guards=[MAY_READ], media_type="text/csv")
async def get_bad_rows(
    import_id: FromPath[UUID],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    blobs: NamedDependency[Blobs],
) -> Stream:
    """The rows that were not taken, with the reasons in one more column, to be mended and sent
    again."""
    mine = principal.own_account_only()
    pieces = await imports.bad_rows_file(session, blobs, import_id, own_account_id=mine)
    headers = {"Content-Disposition": f'attachment; filename="bad-rows-{import_id}.csv"'}
    return Stream(pieces, media_type="text/csv; charset=utf-8", headers=headers)


@get("/api/import-profiles", guards=[MAY_READ])
async def list_profiles(
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account: Word = None,
) -> list[ProfileView]:
    """How the account's files call their columns."""
    paying = await paying_account(session, principal, account)
    return await profiles.list_profiles(session, account_id=paying.id)


@put("/api/import-profiles/{name:str}", guards=[MAY_ORDER])
async def put_profile(
    name: ProfileName,
    data: JSONBody[ProfileRequest],
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
) -> ProfileView:
    """Make the mapping profile, or replace the one of this name."""
    paying = await paying_account(session, principal, data.account)
    return await profiles.save_profile(
        session, account_id=paying.id, name=name, columns=data.columns, by=principal.label
    )


@delete("/api/import-profiles/{name:str}", guards=[MAY_ORDER])
async def delete_profile(
    name: ProfileName,
    session: NamedDependency[AsyncSession],
    principal: NamedDependency[Principal],
    *,
    account: Word = None,
) -> None:
    paying = await paying_account(session, principal, account)
    await profiles.delete_profile(session, account_id=paying.id, name=name)


async def paying_account(
    session: AsyncSession, principal: Principal, code: str | None
) -> AccountView:
    return await service.paying_account(session, code, own_account_id=principal.own_account_only())


async def answer_order(
    session: AsyncSession,
    account_id: UUID,
    key: str | None,
    body: Any,
    act: Callable[[], Awaitable[TakenOrder]],
) -> Response[TakenOrder]:
    """The same key means the same answer, whoever of the account asks."""
    scope = f"orders:{account_id}"
    order = await answer_once(
        session, scope=scope, key=key, body=body, answer_type=TakenOrder, act=act
    )
    return Response(order, status_code=201 if order.is_new else 200)


ROUTES = [
    post_order,
    post_order_form,
    post_quote,
    post_standing_order,
    patch_order,
    post_import,
    list_imports,
    get_import,
    list_problems,
    get_bad_rows,
    list_profiles,
    put_profile,
    delete_profile,
]
