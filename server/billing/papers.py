"""The paper of an issued invoice or credit note: a PDF/A-3 that carries its own data (Factur-X).

The same invoice gives the same page on every machine, unless a name in it needs letters that only
fonts of a machine have.
"""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, time
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from facturx import generate_from_file

from server.billing.invoice_parties import Buyer, Company, PostalAddress
from server.billing.invoice_views import InvoiceView, LineView
from server.billing.invoice_xml import parties_of, write_cii
from server.billing.paper_words import (
    WORDS,
    Language,
    PaperWords,
    day_text,
    money_text,
    percent_text,
    short_day_text,
)
from server.billing.vat import VatTreatment
from server.kit.typeset import set_in_type

TEMPLATE = Path(__file__).with_name("paper.typ")

INVISIBLE = {"Cn", "Cc", "Cf", "Co", "Zl", "Zp"}


def write_pdf(invoice: InvoiceView) -> bytes:
    """The paper as PDF/A-3b with the Factur-X data embedded. Takes tenths of a second of CPU, so
    call it in a thread.

    Raises
    ------
    NotIssued
    """
    set_pages = set_in_type(TEMPLATE, describe(invoice), standard="a-3b", at=_issued_at(invoice))
    file = BytesIO(set_pages)
    seller, _ = parties_of(invoice)
    generate_from_file(
        file,
        write_cii(invoice),
        flavor="factur-x",
        level="en16931",
        check_xsd=False,
        lang=_language(invoice),
        pdf_metadata={
            "author": printable(seller.name),
            "title": printable(str(invoice.number)),
            "subject": printable(str(invoice.number)),
            "keywords": "Factur-X",
        },
    )
    return file.getvalue()


def describe(invoice: InvoiceView) -> dict[str, Any]:
    """All that the template sets, as text.

    Raises
    ------
    NotIssued
    """
    seller, buyer = parties_of(invoice)
    words, language = WORDS[buyer.language], buyer.language
    is_invoice = invoice.kind == "invoice"
    assert invoice.due_on is not None  # it is issued
    paper = {
        "lang": language,
        "title": words.invoice if is_invoice else words.credit_note,
        "number": invoice.number,
        "seller": seller.name,
        "sender": " · ".join([seller.name, *address_lines(seller.address, buyer.address.country)]),
        "recipient": [
            buyer.name,
            *([buyer.attention] if buyer.attention else []),
            *address_lines(buyer.address, seller.address.country),
        ],
        "facts": _facts(invoice, buyer, words),
        "intro": [words.intro_invoice if is_invoice else words.intro_credit_note]
        + ([words.reason.format(reason=invoice.reason)] if invoice.reason else []),
        "columns": [column.format(currency=invoice.currency) for column in words.columns],
        "sections": _sections(invoice, words, language),
        "totals": _totals(invoice, words, language),
        "total": [
            words.total_invoice if is_invoice else words.total_credit_note,
            f"{invoice.currency} {money_text(invoice.gross_minor, invoice.currency, language)}",
        ],
        "notes": [
            *dict.fromkeys(
                note for group in invoice.vat if (note := _vat_note(group.treatment, words))
            ),
            words.pay.format(due=day_text(invoice.due_on, language))
            if is_invoice
            else words.credited,
        ],
        "payment": _payment(invoice, seller, words) if is_invoice else [],
        "footer": footer_of(seller, language),
        "words": {
            "carried_over": words.carried_over,
            "carried_forward": words.carried_forward,
        },
    }
    return {name: made_printable(value) for name, value in paper.items()}


