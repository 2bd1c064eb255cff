"""Invoices and credit notes over HTTP, and what they need to know of sellers, buyers and VAT.
Account users read what was issued to them."""

import asyncio
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import (
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
)
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.service import UnknownAccount
from server.billing import credit_notes, invoice_drafts, invoices, profiles, vat_rates
from server.billing.credit_notes import CreditedLine
from server.billing.invoice_drafts import Drafts, Uninvoiced
from server.billing.invoice_parties import Buyer, BuyerView, Company, CompanyView
from server.billing.invoice_views import (
    InvoiceKind,
    InvoiceState,
    InvoiceSummary,
    InvoiceView,
    get_invoice,
    list_invoices,
)
from server.billing.invoice_xml import write_ubl
from server.billing.papers import write_pdf
from server.billing.payment_matches import MatchView, list_matches
from server.billing.sales_csv import Program, sales_csv
from server.billing.vat_rates import VatRateView
from server.identity.access import Principal, Role, allow
from server.kit.idempotency import answer_once
from server.kit.inputs import FilledLine, Limit, Moment
from server.kit.paging import cut_page

MAY_READ = allow(Role.ADMIN, Role.CLERK, Role.ACCOUNT_USER, scope="billing:read")
COMPANY_READS = allow(Role.ADMIN, Role.CLERK, scope="billing:read")
MAY_INVOICE = allow(Role.ADMIN, Role.CLERK, scope="billing:write")
MAY_RULE = allow(Role.ADMIN, scope="billing:admin")

