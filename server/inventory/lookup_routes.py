"""Finding in stock over HTTP. Accounts find only what is theirs."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import OFFICE, Principal, Role, allow
from server.inventory import lookup
from server.inventory.stock import LotView, LowStockView, SerialView
from server.kit.inputs import SOME_TEXT, Limit, SearchText
from server.kit.paging import cut_page

MAY_READ = allow(*OFFICE, Role.WAREHOUSE, Role.ACCOUNT_USER, scope="stock:read")

Serial = Annotated[str, QueryParameter(min_length=1, max_length=200, pattern=SOME_TEXT)]

Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


class LowStockPage(msgspec.Struct, frozen=True):
    items: list[LowStockView]
    next: UUID | None


class SerialPage(msgspec.Struct, frozen=True):
    """next: always null; no two hundred SKUs share a number."""

    items: list[SerialView]
    next: UUID | None = None


class LotPage(msgspec.Struct, frozen=True):
    items: list[LotView]
    next: UUID | None


@get("/api/stock/low", guards=[MAY_READ])
async def list_low_stock(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> LowStockPage:
    """SKUs that ran low or out: at or under their reorder point or safety stock."""
    account_id = principal.own_account_only() or account
    found = await lookup.list_low_stock(
        session, account_id=account_id, after=after, limit=limit + 1
    )
    return LowStockPage(*cut_page(found, limit))


@get("/api/stock/serials", guards=[MAY_READ])
async def find_serial(session: Session, principal: Caller, *, serial: Serial) -> SerialPage:
    """Where the unit with this serial number is, and the order that it is picked for."""
    own = principal.own_account_only()
    return SerialPage(await lookup.find_serial(session, serial, account_id=own, limit=200))


@get("/api/stock/lots", guards=[MAY_READ])
async def list_lots(
    session: Session,
    principal: Caller,
    *,
    account: FromQuery[UUID | None] = None,
    sku: FromQuery[UUID | None] = None,
    code: SearchText = "",
    expires_by: FromQuery[date | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> LotPage:
    """Lots and how much of each there is; `expires_by`: whose last day is then or earlier."""
    found = await lookup.list_lots(
        session,
        account_id=principal.own_account_only() or account,
        sku_id=sku,
        code=code,
        expires_by=expires_by,
        after=after,
        limit=limit + 1,
    )
    return LotPage(*cut_page(found, limit))


LOOKUP_ROUTES = [list_low_stock, find_serial, list_lots]
