"""Use cases: the table of VAT rates, by country, code and day."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.charges import VatCode
from server.billing.invoice_errors import BadCountry, BadVatRate, NoVatRate, ReasonNeeded
from server.billing.invoice_models import VatRate
from server.billing.invoice_parties import COUNTRIES, Country, VatexCode
from server.billing.vat import FULL_BP, VatCategory, VatTreatment
from server.identity.service import record_audit
from server.kit.inputs import Line

CATEGORIES: dict[VatCode, VatCategory] = {
    "standard": "S",
    "reduced": "S",
    "zero": "Z",
    "exempt": "E",
}


class VatRateView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """valid_from: its first day; it ends where the next one of its code begins. rate_bp: basis
    points, so 1900 is 19 %. label: what the accounting program calls it, for the exports."""

    country: Country
    code: VatCode
    valid_from: date
    rate_bp: Annotated[int, Meta(ge=0, le=FULL_BP)]
    exemption_code: VatexCode = ""
    exemption_reason: Line = ""
    label: Line = ""

    @property
    def treatment(self) -> VatTreatment:
        return VatTreatment(
            category=CATEGORIES[self.code],
            rate_bp=self.rate_bp,
            exemption_code=self.exemption_code,
            exemption_reason=self.exemption_reason,
        )


async def put_vat_rate(session: AsyncSession, rate: VatRateView, *, by: str) -> VatRateView:
    """Give a rate from a day on. Issued invoices keep the rate that they were issued with.

    Raises
    ------
    BadCountry, BadVatRate, ReasonNeeded
    """
    if rate.country not in COUNTRIES:
        raise BadCountry(country=rate.country)
    taxed = rate.code in ("standard", "reduced")
    if taxed != (rate.rate_bp > 0):
        raise BadVatRate(
            vat_code=rate.code, expected="more than zero" if taxed else "zero basis points"
        )
    if rate.code == "exempt" and not rate.exemption_reason:
        raise ReasonNeeded
    values = msgspec.structs.asdict(rate)
    await session.execute(
        insert(VatRate)
        .values(**values)
        .on_conflict_do_update(index_elements=["country", "code", "valid_from"], set_=values)
    )
    await record_audit(
        session,
        by=by,
        action="vat_rate.changed",
        subject=f"vat_rate:{rate.country}:{rate.code}:{rate.valid_from}",
        details=values,
    )
    return rate


async def list_vat_rates(session: AsyncSession, country: str | None = None) -> list[VatRateView]:
    """By country and code, the newest first."""
    query = select(VatRate).order_by(VatRate.country, VatRate.code, VatRate.valid_from.desc())
    if country is not None:
        query = query.where(VatRate.country == country)
    rows = await session.scalars(query)
    return [msgspec.convert(row, VatRateView, from_attributes=True) for row in rows]


class RateTable:
    """The rates of one country, to be looked up by code and day."""

    def __init__(self, country: str, rates: Sequence[VatRateView]) -> None:
        self._country = country
        self._rates = rates

    def treatment(self, vat_code: str, day: date) -> VatTreatment:
        """Raises NoVatRate."""
        for rate in self._rates:
            if rate.code == vat_code and rate.valid_from <= day:
                return rate.treatment
        raise NoVatRate(vat_code=vat_code, country=self._country, day=day.isoformat())


async def rates_of(session: AsyncSession, country: str) -> RateTable:
    return RateTable(country, await list_vat_rates(session, country))
