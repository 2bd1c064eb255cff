"""The paper: what is printed, what is embedded, and that nobody's name can break it."""

import io
import re
from datetime import date, timedelta
from typing import Any, Literal
from uuid import uuid4

import facturx
import msgspec
import pypdfium2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from server.billing.invoice_errors import NotIssued
from server.billing.invoice_views import InvoiceView, LineView
from server.billing.invoice_xml import write_cii
from server.billing.paper_words import money_text
from server.billing.papers import printable, write_pdf
from server.billing.vat import EXPORT_CODE, REVERSE_CHARGE_CODE, VatTreatment, vat_groups
from tests.server.billing.bookkeeping import BUYER, COMPANY, NOON, VIENNA

replace = msgspec.structs.replace

STANDARD = VatTreatment(category="S", rate_bp=1900)


def paper(lines: int = 3, **fields: Any) -> InvoiceView:
    made = tuple(
        LineView(
            number=number,
            charge_id=None,
            credits_line=None,
            description=f"Zustellung {number}",
            occurred_on=date(2026, 2, 1) + timedelta(days=number % 28),
            cost_centre="",
            net_minor=100 * number,
            credited_minor=0,
            treatment=fields.pop("treatment", STANDARD),
        )
        for number in range(1, lines + 1)
    )
    groups = vat_groups((line.treatment, line.net_minor) for line in made)
    net_minor = sum(group.net_minor for group in groups)
    vat_minor = sum(group.vat_minor for group in groups)
    values: dict[str, Any] = {
        "id": uuid4(),
        "kind": "invoice",
        "state": "issued",
        "number": "INV-2026-000123",
        "account_id": uuid4(),
        "company_code": "MAIN",
        "corrects_id": None,
        "reason": "",
        "currency": "EUR",
        "order_id": None,
        "cost_centre": "",
        "period_from_on": date(2026, 2, 1),
        "period_to_on": date(2026, 2, 28),
        "issued_on": date(2026, 3, 2),
        "due_on": date(2026, 3, 16),
        "buyer_reference": "4711",
        "net_minor": net_minor,
        "vat_minor": vat_minor,
        "gross_minor": net_minor + vat_minor,
        "open_minor": 0,
        "created_at": NOON,
        "seller": COMPANY,
        "buyer": BUYER,
        "vat": groups,
        "lines": made,
        "corrects_number": None,
        "corrects_issued_on": None,
    }
    return InvoiceView(**values | fields)


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in document]


def numbers_on(page: str) -> set[int]:
    return {int(number) for number in re.findall(r"Zustellung ([0-9]+)", page)}


def test_a_german_invoice_says_what_it_must() -> None:
    (text,) = pages(write_pdf(paper()))
    for words in (
        "Rechnung",
        "INV-2026-000123",
        "Teehaus Nord GmbH",
        "Torstraße 1",
        "02.03.2026",
        "Zustellung 3",
        "19 % USt auf 6,00",
        "1,14",
        "EUR 7,14",
        "bis zum 16.03.2026",
        "DE89 3704 0044 0532 0130 00",
        "USt-IdNr. DE136695976",
        "1 / 1",
    ):
        assert words in text


def test_an_english_credit_note_says_what_it_must() -> None:
    buyer = replace(BUYER, language="en", address=VIENNA)
    note = paper(
        kind="credit_note",
        number="CN-2026-000007",
        reason="Damaged",
        corrects_number="INV-2026-000123",
        corrects_issued_on=date(2026, 3, 2),
        buyer=buyer,
    )
    (text,) = pages(write_pdf(note))
    for words in ("Credit note", "Reason: Damaged", "For invoice", "EUR 7.14", "2 March 2026"):
        assert words in text
    assert "IBAN" not in text  # nobody is to pay it


