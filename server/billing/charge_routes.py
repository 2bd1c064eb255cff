"""Charges and tariffs over HTTP. Accounts read what they are charged and why."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing import charges, charging, dry_run, tariffs
from server.billing.charges import ChargeView
from server.billing.charging import Repriced, WorkView
from server.billing.dry_run import DryRun
from server.billing.tariff_rules import Rules
from server.billing.tariffs import TariffDraft, TariffView
from server.identity.access import Principal, Role, allow
from server.kit import clock
from server.kit.inputs import FilledLine, Limit, Moment, check_zone
from server.kit.paging import cut_page
from server.kit.settings import Settings
from server.orders.service import Currency, ServiceLevelCode

MAY_READ = allow(Role.ADMIN, Role.CLERK, Role.ACCOUNT_USER, scope="billing:read")
COMPANY_READS = allow(Role.ADMIN, Role.CLERK, scope="billing:read")
MAY_CHARGE = allow(Role.ADMIN, Role.CLERK, scope="billing:write")

Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]


class ChargePage(msgspec.Struct):
    items: list[ChargeView]
    next: UUID | None


class WorkPage(msgspec.Struct):
    items: list[WorkView]
    next: UUID | None


class TariffPage(msgspec.Struct):
    items: list[TariffView]
    next: UUID | None


class WhyReversed(msgspec.Struct, forbid_unknown_fields=True):
    reason: FilledLine


class WhichWork(msgspec.Struct, forbid_unknown_fields=True):
    """work_ids: none means the oldest 200 that wait."""

    work_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)] = ()


class TariffRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """account_id, service_level: null means all without one of their own. valid_until: null means
    until further notice."""

    name: FilledLine
    currency: Currency
    valid_from: Moment
    valid_until: Moment | None = None
    account_id: UUID | None = None
    service_level: ServiceLevelCode | None = None
    rules: Rules

    def as_draft(self) -> TariffDraft:
        return TariffDraft(**msgspec.structs.asdict(self))


class Activation(msgspec.Struct, forbid_unknown_fields=True):
    """replace: the tariff in force when this one begins ends there."""

    replace: bool = False


class End(msgspec.Struct, forbid_unknown_fields=True):
    valid_until: Moment


class Period(msgspec.Struct, forbid_unknown_fields=True):
    """Null means the last whole month."""

    since: Moment | None = None
    until: Moment | None = None


@get("/api/charges", guards=[MAY_READ])
async def list_charges(
    session: Session,
    principal: Caller,
    *,
    account_id: FromQuery[UUID | None] = None,
    order_id: FromQuery[UUID | None] = None,
    consignment_id: FromQuery[UUID | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> ChargePage:
    """Oldest first, of since <= occurred_at < until."""
    check_zone(since, until)
    found = await charges.list_charges(
        session,
        account_id=principal.own_account_only() or account_id,
        order_id=order_id,
        consignment_id=consignment_id,
        since=since,
        until=until,
        after=after,
        limit=limit + 1,
    )
    return ChargePage(*cut_page(found, limit))


@get("/api/charges/{charge_id:uuid}", guards=[MAY_READ])
async def get_charge(charge_id: FromPath[UUID], session: Session, principal: Caller) -> ChargeView:
    """With the trace that explains the amount."""
    own = principal.own_account_only()
    return await charges.get_charge(session, charge_id, account_id=own)


@post("/api/charges/{charge_id:uuid}/reverse", guards=[MAY_CHARGE])
async def reverse_charge(
    charge_id: FromPath[UUID], data: JSONBody[WhyReversed], session: Session, principal: Caller
) -> ChargeView:
    """The charge that takes it back."""
    return await charges.reverse_charge(session, charge_id, reason=data.reason, by=principal.label)


@get("/api/charges/unpriced", guards=[COMPANY_READS])
async def list_unpriced(
    session: Session,
    *,
    settled: FromQuery[bool] = False,
    account_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> WorkPage:
    """Work that is over and could not be priced, and why; oldest first."""
    found = await charging.list_unpriced(
        session, settled=settled, account_id=account_id, after=after, limit=limit + 1
    )
    return WorkPage(*cut_page(found, limit))


@post("/api/charges/unpriced/reprice", guards=[MAY_CHARGE], status_code=200)
async def reprice(data: JSONBody[WhichWork], session: Session, principal: Caller) -> Repriced:
    """Try again after a tariff was mended."""
    return await charging.reprice(session, work_ids=data.work_ids, by=principal.label)


@get("/api/tariffs", guards=[COMPANY_READS])
async def list_tariffs(
    session: Session,
    *,
    account_id: FromQuery[UUID | None] = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> TariffPage:
    """Newest first."""
    found = await tariffs.list_tariffs(session, account_id=account_id, after=after, limit=limit + 1)
    return TariffPage(*cut_page(found, limit))


@post("/api/tariffs", guards=[MAY_CHARGE])
async def create_tariff(
    data: JSONBody[TariffRequest], session: Session, principal: Caller
) -> TariffView:
    """A draft, which prices nothing yet."""
    return await tariffs.create_tariff(session, data.as_draft(), by=principal.label)


@get("/api/tariffs/{tariff_id:uuid}", guards=[COMPANY_READS])
async def get_tariff(tariff_id: FromPath[UUID], session: Session) -> TariffView:
    return await tariffs.get_tariff(session, tariff_id)


@put("/api/tariffs/{tariff_id:uuid}", guards=[MAY_CHARGE])
async def change_tariff(
    tariff_id: FromPath[UUID],
    data: JSONBody[TariffRequest],
    session: Session,
    principal: Caller,
) -> TariffView:
    """Rewrite a draft."""
    return await tariffs.change_tariff(session, tariff_id, data.as_draft(), by=principal.label)


@post("/api/tariffs/{tariff_id:uuid}/activate", guards=[MAY_CHARGE], status_code=200)
async def activate_tariff(
    tariff_id: FromPath[UUID], data: JSONBody[Activation], session: Session, principal: Caller
) -> TariffView:
    """Put it into force; it does not change any more."""
    return await tariffs.activate_tariff(
        session, tariff_id, replace=data.replace, by=principal.label
    )


@post("/api/tariffs/{tariff_id:uuid}/end", guards=[MAY_CHARGE], status_code=200)
async def end_tariff(
    tariff_id: FromPath[UUID], data: JSONBody[End], session: Session, principal: Caller
) -> TariffView:
    return await tariffs.end_tariff(
        session, tariff_id, valid_until=data.valid_until, by=principal.label
    )


@post("/api/tariffs/{tariff_id:uuid}/dry-run", guards=[COMPANY_READS], status_code=200)
async def try_tariff(
    tariff_id: FromPath[UUID],
    data: JSONBody[Period],
    session: Session,
    settings: NamedDependency[Settings],
) -> DryRun:
    """What work that is over would have cost by it. Changes nothing."""
    since, until = last_month(settings)
    return await dry_run.try_tariff(
        session, tariff_id, since=data.since or since, until=data.until or until
    )


def last_month(settings: Settings) -> tuple[datetime, datetime]:
    """The last whole month in the company's zone."""
    today = clock.now().astimezone(settings.timezone)
    until = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = (until - timedelta(days=1)).replace(day=1)
    return since.astimezone(UTC), until.astimezone(UTC)


CHARGE_ROUTES: list[Any] = [
    list_charges,
    get_charge,
    reverse_charge,
    list_unpriced,
    reprice,
    list_tariffs,
    create_tariff,
    get_tariff,
    change_tariff,
    activate_tariff,
    end_tariff,
    try_tariff,
]
