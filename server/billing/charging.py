"""From work that is over to charges. What cannot be priced is kept, with the reason, until it can.

All that is done about one consignment is done one after the other, under its lock, so the same
news twice at once charges once.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.charges import NewCharge, record_charges
from server.billing.events import ChargesRecorded, WorkNotPriced
from server.billing.invoice_parties import COUNTRIES
from server.billing.models import BillableWork
from server.billing.price_facts import Facts, Spot, Unpriceable
from server.billing.price_lines import PricedLine
from server.billing.pricing import price
from server.billing.tariffs import TariffView, find_tariff
from server.billing.work_facts import WorkDone, read_work
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import NotFound
from server.kit.outbox import emit
from server.orders import service as orders


class UnknownWork(NotFound):
    """There is no unpriced work {work_id}."""

    code = "billing.unknown_work"


class WorkView(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that waits for a price, or once did.

    reason: why it could not be priced. settled_at: when it was priced after all.
    """

    id: UUID
    source: str
    work: str
    consignment_id: UUID
    order_id: UUID | None
    account_id: UUID | None
    service_level: str | None
    occurred_at: datetime
    reason: str | None
    noted_at: datetime
    settled_at: datetime | None


class Repriced(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the work that was looked at has a price now, and how much still waits."""

    priced: int
    waiting: int


async def charge_consignment(session: AsyncSession, consignment_id: UUID) -> list[BillableWork]:
    """Price and charge what of it is over and has no price yet; all that is over of it."""
    key = f"billing:{consignment_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    known = {
        row.source: row
        for row in await session.scalars(
            select(BillableWork)
            .where(BillableWork.consignment_id == consignment_id)
            .execution_options(populate_existing=True)
        )
    }
    rows = []
    for work in await read_work(session, consignment_id):
        row = known.get(work.source)
        if row is None or row.settled_at is None:
            row = await _settle(session, work, row)
        rows.append(row)
    await session.flush()
    return rows


async def list_unpriced(
    session: AsyncSession,
    *,
    settled: bool = False,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[WorkView]:
    """Oldest first. settled: instead of what waits, what had waited and was priced later."""
    query = select(BillableWork).order_by(BillableWork.id).limit(limit)
    at = BillableWork.settled_at
    query = query.where(at.is_not(None) if settled else at.is_(None))
    query = query.where(BillableWork.reason.is_not(None))
    if account_id is not None:
        query = query.where(BillableWork.account_id == account_id)
    if after is not None:
        query = query.where(BillableWork.id > after)
    return [work_view(row) for row in await session.scalars(query)]


async def reprice(
    session: AsyncSession, *, work_ids: Sequence[UUID] = (), limit: int = 200, by: str
) -> Repriced:
    """Try again to price what waits, once a tariff was mended: these, or the oldest.

    Raises
    ------
    UnknownWork
        Also for work that was priced in the meantime.
    """
    query = select(BillableWork.id, BillableWork.consignment_id).where(
        BillableWork.settled_at.is_(None)
    )
    if work_ids:
        query = query.where(BillableWork.id.in_(work_ids))
    found = dict((await session.execute(query.order_by(BillableWork.id).limit(limit))).all())
    for work_id in work_ids:
        if work_id not in found:
            raise UnknownWork(work_id=work_id)
    rows = [
        row
        for consignment_id in sorted(set(found.values()))
        for row in await charge_consignment(session, consignment_id)
        if row.id in found
    ]
    priced = sum(row.settled_at is not None for row in rows)
    await record_audit(
        session,
        by=by,
        action="charges.repriced",
        subject="billing:unpriced",
        details={"priced": priced, "waiting": len(rows) - priced},
    )
    return Repriced(priced=priced, waiting=len(rows) - priced)


async def _settle(session: AsyncSession, work: WorkDone, row: BillableWork | None) -> BillableWork:
    """Charge the work, or say why not."""
    consignment, facts = work.consignment, work.facts
    reason = None
    try:
        tariff, lines = await _price(session, work)
    except Unpriceable as why:
        reason = str(why.details["reason"])
    row = row or BillableWork(source=work.source, work=facts.work, noted_at=clock.now())
    is_news = reason is not None and reason != row.reason
    row.consignment_id, row.order_id = consignment.id, consignment.order_id
    row.account_id, row.service_level = consignment.account_id, consignment.service_level
    row.occurred_at, row.facts = facts.done_at, msgspec.to_builtins(facts)
    if reason is None:
        row.tariff_id, row.settled_at = tariff.id, clock.now()
        await _charge(session, work, tariff, lines)
    else:
        row.reason = reason
    session.add(row)
    if is_news and reason is not None:
        emit(
            session,
            WorkNotPriced(
                consignment_id=consignment.id,
                order_id=consignment.order_id,
                source=work.source,
                reason=reason,
            ),
        )
    return row


async def _charge(
    session: AsyncSession, work: WorkDone, tariff: TariffView, lines: Sequence[PricedLine]
) -> None:
    """One charge for each line; they are named by the fact and their number."""
    consignment, facts = work.consignment, work.facts
    assert consignment.account_id is not None  # else there is no tariff
    cost_centre = ""
    if consignment.order_id is not None:
        cost_centre = (await orders.get_order(session, consignment.order_id)).cost_centre
    charges = [
        NewCharge(
            account_id=consignment.account_id,
            order_id=consignment.order_id,
            consignment_id=consignment.id,
            kind=line.kind,
            description=f"{consignment.waybill}: {line.description}",
            net_minor=line.net_minor,
            currency=tariff.currency,
            vat_code=tariff.rules.vat_code,
            cost_centre=cost_centre,
            ship_to_country="" if facts.work == "return" else country_of(facts.destination),
            occurred_at=facts.done_at,
            tariff_id=tariff.id,
            trace=msgspec.to_builtins(line.trace),
            source=f"{work.source}:{number}",
        )
        for number, line in enumerate(lines, start=1)
    ]
    await record_charges(session, charges)
    emit(
        session,
        ChargesRecorded(
            consignment_id=consignment.id,
            order_id=consignment.order_id,
            account_id=consignment.account_id,
            source=work.source,
        ),
    )


async def _price(session: AsyncSession, work: WorkDone) -> tuple[TariffView, list[PricedLine]]:
    consignment = work.consignment
    if consignment.account_id is None:
        raise Unpriceable(reason="Nobody knows whose goods they are: there is no account.")
    return await price_for(session, consignment.account_id, consignment.service_level, work.facts)


async def price_for(
    session: AsyncSession, account_id: UUID, service_level: str | None, facts: Facts
) -> tuple[TariffView, list[PricedLine]]:
    """What the work costs an account, by the tariff in force when it is done.

    Raises
    ------
    Unpriceable
    """
    account = await accounts.get_account(session, account_id)
    tariff = await find_tariff(
        session,
        account_id=account.id,
        service_level=service_level,
        currency=account.currency,
        at=facts.done_at,
    )
    if tariff is None:
        level = service_level or "any service level"
        raise Unpriceable(
            reason=f"No tariff in {account.currency} was in force for {account.code}, {level}, on "
            f"{facts.done_at:%Y-%m-%d %H:%M} UTC."
        )
    return tariff, price(tariff.rules, facts, tariff.currency)


def country_of(spot: Spot) -> str:
    """ISO 3166 alpha-2; "" where an address names no country, or calls it otherwise."""
    code = spot.country.strip().upper()
    return code if code in COUNTRIES else ""


def work_view(row: BillableWork) -> WorkView:
    return msgspec.convert(row, WorkView, from_attributes=True)