def test_reverse_charge_is_said_in_the_buyers_language() -> None:
    reverse = VatTreatment(category="AE", exemption_code=REVERSE_CHARGE_CODE, exemption_reason="x")
    (text,) = pages(write_pdf(paper(lines=1, treatment=reverse)))
    assert "Steuerschuldnerschaft des Leistungsempfängers" in text


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Steuerfreie Ausfuhr"), ("en", "Export outside the EU: exempt from VAT")],
)
def test_export_is_said_in_the_buyers_language(language: Literal["de", "en"], words: str) -> None:
    treatment = VatTreatment(category="G", exemption_code=EXPORT_CODE, exemption_reason="x")
    buyer = replace(BUYER, language=language)
    (text,) = pages(write_pdf(paper(lines=1, treatment=treatment, buyer=buyer)))
    assert words in text


def test_sums_are_carried_from_page_to_page() -> None:
    first, second, third = pages(write_pdf(paper(lines=70)))
    for before, after in ((first, second), (second, third)):
        last = max(numbers_on(before))
        so_far = money_text(sum(100 * number for number in range(1, last + 1)), "EUR", "de")
        assert "Zwischensumme" in before and so_far in before
        assert "Übertrag" in after and so_far in after
        assert min(numbers_on(after)) == last + 1
    assert "Übertrag" not in first and "Zwischensumme" not in third
    assert "2.485,00" in third


def test_the_paper_carries_its_own_data_as_factur_x() -> None:
    invoice = paper()
    pdf = write_pdf(invoice)
    name, xml = facturx.get_xml_from_pdf(pdf)
    assert (name, xml) == ("factur-x.xml", write_cii(invoice))
    metadata = PdfReader(io.BytesIO(pdf)).xmp_metadata
    assert metadata is not None
    said = metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in said.replace("\n", "")
    assert "EN 16931" in said


def test_every_print_of_an_invoice_is_alike() -> None:
    invoice = paper()
    assert pages(write_pdf(invoice)) == pages(write_pdf(invoice))


def test_a_draft_has_no_paper() -> None:
    with pytest.raises(NotIssued):
        write_pdf(paper(seller=None, buyer=None))


@pytest.mark.parametrize(
    "name",
    [
        '#panic("caught")',
        '#import "@preview/x:1.0.0"',
        '"}); #read("/etc/passwd")',
        "$ x^2 $ *bold* _it_ `raw` <label> @ref \\ // /* = head",
        "株式会社 \N{PILE OF POO} العربية",
        "\u202egnirts\u202c \u200b\u00ad\ufeff\ufffe",
        "A" * 200,
    ],
)
def test_hostile_names_are_set_as_text(name: str) -> None:
    hostile = replace(BUYER, name=name, attention=name)
    invoice = paper(buyer=hostile, seller=replace(COMPANY, name=name), reason=name, number=name)
    text = "".join(pages(write_pdf(invoice))).replace("\r\n", "").replace(" ", "")
    if name.isascii():
        assert name.replace(" ", "")[:30] in text


def test_what_turns_letters_around_is_left_out_and_the_rest_stays() -> None:
    assert printable("Ærø Łódź ẞ Ωμέγα Жук €5 – “x”") == "Ærø Łódź ẞ Ωμέγα Жук €5 – “x”"
    assert printable("e\N{COMBINING ACUTE ACCENT}") == "é"
    assert printable("A\u202eB\u200b中") == "AB中"


def test_a_buyers_name_is_printed_in_its_own_script() -> None:
    buyer = replace(BUYER, name="Καφενείο Жук", attention="محمد עברית दिल्ली")
    (text,) = pages(write_pdf(paper(lines=1, buyer=buyer)))
    assert "Καφενείο Жук" in text
    assert "letters]" not in text


@given(st.text(min_size=1, max_size=60))
@example(" ")
@example("\N{NO-BREAK SPACE}")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_at_all_can_be_printed(text: str) -> None:
    assert pages(write_pdf(paper(lines=1, reason=text, buyer=replace(BUYER, name=text))))


def test_amounts_are_written_as_the_language_has_it() -> None:
    assert money_text(123_456_789, "EUR", "de") == "1.234.567,89"
    assert money_text(-123_456, "EUR", "en") == "−1,234.56"
    assert money_text(1234, "JPY", "en") == "1,234"
    assert money_text(1234, "KWD", "de") == "1,234"
