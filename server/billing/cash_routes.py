"""Cash on delivery over HTTP: the driver's debrief, and what accounts get."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import Meta

from server.billing import cash, cash_remittances
from server.billing.cash import CashView, DebriefView, ExpectedCash
from server.billing.cash_remittances import DueCash, RemittanceView
from server.billing.charge_routes import COMPANY_READS, MAY_CHARGE, MAY_READ, Caller, Session
from server.identity.access import Principal
from server.kit.errors import NotFound
from server.kit.idempotency import answer_once
from server.kit.inputs import FilledLine, Limit, Line
from server.kit.paging import cut_page
from server.orders.service import Currency

IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
Sum = Annotated[int, Meta(ge=-(10**15), le=10**15)]
Counted = Annotated[int, Meta(ge=0, le=10**15)]


class NotYourCash(NotFound):
    """There is no account {account_id}, or it is not yours."""

    code = "billing.not_your_cash"


class DebriefRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """expected_minor: as it was shown. reason: needed when the count differs from it."""

    driver_id: UUID
    currency: Currency
    expected_minor: Sum
    counted_minor: Counted
    reason: Line = ""


class RemittanceRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """gross_minor: as it was shown. reference: of the bank transfer."""

    account_id: UUID
    currency: Currency
    gross_minor: Counted
    reference: FilledLine


class FeeAgreement(msgspec.Struct, forbid_unknown_fields=True):
    """withholds_fees: we may keep our cash fees from what we remit."""

    withholds_fees: bool


class DebriefPage(msgspec.Struct):
    items: list[DebriefView]
    next: UUID | None


class RemittancePage(msgspec.Struct):
    items: list[RemittanceView]
    next: UUID | None


@get("/api/cash/drivers/{driver_id:uuid}", guards=[COMPANY_READS])
async def get_expected_cash(driver_id: FromPath[UUID], session: Session) -> list[ExpectedCash]:
    """What a driver should have, by currency, door by door."""
    return await cash.expected_cash(session, driver_id)


@post("/api/cash/debriefs", guards=[MAY_CHARGE])
async def debrief_driver(
    data: JSONBody[DebriefRequest],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> DebriefView:
    """Take over a driver's cash at the end of the day."""
    return await answer_once(
        session,
        scope=f"cash_debrief:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=DebriefView,
        act=lambda: cash.debrief_driver(
            session, **msgspec.structs.asdict(data), by=principal.label
        ),
    )


@get("/api/cash/debriefs", guards=[COMPANY_READS])
async def list_debriefs(
    session: Session,
    *,
    driver_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> DebriefPage:
    """Newest first."""
    found = await cash.list_debriefs(session, driver_id=driver_id, after=after, limit=limit + 1)
    return DebriefPage(*cut_page(found, limit))


@get("/api/cash/debriefs/{debrief_id:uuid}/cash", guards=[COMPANY_READS])
async def get_cash_of_debrief(debrief_id: FromPath[UUID], session: Session) -> list[CashView]:
    return await cash.cash_of_debrief(session, debrief_id)


@get("/api/accounts/{account_id:uuid}/cash", guards=[MAY_READ])
async def get_due_cash(
    account_id: FromPath[UUID], session: Session, principal: Caller
) -> list[DueCash]:
    """What the account is due of the cash taken for it, by currency."""
    check_own(principal, account_id)
    return await cash_remittances.due_cash(session, account_id)


@put("/api/accounts/{account_id:uuid}/cash-agreement", guards=[MAY_CHARGE], status_code=204)
async def agree_on_fees(
    account_id: FromPath[UUID],
    data: JSONBody[FeeAgreement],
    session: Session,
    principal: Caller,
) -> None:
    await cash_remittances.agree_on_fees(
        session, account_id, withholds_fees=data.withholds_fees, by=principal.label
    )


@post("/api/remittances", guards=[MAY_CHARGE])
async def remit_cash(
    data: JSONBody[RemittanceRequest],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> RemittanceView:
    """Note that an account was paid all its counted cash."""
    return await answer_once(
        session,
        scope=f"remittance:{principal.label}",
        key=idempotency_key,
        body=data,
        answer_type=RemittanceView,
        act=lambda: cash_remittances.remit_cash(
            session, **msgspec.structs.asdict(data), by=principal.label
        ),
    )


@get("/api/remittances", guards=[MAY_READ])
async def list_remittances(
    session: Session,
    principal: Caller,
    *,
    account_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> RemittancePage:
    """Newest first."""
    found = await cash_remittances.list_remittances(
        session,
        account_id=principal.own_account_only() or account_id,
        after=after,
        limit=limit + 1,
    )
    return RemittancePage(*cut_page(found, limit))


@get("/api/remittances/{remittance_id:uuid}/cash", guards=[MAY_READ])
async def get_cash_of_remittance(
    remittance_id: FromPath[UUID],
    session: Session,
    principal: Caller,
) -> list[CashView]:
    """Door by door."""
    own = principal.own_account_only()
    return await cash_remittances.cash_of_remittance(session, remittance_id, account_id=own)


def check_own(principal: Principal, account_id: UUID) -> None:
    if principal.own_account_only() not in (None, account_id):
        raise NotYourCash(account_id=account_id)


CASH_ROUTES: list[Any] = [
    get_expected_cash,
    debrief_driver,
    list_debriefs,
    get_cash_of_debrief,
    get_due_cash,
    agree_on_fees,
    remit_cash,
    list_remittances,
    get_cash_of_remittance,
]