Session = NamedDependency[AsyncSession]
Caller = NamedDependency[Principal]
IdempotencyKey = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
# Litestar keeps the name `state` to itself.
StateQuery = Annotated[InvoiceState | None, QueryParameter(name="state")]
Code = Annotated[str, PathParameter(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")]
CodeQuery = Annotated[str, QueryParameter(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")]
CountryQuery = Annotated[str | None, QueryParameter(pattern=r"^[A-Z]{2}$")]
LedgerQuery = Annotated[str, QueryParameter(pattern=r"^[A-Za-z0-9.-]{1,20}$")]


class CompanyList(msgspec.Struct):
    items: list[CompanyView]


class RateList(msgspec.Struct):
    items: list[VatRateView]


class InvoicePage(msgspec.Struct):
    items: list[InvoiceSummary]
    next: UUID | None


class UninvoicedPage(msgspec.Struct):
    """An account that is charged in several currencies stands in it several times."""

    items: list[Uninvoiced]
    next: UUID | None


class MatchList(msgspec.Struct):
    items: list[MatchView]


class DraftRequest(msgspec.Struct, forbid_unknown_fields=True):
    """until: what happened before it is invoiced."""

    account_id: UUID
    until: Moment


class CreditRequest(msgspec.Struct, forbid_unknown_fields=True):
    """lines: none means all that is left of the invoice."""

    reason: FilledLine
    lines: Annotated[tuple[CreditedLine, ...], Meta(max_length=2000)] = ()


@get("/api/companies", guards=[COMPANY_READS])
async def list_companies(session: Session) -> CompanyList:
    """Our own legal entities."""
    return CompanyList(list(await profiles.list_companies(session)))


@put("/api/companies/{company:str}", guards=[MAY_RULE])
async def put_company(
    company: Code, data: JSONBody[Company], session: Session, principal: Caller
) -> CompanyView:
    """Make one of our legal entities, or change it; what is issued keeps what it says."""
    return await profiles.put_company(session, company, data, by=principal.label)


@get("/api/vat-rates", guards=[COMPANY_READS])
async def list_vat_rates(session: Session, country: CountryQuery = None) -> RateList:
    """By country and code, the newest first."""
    return RateList(await vat_rates.list_vat_rates(session, country))


@put("/api/vat-rates", guards=[MAY_RULE])
async def put_vat_rate(
    data: JSONBody[VatRateView], session: Session, principal: Caller
) -> VatRateView:
    """Give a rate from a day on, for what is issued from now on."""
    return await vat_rates.put_vat_rate(session, data, by=principal.label)


@get("/api/accounts/{account_id:uuid}/billing-profile", guards=[MAY_READ])
async def get_billing_profile(
    account_id: FromPath[UUID], session: Session, principal: Caller
) -> BuyerView:
    """To whom an account's invoices are written, and how."""
    refuse_others(principal, account_id)
    profile = await profiles.get_buyer(session, account_id)
    return BuyerView(account_id=account_id, profile=profile)


@put("/api/accounts/{account_id:uuid}/billing-profile", guards=[MAY_INVOICE])
async def put_billing_profile(
    account_id: FromPath[UUID], data: JSONBody[Buyer], session: Session, principal: Caller
) -> BuyerView:
    """Say how an account is invoiced."""
    return await profiles.put_buyer(session, account_id, data, by=principal.label)


@get("/api/uninvoiced", guards=[COMPANY_READS])
async def list_uninvoiced(
    session: Session, *, limit: Limit = 50, after: FromQuery[UUID | None] = None
) -> UninvoicedPage:
    """Account by account what waits to be invoiced."""
    rows = await invoice_drafts.list_uninvoiced(session, after=after, limit=limit)
    is_full = len({row.account_id for row in rows}) == limit
    return UninvoicedPage(rows, rows[-1].account_id if is_full else None)


@post("/api/invoice-drafts", guards=[MAY_INVOICE])
async def draft_invoices(
    data: JSONBody[DraftRequest], session: Session, principal: Caller
) -> Drafts:
    """Draft what waits to be invoiced, by the account's own rule. A repeat finds nothing left."""
    return await invoice_drafts.draft_invoices(
        session, data.account_id, until=data.until, by=principal.label
    )


@get("/api/invoices", guards=[MAY_READ])
async def list_all_invoices(
    session: Session,
    principal: Caller,
    *,
    account_id: FromQuery[UUID | None] = None,
    kind: FromQuery[InvoiceKind | None] = None,
    in_state: StateQuery = None,
    limit: Limit = 50,
    after: FromQuery[UUID | None] = None,
) -> InvoicePage:
    """Invoices and credit notes, newest first; accounts see their own, without drafts."""
    own = principal.own_account_only()
    if own is not None and account_id not in (None, own):
        return InvoicePage([], None)
    rows = await list_invoices(
        session,
        account_id=own or account_id,
        kind=kind,
        state=in_state,
        drafts=own is None,
        after=after,
        limit=limit + 1,
    )
    return InvoicePage(*cut_page(rows, limit))


@get("/api/invoices/{invoice_id:uuid}", guards=[MAY_READ])
async def get_one_invoice(
    invoice_id: FromPath[UUID], session: Session, principal: Caller
) -> InvoiceView:
    """An invoice or a credit note with its lines."""
    return await get_invoice(session, invoice_id, account_id=principal.own_account_only())


@delete("/api/invoices/{invoice_id:uuid}", guards=[MAY_INVOICE])
async def discard_draft(invoice_id: FromPath[UUID], session: Session, principal: Caller) -> None:
    """Take a draft away; its charges wait again."""
    await invoice_drafts.discard_draft(session, invoice_id, by=principal.label)


@post("/api/invoices/{invoice_id:uuid}/issue", guards=[MAY_INVOICE], status_code=200)
async def issue_invoice(
    invoice_id: FromPath[UUID], session: Session, principal: Caller
) -> InvoiceView:
    """Give a draft its number. From then on it never changes."""
    return await invoices.issue_invoice(session, invoice_id, by=principal.label)


@post("/api/invoices/{invoice_id:uuid}/credit-notes", guards=[MAY_INVOICE])
async def credit_invoice(
    invoice_id: FromPath[UUID],
    data: JSONBody[CreditRequest],
    session: Session,
    principal: Caller,
    *,
    idempotency_key: IdempotencyKey = None,
) -> InvoiceView:
    """Take an issued invoice back, or some of it."""
    return await answer_once(
        session,
        scope=f"credit-notes:{principal.label}",
        key=idempotency_key,
        body=(invoice_id, data),
        answer_type=InvoiceView,
        act=lambda: credit_notes.credit_invoice(
            session, invoice_id, lines=data.lines, reason=data.reason, by=principal.label
        ),
    )


@get("/api/invoices/{invoice_id:uuid}/matches", guards=[MAY_READ])
async def list_invoice_matches(
    invoice_id: FromPath[UUID], session: Session, principal: Caller
) -> MatchList:
    """What settled an invoice, undone matches too."""
    await get_invoice(session, invoice_id, account_id=principal.own_account_only())
    return MatchList(await list_matches(session, [invoice_id]))


@get(
    "/api/invoices/{invoice_id:uuid}/pdf",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="PDF/A-3.", media_type="application/pdf")},
)
async def get_invoice_pdf(
    invoice_id: FromPath[UUID], session: Session, principal: Caller
) -> Response[bytes]:
    """The paper, with its data embedded (Factur-X)."""
    own = principal.own_account_only()
    invoice = await get_invoice(session, invoice_id, account_id=own)
    pdf = await asyncio.to_thread(write_pdf, invoice)
    return as_file(pdf, f"{invoice.number}.pdf", "application/pdf")


@get(
    "/api/invoices/{invoice_id:uuid}/ubl",
    guards=[MAY_READ],
    responses={200: ResponseSpec(bytes, description="UBL 2.1.", media_type="application/xml")},
)
async def get_invoice_ubl(
    invoice_id: FromPath[UUID], session: Session, principal: Caller
) -> Response[bytes]:
    """The invoice or credit note as Peppol BIS Billing 3.0."""
    own = principal.own_account_only()
    invoice = await get_invoice(session, invoice_id, account_id=own)
    xml = await asyncio.to_thread(write_ubl, invoice)
    return as_file(xml, f"{invoice.number}.xml", "application/xml")


@get(
    "/api/sales.csv",
    guards=[COMPANY_READS],
    responses={200: ResponseSpec(bytes, description="CSV.", media_type="text/csv")},
)
async def get_sales_csv(
    session: Session,
    program: FromQuery[Program],
    company: CodeQuery,
    since: FromQuery[date],
    until: FromQuery[date],
    *,
    kind: FromQuery[InvoiceKind] = "invoice",
    revenue_account: LedgerQuery = "200",
) -> Response[bytes]:
    """What was issued in up to 31 days, for Xero or QuickBooks."""
    text = await sales_csv(
        session,
        program,
        company=company,
        kind=kind,
        since=since,
        until=until,
        revenue_account=revenue_account,
    )
    return as_file(text.encode(), f"{program}-{since}-{until}.csv", "text/csv; charset=utf-8")


def refuse_others(principal: Principal, account_id: UUID) -> None:
    """To those who are confined to one account, others do not exist."""
    if principal.own_account_only() not in (None, account_id):
        raise UnknownAccount(account_id=account_id)


def as_file(body: bytes, name: str, media_type: str) -> Response[bytes]:
    """name: of letters, digits, dots and dashes only."""
    return Response(
        body,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


INVOICE_ROUTES: list[Any] = [
    list_companies,
    put_company,
    list_vat_rates,
    put_vat_rate,
    get_billing_profile,
    put_billing_profile,
    list_uninvoiced,
    draft_invoices,
    list_all_invoices,
    get_one_invoice,
    discard_draft,
    issue_invoice,
    credit_invoice,
    list_invoice_matches,
    get_invoice_pdf,
    get_invoice_ubl,
    get_sales_csv,
]
