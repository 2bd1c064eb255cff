"""What other rooms and people see of invoices and credit notes."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing.invoice_errors import UnknownInvoice
from server.billing.invoice_models import Invoice, InvoiceLine
from server.billing.invoice_parties import Buyer, Company
from server.billing.vat import VatGroup, VatTreatment

InvoiceKind = Literal["invoice", "credit_note"]
InvoiceState = Literal["draft", "issued", "part_paid", "paid"]


class InvoiceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, or a credit note, whose amounts are positive too. In minor units of `currency`.

    number, issued_on, due_on: None in a draft, whose amounts are what they would be now.
    open_minor: of an issued invoice what is still to be paid; of a credit note what is not used.
    """

    id: UUID
    kind: InvoiceKind
    state: InvoiceState
    number: str | None
    account_id: UUID
    company_code: str
    corrects_id: UUID | None
    reason: str
    currency: str
    order_id: UUID | None
    cost_centre: str
    period_from_on: date
    period_to_on: date
    issued_on: date | None
    due_on: date | None
    buyer_reference: str
    net_minor: int
    vat_minor: int
    gross_minor: int
    open_minor: int
    created_at: datetime


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """credited_minor: how much of it credit notes have taken back."""

    number: int
    charge_id: UUID | None
    credits_line: int | None
    description: str
    occurred_on: date
    cost_centre: str
    net_minor: int
    credited_minor: int
    treatment: VatTreatment


class InvoiceView(InvoiceSummary, frozen=True, kw_only=True):
    """seller, buyer: as they were at issue; None in a draft."""

    seller: Company | None
    buyer: Buyer | None
    vat: tuple[VatGroup, ...]
    lines: tuple[LineView, ...]
    corrects_number: str | None
    corrects_issued_on: date | None


async def get_invoice(
    session: AsyncSession, invoice_id: UUID, *, account_id: UUID | None = None
) -> InvoiceView:
    """account_id: only if it belongs to this account, which does not see drafts.

    Raises
    ------
    UnknownInvoice
    """
    row = await session.get(Invoice, invoice_id)
    hidden = row is not None and account_id is not None and row.state == "draft"
    if row is None or hidden or account_id not in (None, row.account_id):
        raise UnknownInvoice(invoice_id=invoice_id)
    return await view_invoice(session, row)


async def list_invoices(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    kind: InvoiceKind | None = None,
    state: InvoiceState | None = None,
    drafts: bool = True,
    after: UUID | None = None,
    limit: int = 50,
) -> list[InvoiceSummary]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Invoice).order_by(Invoice.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Invoice.account_id == account_id)
    if kind is not None:
        query = query.where(Invoice.kind == kind)
    if state is not None:
        query = query.where(Invoice.state == state)
    if not drafts:
        query = query.where(Invoice.state != "draft")
    if after is not None:
        query = query.where(Invoice.id < after)
    return await summarize(session, query)


async def summarize(session: AsyncSession, query: Select[Invoice]) -> list[InvoiceSummary]:
    return [summary_of(row) for row in await session.scalars(query)]


def summary_of(row: Invoice) -> InvoiceSummary:
    return msgspec.convert(_plain(row), InvoiceSummary)


async def view_invoice(session: AsyncSession, row: Invoice) -> InvoiceView:
    corrected = await session.get(Invoice, row.corrects_id) if row.corrects_id else None
    credited = await credited_by_line(session, row.id)
    lines = tuple(
        LineView(
            number=line.number,
            charge_id=line.charge_id,
            credits_line=line.credits_line,
            description=line.description,
            occurred_on=line.occurred_on,
            cost_centre=line.cost_centre,
            net_minor=line.net_minor,
            credited_minor=credited.get(line.number, 0),
            treatment=treatment_of(line),
        )
        for line in await lines_of(session, row.id)
    )
    extra = {
        "seller": row.seller,
        "buyer": row.buyer,
        "vat": row.vat,
        "lines": (),
        "corrects_number": corrected.number if corrected else None,
        "corrects_issued_on": corrected.issued_on if corrected else None,
    }
    view = msgspec.convert(_plain(row) | extra, InvoiceView)
    return msgspec.structs.replace(view, lines=lines)


async def lines_of(session: AsyncSession, invoice_id: UUID) -> Sequence[InvoiceLine]:
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id)
    return (await session.scalars(query.order_by(InvoiceLine.number))).all()


async def credited_by_line(session: AsyncSession, invoice_id: UUID) -> dict[int, int]:
    """Line of the invoice -> minor units that issued credit notes have taken back of it."""
    rows = await session.execute(
        select(InvoiceLine.credits_line, func.sum(InvoiceLine.net_minor))
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            Invoice.corrects_id == invoice_id,
            Invoice.state != "draft",
            InvoiceLine.credits_line.is_not(None),
        )
        .group_by(InvoiceLine.credits_line)
    )
    return {number: int(minor) for number, minor in rows if number is not None}


def treatment_of(line: InvoiceLine) -> VatTreatment:
    return msgspec.convert(line.treatment, VatTreatment)


def _plain(row: Invoice) -> dict[str, object]:
    columns = {name: getattr(row, name) for name in InvoiceSummary.__struct_fields__[:-2]}
    is_open = row.state != "draft"
    open_minor = row.gross_minor - row.settled_minor if is_open else 0
    return columns | {"open_minor": open_minor, "created_at": row.created_at}


async def total_issued(
    session: AsyncSession, kind: InvoiceKind, *, since: datetime, until: datetime
) -> dict[str, int]:
    """Currency -> the gross sum of all papers of a kind that were issued in since <= t < until."""
    rows = await session.execute(
        select(Invoice.currency, func.sum(Invoice.gross_minor))
        .where(Invoice.kind == kind, Invoice.issued_at >= since, Invoice.issued_at < until)
        .group_by(Invoice.currency)
    )
    return {currency: int(total) for currency, total in rows}
