"""Pay rules and settlements of drivers over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from server.billing import pay_rules, settlements
from server.billing.charge_routes import COMPANY_READS, MAY_CHARGE, Caller, Session
from server.billing.pay import Rates
from server.billing.pay_rules import AdjustmentView, PayRuleView
from server.billing.settlements import SettlementSummary, SettlementView
from server.kit.inputs import FilledLine, Limit, Moment
from server.kit.paging import cut_page
from server.kit.settings import Settings
from server.orders.service import Currency


class PayRuleRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """driver_id: null means all drivers who have no rule of their own."""

    driver_id: UUID | None = None
    valid_from: Moment
    currency: Currency
    rates: Rates


class AdjustmentRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """amount_minor: negative for a deduction. corrects_id: the closed settlement it puts right."""

    amount_minor: Annotated[int, Meta(ge=-(10**12), le=10**12)]
    currency: Currency
    reason: FilledLine
    occurred_at: Moment
    corrects_id: UUID | None = None


class SettlementRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """last_day: included, in the company's zone; over by now."""

    driver_id: UUID
    last_day: date
    currency: Currency


class PayRulePage(msgspec.Struct):
    items: list[PayRuleView]
    next: UUID | None


class AdjustmentPage(msgspec.Struct):
    items: list[AdjustmentView]
    next: UUID | None


class SettlementPage(msgspec.Struct):
    items: list[SettlementSummary]
    next: UUID | None


@get("/api/pay-rules", guards=[COMPANY_READS])
async def list_pay_rules(
    session: Session, *, limit: Limit = 50, after: FromQuery[UUID | None] = None
) -> PayRulePage:
    """Newest first."""
    found = await pay_rules.list_pay_rules(session, after=after, limit=limit + 1)
    return PayRulePage(*cut_page(found, limit))


@post("/api/pay-rules", guards=[MAY_CHARGE])
async def add_pay_rule(
    data: JSONBody[PayRuleRequest], session: Session, principal: Caller
) -> PayRuleView:
    """A rule from then on; the one before it ends there."""
    return await pay_rules.add_pay_rule(session, **msgspec.structs.asdict(data), by=principal.label)


@get("/api/drivers/{driver_id:uuid}/pay-adjustments", guards=[COMPANY_READS])
async def list_adjustments(
    driver_id: FromPath[UUID],
    session: Session,
    *,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> AdjustmentPage:
    """Newest first."""
    found = await pay_rules.list_adjustments(session, driver_id, after=after, limit=limit + 1)
    return AdjustmentPage(*cut_page(found, limit))


@post("/api/drivers/{driver_id:uuid}/pay-adjustments", guards=[MAY_CHARGE])
async def adjust_pay(
    driver_id: FromPath[UUID],
    data: JSONBody[AdjustmentRequest],
    session: Session,
    principal: Caller,
) -> AdjustmentView:
    """A bonus or a deduction in the driver's next settlement."""
    return await pay_rules.adjust_pay(
        session, driver_id, **msgspec.structs.asdict(data), by=principal.label
    )


@post("/api/settlements/preview", guards=[COMPANY_READS], status_code=200)
async def preview_settlement(
    data: JSONBody[SettlementRequest], session: Session, settings: NamedDependency[Settings]
) -> SettlementView:
    """What it would be if it were closed now."""
    return await settlements.preview_settlement(
        session, **msgspec.structs.asdict(data), zone=settings.timezone
    )


@post("/api/settlements", guards=[MAY_CHARGE])
async def close_settlement(
    data: JSONBody[SettlementRequest],
    session: Session,
    principal: Caller,
    settings: NamedDependency[Settings],
) -> SettlementView:
    """Freeze it. What comes to light later is in the next one."""
    return await settlements.close_settlement(
        session, **msgspec.structs.asdict(data), zone=settings.timezone, by=principal.label
    )


@get("/api/settlements", guards=[COMPANY_READS])
async def list_settlements(
    session: Session,
    *,
    driver_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> SettlementPage:
    """Newest first."""
    found = await settlements.list_settlements(
        session, driver_id=driver_id, after=after, limit=limit + 1
    )
    return SettlementPage(*cut_page(found, limit))


@get("/api/settlements/{settlement_id:uuid}", guards=[COMPANY_READS])
async def get_settlement(settlement_id: FromPath[UUID], session: Session) -> SettlementView:
    return await settlements.get_settlement(session, settlement_id)


SETTLEMENT_ROUTES: list[Any] = [
    list_pay_rules,
    add_pay_rule,
    list_adjustments,
    adjust_pay,
    preview_settlement,
    close_settlement,
    list_settlements,
    get_settlement,
]