def printable(text: str) -> str:
    """The text without invisible characters, which could turn the order of letters around."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        each for each in composed if each == "\n" or unicodedata.category(each) not in INVISIBLE
    )


def made_printable(value: Any) -> Any:
    match value:
        case str():
            return printable(value)
        case dict():
            return {name: made_printable(each) for name, each in value.items()}
        case list() | tuple():
            return [made_printable(each) for each in value]
    return value


def _facts(invoice: InvoiceView, buyer: Buyer, words: PaperWords) -> list[tuple[str, str]]:
    language = buyer.language
    assert invoice.issued_on is not None and invoice.due_on is not None  # it is issued
    days = dict.fromkeys((invoice.period_from_on, invoice.period_to_on))
    facts = [
        (words.number, str(invoice.number)),
        (words.day, day_text(invoice.issued_on, language)),
        (words.period, " – ".join(short_day_text(day, language) for day in days)),
    ]
    if invoice.kind == "invoice":
        facts.append((words.due, day_text(invoice.due_on, language)))
    if invoice.corrects_number:
        facts.append((words.corrects, invoice.corrects_number))
    if invoice.buyer_reference:
        facts.append((words.reference, invoice.buyer_reference))
    if buyer.vat_id:
        facts.append((words.your_vat_id, buyer.vat_id))
    return facts


def _sections(invoice: InvoiceView, words: PaperWords, language: Language) -> list[dict[str, Any]]:
    """The lines, under a heading for each cost centre if there are any; each knows the sum up to
    and including it, for the foot of its page and the head of the next."""
    has_centres = any(line.cost_centre for line in invoice.lines)
    so_far = 0
    sections: list[dict[str, Any]] = []
    for centre, lines in groupby(invoice.lines, key=lambda line: line.cost_centre):
        shown = []
        for line in lines:
            so_far += line.net_minor
            shown.append(_line(line, so_far, invoice.currency, language))
        named = words.cost_centre.format(centre=centre) if centre else words.no_cost_centre
        sections.append({"title": named if has_centres else "", "lines": shown})
    return sections


def _line(line: LineView, so_far: int, currency: str, language: Language) -> dict[str, str]:
    return {
        "position": str(line.number),
        "day": short_day_text(line.occurred_on, language),
        "text": line.description,
        "rate": percent_text(line.treatment.rate_bp, language)
        + (" %" if language == "de" else "%"),
        "amount": money_text(line.net_minor, currency, language),
        "so_far": money_text(so_far, currency, language),
    }


def _totals(
    invoice: InvoiceView, words: PaperWords, language: Language
) -> Sequence[tuple[str, str]]:
    def money(minor: int) -> str:
        return money_text(minor, invoice.currency, language)

    return [
        (words.net, money(invoice.net_minor)),
        *(
            (
                words.vat.format(
                    rate=percent_text(group.treatment.rate_bp, language), net=money(group.net_minor)
                ),
                money(group.vat_minor),
            )
            for group in invoice.vat
        ),
    ]


def _vat_note(treatment: VatTreatment, words: PaperWords) -> str:
    ours = {"AE": words.reverse_charge, "O": words.outside_scope, "G": words.export}
    return ours.get(treatment.category, treatment.exemption_reason)


def _payment(invoice: InvoiceView, seller: Company, words: PaperWords) -> list[tuple[str, str]]:
    grouped = " ".join(seller.iban[start : start + 4] for start in range(0, len(seller.iban), 4))
    lines = [
        (words.iban, grouped),
        (words.bic, seller.bic),
        (words.bank, seller.bank_name),
        (words.purpose, str(invoice.number)),
    ]
    return [(name, value) for name, value in lines if value] if seller.iban else []


def footer_of(seller: Company, language: Language) -> list[list[str]]:
    """Who we are, in three columns."""
    words = WORDS[language]
    columns = [
        [seller.name, *address_lines(seller.address, seller.address.country)],
        [seller.phone, seller.email, seller.website],
        [
            seller.vat_id and words.vat_id.format(vat_id=seller.vat_id),
            seller.tax_number and words.tax_number.format(number=seller.tax_number),
            seller.registration,
        ],
    ]
    return [[line for line in column if line] or [""] for column in columns]


def address_lines(address: PostalAddress, seen_from: str) -> list[str]:
    """The lines of an address; its country only when it is another one."""
    town = f"{address.postcode} {address.city}".strip()
    lines = [address.street, address.extra, town]
    if address.country != seen_from:
        lines.append(address.country)
    return [line for line in lines if line]


def _issued_at(invoice: InvoiceView) -> int:
    """The same moment for every print of it, so that all prints are alike."""
    assert invoice.issued_on is not None  # it is issued
    return int(datetime.combine(invoice.issued_on, time(), UTC).timestamp())


def _language(invoice: InvoiceView) -> Language:
    return parties_of(invoice)[1].language
