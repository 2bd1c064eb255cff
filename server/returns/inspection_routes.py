"""The work at the returns bench over HTTP: count, inspect, settle differences, resolve."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import Limit
from server.kit.paging import cut_page
from server.returns import service
from server.returns.views import (
    AmountMinor,
    CountedLine,
    DifferenceView,
    Finding,
    FoundGoods,
    ReturnView,
    Words,
)

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="returns:read")
MAY_INSPECT = allow(Role.ADMIN, Role.CLERK, Role.WAREHOUSE, scope="returns:inspect")
MAY_RESOLVE = allow(Role.ADMIN, Role.CLERK, scope="returns:decide")

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]


class OpenedBox(msgspec.Struct, forbid_unknown_fields=True):
    """counted: units of announced lines. found: what was announced on none. Nothing at all is an
    empty box."""

    counted: Annotated[tuple[CountedLine, ...], Meta(max_length=500)] = ()
    found: Annotated[tuple[FoundGoods, ...], Meta(max_length=100)] = ()


class Resolution(msgspec.Struct, forbid_unknown_fields=True):
    """fee_minor: instead of what the reasons say."""

    fee_minor: AmountMinor | None = None
    note: Words = ""


class Settled(msgspec.Struct, forbid_unknown_fields=True):
    note: Words = ""


class DifferencePage(msgspec.Struct, frozen=True):
    items: list[DifferenceView]
    next: UUID | None


Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


@post("/api/returns/{return_id:uuid}/receive", guards=[MAY_INSPECT], status_code=200)
async def receive_goods(
    return_id: FromPath[UUID],
    data: JSONBody[OpenedBox],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> ReturnView:
    """What was in the box; brought to the counter, or come from the road."""
    return await answer_once(
        session,
        scope=f"returns:{principal.label}",
        key=idempotency_key,
        body=[str(return_id), data],
        answer_type=ReturnView,
        act=lambda: service.receive_goods(
            session,
            return_id,
            counted=data.counted,
            found=data.found,
            by=principal.label,
            account_id=principal.own_account_only(),
        ),
    )


@post("/api/return-lines/{line_id:uuid}/inspect", guards=[MAY_INSPECT], status_code=200)
async def inspect_line(
    line_id: FromPath[UUID],
    data: JSONBody[Finding],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> ReturnView:
    """What becomes of the goods of a line, or of some units of it."""
    return await answer_once(
        session,
        scope=f"returns:{principal.label}",
        key=idempotency_key,
        body=[str(line_id), data],
        answer_type=ReturnView,
        act=lambda: service.inspect_line(
            session, line_id, data, by=principal.label, account_id=principal.own_account_only()
        ),
    )


@post("/api/returns/{return_id:uuid}/resolve", guards=[MAY_RESOLVE], status_code=200)
async def resolve_return(
    return_id: FromPath[UUID], data: JSONBody[Resolution], session: Session, principal: Caller
) -> ReturnView:
    """Reckon up a return whose goods were not what was announced; told twice, it happens once."""
    own = principal.own_account_only()
    decision = msgspec.structs.asdict(data)
    return await service.resolve_return(
        session, return_id, **decision, by=principal.label, account_id=own
    )


@get("/api/return-differences", guards=[MAY_READ])
async def list_differences(
    session: Session,
    principal: Caller,
    *,
    return_id: FromQuery[UUID | None] = None,
    settled: FromQuery[bool] = False,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> DifferencePage:
    """Where what came was not what was announced, oldest first."""
    found = await service.list_differences(
        session,
        return_id=return_id,
        account_id=principal.own_account_only(),
        settled=settled,
        after=after,
        limit=limit + 1,
    )
    return DifferencePage(*cut_page(found, limit))


@post("/api/return-differences/{difference_id:uuid}/settle", guards=[MAY_RESOLVE], status_code=200)
async def settle_difference(
    difference_id: FromPath[UUID], data: JSONBody[Settled], session: Session, principal: Caller
) -> DifferenceView:
    """Somebody has looked at it."""
    own = principal.own_account_only()
    return await service.settle_difference(
        session, difference_id, note=data.note, by=principal.label, account_id=own
    )


INSPECTION_ROUTES: list[Any] = [
    receive_goods,
    inspect_line,
    resolve_return,
    list_differences,
    settle_difference,
]
