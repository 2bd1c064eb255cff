"""The tax and the totals of a draft, found again at issue, when they become final."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.charges import get_charges
from server.billing.invoice_models import Invoice, InvoiceLine
from server.billing.invoice_parties import Buyer, Company
from server.billing.invoice_views import lines_of, treatment_of
from server.billing.vat import VatTreatment, treat, vat_groups
from server.billing.vat_rates import rates_of


async def price_lines(session: AsyncSession, row: Invoice, company: Company, buyer: Buyer) -> None:
    """Give each line of a draft its VAT treatment, and the draft its totals.

    A line that credits another one is taxed as that one was.

    Raises
    ------
    NoVatRate
    """
    rates = await rates_of(session, company.address.country)
    lines = await lines_of(session, row.id)
    originals = {
        line.number: treatment_of(line)
        for line in (await lines_of(session, row.corrects_id) if row.corrects_id else ())
    }
    shipped_to = await _shipped_to(session, lines)
    for line in lines:
        if line.credits_line is not None:
            treatment = originals[line.credits_line]
        else:
            domestic = rates.treatment(line.vat_code, line.occurred_on)
            treatment = treat(
                company.vat_status,
                buyer.vat_status,
                domestic,
                day=line.occurred_on,
                ship_to_country=shipped_to.get(line.charge_id, ""),
            )
        line.treatment = msgspec.to_builtins(treatment)
    groups = vat_groups(
        ((treatment_of(line), line.net_minor) for line in lines),
        before=await _credited_before(session, row),
    )
    row.vat = msgspec.to_builtins(groups)
    row.net_minor = sum(group.net_minor for group in groups)
    row.vat_minor = sum(group.vat_minor for group in groups)
    row.gross_minor = row.net_minor + row.vat_minor
    await session.flush()


async def _shipped_to(
    session: AsyncSession, lines: Sequence[InvoiceLine]
) -> dict[UUID | None, str]:
    """The countries to which goods went, by charge."""
    ids = [line.charge_id for line in lines if line.charge_id is not None]
    charges = await get_charges(session, ids)
    return {charge.id: charge.ship_to_country for charge in charges.values()}


async def _credited_before(session: AsyncSession, row: Invoice) -> dict[VatTreatment, int]:
    """What issued credit notes have taken back of the invoice that this one corrects."""
    before: dict[VatTreatment, int] = defaultdict(int)
    if row.corrects_id is None:
        return before
    lines = await session.scalars(
        select(InvoiceLine)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(Invoice.corrects_id == row.corrects_id, Invoice.state != "draft")
    )
    for line in lines:
        before[treatment_of(line)] += line.net_minor
    return before
