"""Remittances: the cash that was taken for an account and counted goes to the account, less our
fees if that is agreed. The fees are kept net; their VAT stays on the invoice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.cash import CashView, cash_view
from server.billing.events import CashWithheld
from server.billing.models import (
    CashAgreement,
    CashDebriefLine,
    CashTaken,
    Charge,
    Remittance,
    RemittanceLine,
)
from server.billing.payments import record_withheld_fees
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, NotFound
from server.kit.ids import new_id
from server.kit.outbox import emit


class UnknownRemittance(NotFound):
    """There is no remittance {remittance_id}, or it is not yours."""

    code = "billing.unknown_remittance"


class NothingToRemit(Conflict):
    """No counted cash in {currency} waits for this account."""

    code = "billing.nothing_to_remit"


class DueChanged(Conflict):
    """The account is due {gross_minor}, not what you were shown. Look again, then remit."""

    code = "billing.due_changed"


class DueCash(msgspec.Struct, frozen=True, kw_only=True):
    """What an account gets in one currency: gross less what is withheld.

    with_drivers_minor: taken, but not counted in a debrief yet.
    """

    account_id: UUID
    currency: str
    gross_minor: int
    withheld_minor: int
    net_minor: int
    with_drivers_minor: int


class RemittanceView(msgspec.Struct, frozen=True, kw_only=True):
    """net_minor: what was transferred."""

    id: UUID
    account_id: UUID
    currency: str
    gross_minor: int
    withheld_minor: int
    net_minor: int
    reference: str
    remitted_at: datetime
    remitted_by: str


async def agree_on_fees(
    session: AsyncSession, account_id: UUID, *, withholds_fees: bool, by: str
) -> None:
    """Whether we may keep our cash fees from what we remit.

    Raises
    ------
    UnknownAccount
    """
    await accounts.get_account(session, account_id)
    await session.execute(
        insert(CashAgreement)
        .values(account_id=account_id, withholds_fees=withholds_fees)
        .on_conflict_do_update(
            index_elements=["account_id"], set_={"withholds_fees": withholds_fees}
        )
    )
    await record_audit(
        session,
        by=by,
        action="cash.fees_agreed",
        subject=f"account:{account_id}",
        details={"withholds_fees": withholds_fees},
    )


async def due_cash(session: AsyncSession, account_id: UUID) -> list[DueCash]:
    """What an account is due, by currency.

    Raises
    ------
    UnknownAccount
    """
    await accounts.get_account(session, account_id)
    waiting: dict[str, int] = {}
    for currency, amount_minor in await session.execute(
        select(CashTaken.currency, func.sum(CashTaken.amount_minor))
        .where(CashTaken.account_id == account_id, ~_is_debriefed())
        .group_by(CashTaken.currency)
    ):
        waiting[currency] = int(amount_minor)
    rows = await _unremitted(session, account_id)
    due = []
    for currency in sorted({row.currency for row in rows} | set(waiting)):
        mine = [row for row in rows if row.currency == currency]
        gross_minor = sum(row.amount_minor for row in mine)
        withheld_minor = sum((await _fees(session, account_id, mine)).values())
        due.append(
            DueCash(
                account_id=account_id,
                currency=currency,
                gross_minor=gross_minor,
                withheld_minor=withheld_minor,
                net_minor=gross_minor - withheld_minor,
                with_drivers_minor=waiting.get(currency, 0),
            )
        )
    return due


async def remit_cash(
    session: AsyncSession,
    account_id: UUID,
    *,
    currency: str,
    gross_minor: int,
    reference: str,
    by: str,
) -> RemittanceView:
    """Pay out all counted cash. gross_minor: as it was shown; reference: of the bank transfer.

    Raises
    ------
    UnknownAccount, NothingToRemit, DueChanged
    """
    await accounts.get_account(session, account_id)
    key = f"cash:account:{account_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    rows = await _unremitted(session, account_id, currency=currency)
    due_minor = sum(row.amount_minor for row in rows)
    if due_minor <= 0:
        raise NothingToRemit(currency=currency)
    if due_minor != gross_minor:
        raise DueChanged(gross_minor=due_minor)
    fees = await _fees(session, account_id, rows)
    remittance = Remittance(
        id=new_id(),
        account_id=account_id,
        currency=currency,
        gross_minor=due_minor,
        withheld_minor=sum(fees.values()),
        reference=reference,
        remitted_at=clock.now(),
        remitted_by=by,
    )
    session.add(remittance)
    await session.flush()
    session.add_all(
        RemittanceLine(
            cash_id=row.id, remittance_id=remittance.id, withheld_minor=fees.get(row.id, 0)
        )
        for row in rows
    )
    await record_audit(
        session,
        by=by,
        action="cash.remitted",
        subject=f"account:{account_id}",
        details={"remittance_id": remittance.id, "gross_minor": due_minor, "currency": currency},
    )
    if remittance.withheld_minor:
        await record_withheld_fees(
            session,
            remittance_id=remittance.id,
            account_id=account_id,
            amount_minor=remittance.withheld_minor,
            currency=currency,
            by=by,
        )
        emit(
            session,
            CashWithheld(
                remittance_id=remittance.id,
                account_id=account_id,
                amount_minor=remittance.withheld_minor,
                currency=currency,
            ),
        )
    await session.flush()
    return remittance_view(remittance)


async def list_remittances(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[RemittanceView]:
    """Newest first."""
    query = select(Remittance).order_by(Remittance.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Remittance.account_id == account_id)
    if after is not None:
        query = query.where(Remittance.id < after)
    return [remittance_view(row) for row in await session.scalars(query)]


async def cash_of_remittance(
    session: AsyncSession, remittance_id: UUID, *, account_id: UUID | None = None
) -> list[CashView]:
    """What was remitted, door by door. account_id: only if it is this account's.

    Raises
    ------
    UnknownRemittance
    """
    remittance = await session.get(Remittance, remittance_id)
    if remittance is None or account_id not in (None, remittance.account_id):
        raise UnknownRemittance(remittance_id=remittance_id)
    rows = await session.scalars(
        select(CashTaken)
        .join(RemittanceLine, RemittanceLine.cash_id == CashTaken.id)
        .where(RemittanceLine.remittance_id == remittance_id)
        .order_by(CashTaken.id)
    )
    return [cash_view(row) for row in rows]


def _is_debriefed() -> ColumnElement[bool]:
    counted = select(CashDebriefLine.cash_id).where(CashDebriefLine.cash_id == CashTaken.id)
    return counted.exists()


async def _unremitted(
    session: AsyncSession, account_id: UUID, *, currency: str | None = None
) -> Sequence[CashTaken]:
    """Counted and not paid out yet."""
    remitted = select(RemittanceLine.cash_id).where(RemittanceLine.cash_id == CashTaken.id)
    query = select(CashTaken).where(
        CashTaken.account_id == account_id, _is_debriefed(), ~remitted.exists()
    )
    if currency is not None:
        query = query.where(CashTaken.currency == currency)
    return (await session.scalars(query.order_by(CashTaken.id))).all()


async def _fees(
    session: AsyncSession, account_id: UUID, rows: Sequence[CashTaken]
) -> dict[UUID, int]:
    """Cash -> the fee that we keep of it, never more than the cash. Nothing if not agreed."""
    agreement = await session.get(CashAgreement, account_id, populate_existing=True)
    if agreement is None or not agreement.withholds_fees or not rows:
        return {}
    (currency,) = {row.currency for row in rows}
    charged = await session.execute(
        select(Charge.consignment_id, func.sum(Charge.net_minor))
        .where(
            Charge.consignment_id.in_({row.consignment_id for row in rows}),
            Charge.kind == "cash_fee",
            Charge.currency == currency,
        )
        .group_by(Charge.consignment_id)
    )
    left = {consignment_id: int(minor) for consignment_id, minor in charged}
    kept_before = await session.execute(
        select(CashTaken.consignment_id, func.sum(RemittanceLine.withheld_minor))
        .join(CashTaken, CashTaken.id == RemittanceLine.cash_id)
        .where(CashTaken.consignment_id.in_(left))
        .group_by(CashTaken.consignment_id)
    )
    for consignment_id, minor in kept_before:
        left[consignment_id] -= int(minor)
    fees = {}
    for row in rows:
        kept = max(min(left.get(row.consignment_id, 0), row.amount_minor), 0)
        left[row.consignment_id] = left.get(row.consignment_id, 0) - kept
        fees[row.id] = kept
    spare = sum(row.amount_minor for row in rows)  # what was paid out leaves less to keep of
    for cash_id, kept in fees.items():
        fees[cash_id] = min(kept, max(spare, 0))
        spare -= fees[cash_id]
    return fees


def remittance_view(row: Remittance) -> RemittanceView:
    return RemittanceView(
        id=row.id,
        account_id=row.account_id,
        currency=row.currency,
        gross_minor=row.gross_minor,
        withheld_minor=row.withheld_minor,
        net_minor=row.gross_minor - row.withheld_minor,
        reference=row.reference,
        remitted_at=row.remitted_at,
        remitted_by=row.remitted_by,
    )
