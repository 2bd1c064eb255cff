"""Use cases: our own legal entities, and how each account is invoiced."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from stdnum import iban

from server.accounts import service as accounts
from server.billing.invoice_errors import (
    BadCountry,
    BadIban,
    BadVatId,
    BadZone,
    NoBillingProfile,
    PrefixTaken,
    ReasonNeeded,
    UnknownCompany,
)
from server.billing.invoice_models import BillingProfile, CompanyProfile
from server.billing.invoice_parties import COUNTRIES, Buyer, BuyerView, Company, CompanyView
from server.billing.vat import EU, is_vat_id_of
from server.identity.service import record_audit
from server.kit import clock


async def put_company(
    session: AsyncSession, code: str, company: Company, *, by: str
) -> CompanyView:
    """Make one of our legal entities, or change it. What is issued keeps what it says.

    Raises
    ------
    BadCountry, BadVatId, BadIban, BadZone, PrefixTaken
    """
    _check_party(company)
    if company.iban and not iban.is_valid(company.iban):
        raise BadIban(iban=company.iban)
    if company.timezone not in available_timezones():
        raise BadZone(timezone=company.timezone)
    await _check_prefixes(session, code, company)
    values = {
        "invoice_prefix": company.invoice_prefix,
        "credit_note_prefix": company.credit_note_prefix,
        "profile": msgspec.to_builtins(company),
        "changed_at": clock.now(),
    }
    await session.execute(
        insert(CompanyProfile)
        .values(code=code, **values)
        .on_conflict_do_update(index_elements=["code"], set_=values)
    )
    await record_audit(
        session,
        by=by,
        action="company.changed",
        subject=f"company:{code}",
        details=values["profile"],
    )
    return CompanyView(code=code, profile=company)


async def get_company(session: AsyncSession, code: str) -> Company:
    """Raises UnknownCompany."""
    found = await session.scalar(select(CompanyProfile.profile).where(CompanyProfile.code == code))
    if found is None:
        raise UnknownCompany(company=code)
    return msgspec.convert(found, Company)


async def list_companies(session: AsyncSession) -> Sequence[CompanyView]:
    rows = await session.scalars(select(CompanyProfile).order_by(CompanyProfile.code))
    return [
        CompanyView(code=row.code, profile=msgspec.convert(row.profile, Company)) for row in rows
    ]


async def put_buyer(session: AsyncSession, account_id: UUID, buyer: Buyer, *, by: str) -> BuyerView:
    """Say how an account is invoiced.

    Raises
    ------
    UnknownAccount, UnknownCompany, BadCountry, BadVatId, ReasonNeeded
    """
    await accounts.get_account(session, account_id)
    await get_company(session, buyer.company)
    _check_party(buyer)
    if buyer.vat_rule == "exempt" and not buyer.exemption_reason:
        raise ReasonNeeded
    values: dict[str, Any] = {
        "company_code": buyer.company,
        "profile": msgspec.to_builtins(buyer),
        "changed_at": clock.now(),
    }
    await session.execute(
        insert(BillingProfile)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
    await record_audit(
        session,
        by=by,
        action="billing_profile.changed",
        subject=f"account:{account_id}",
        details=values["profile"],
    )
    return BuyerView(account_id=account_id, profile=buyer)


async def get_buyer(session: AsyncSession, account_id: UUID) -> Buyer:
    """Raises NoBillingProfile."""
    return await _read_buyer(session, account_id, lock=False)


async def lock_books(session: AsyncSession, account_id: UUID) -> Buyer:
    """Wait until nobody else moves this account's invoices and payments, and keep others out until
    the transaction ends. Always the first lock taken, and for one account in a transaction.

    Raises
    ------
    NoBillingProfile
    """
    return await _read_buyer(session, account_id, lock=True)


def today(company: Company) -> date:
    """The day that it is where the company keeps its books."""
    return clock.now().astimezone(ZoneInfo(company.timezone)).date()


async def _read_buyer(session: AsyncSession, account_id: UUID, *, lock: bool) -> Buyer:
    query = select(BillingProfile.profile).where(BillingProfile.account_id == account_id)
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NoBillingProfile(account_id=account_id)
    return msgspec.convert(found, Buyer)


async def _check_prefixes(session: AsyncSession, code: str, company: Company) -> None:
    """Every series of every company begins differently, so that no number is given out twice."""
    prefixes = [company.invoice_prefix, company.credit_note_prefix]
    if prefixes[0] == prefixes[1]:
        raise PrefixTaken(prefix=prefixes[0])
    taken = await session.scalars(
        select(CompanyProfile)
        .where(
            CompanyProfile.code != code,
            or_(
                CompanyProfile.invoice_prefix.in_(prefixes),
                CompanyProfile.credit_note_prefix.in_(prefixes),
            ),
        )
        .with_for_update()
    )
    for other in taken:
        used = {other.invoice_prefix, other.credit_note_prefix}
        raise PrefixTaken(prefix=next(prefix for prefix in prefixes if prefix in used))


def _check_party(party: Company | Buyer) -> None:
    country = party.address.country
    if country not in COUNTRIES:
        raise BadCountry(country=country)
    if party.vat_id and country in EU and not is_vat_id_of(party.vat_id, country):
        raise BadVatId(vat_id=party.vat_id, country=country)
