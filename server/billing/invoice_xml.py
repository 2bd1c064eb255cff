"""An issued invoice or credit note as XML: UBL 2.1 for Peppol BIS Billing 3.0, and the CII that
Factur-X carries inside of the PDF. Both are written by the library factur-x from one table of the
business terms (BT) and groups (BG) of EN 16931.
"""

import re
from collections.abc import Mapping
from typing import Any

from facturx.generate_xml import generate_cii_xml, generate_ubl_xml
from lxml import etree

from server.billing.invoice_errors import NoPeppolId, NotIssued
from server.billing.invoice_parties import Buyer, Company, PostalAddress
from server.billing.invoice_views import InvoiceView, LineView
from server.billing.vat import FULL_BP, VatGroup
from server.kit.money import Money

CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"

TYPE_CODES = {"invoice": "380", "credit_note": "381"}
CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER = "30", "58"
PIECES = "C62"

NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")

Terms = dict[str, Any]


def write_ubl(invoice: InvoiceView) -> bytes:
    """UBL 2.1 as Peppol BIS Billing 3.0 wants it.

    Raises
    ------
    NotIssued, NoPeppolId
    """
    seller, buyer = parties_of(invoice)
    for party in (seller, buyer):
        if not party.peppol_id:
            raise NoPeppolId(party=party.name, number=invoice.number)
    written = generate_ubl_xml(
        _terms(invoice), level="en16931", check_xsd=False, check_schematron=False
    )
    root = etree.fromstring(written, etree.XMLParser(resolve_entities=False, no_network=True))
    for element in root.findall(f"{CBC}UBLVersionID"):
        root.remove(element)  # Peppol leaves it out
    customization = root.find(f"{CBC}CustomizationID")
    assert customization is not None  # the library writes the one of EN 16931
    customization.text = CUSTOMIZATION
    return bytes(etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8"))


def write_cii(invoice: InvoiceView) -> bytes:
    """Cross Industry Invoice in the profile EN 16931 of Factur-X.

    Raises
    ------
    NotIssued
    """
    written: bytes = generate_cii_xml(
        _terms(invoice), level="en16931", check_xsd=False, check_schematron=False
    )
    return written


def parties_of(invoice: InvoiceView) -> tuple[Company, Buyer]:
    """Seller and buyer as they were at issue.

    Raises
    ------
    NotIssued
    """
    if invoice.seller is None or invoice.buyer is None:
        raise NotIssued
    return invoice.seller, invoice.buyer


def amount_text(minor: int, currency: str) -> str:
    """1234.50: a number with the decimals of its currency."""
    return str(Money(minor, currency)).split(" ", 1)[0]


def _terms(invoice: InvoiceView) -> Terms:
    seller, buyer = parties_of(invoice)
    money = {
        "BT-106": invoice.net_minor,
        "BT-109": invoice.net_minor,
        "BT-110": invoice.vat_minor,
        "BT-112": invoice.gross_minor,
        "BT-115": invoice.gross_minor,
    }
    names_vat_ids = all(group.treatment.category != "O" for group in invoice.vat)
    terms: Terms = {
        "BT-1": invoice.number,
        "BT-2": invoice.issued_on,
        "BT-3": TYPE_CODES[invoice.kind],
        "BT-5": invoice.currency,
        "BT-9": invoice.due_on,
        "BT-10": invoice.buyer_reference,
        "BT-23": PROFILE,
        "BT-72": invoice.period_to_on,
        "BT-73": invoice.period_from_on,
        "BT-74": invoice.period_to_on,
        "BG-1": [{"BT-22": invoice.reason}] if invoice.reason else [],
        "BG-3": [{"BT-25": invoice.corrects_number, "BT-26": invoice.corrects_issued_on}]
        if invoice.corrects_number
        else [],
        "BG-4": _party(seller, names_vat_ids)
        | {"tax_identifier": seller.tax_number}
        | _contact(seller.contact_name, seller.phone, seller.email),
        "BG-7": _party(buyer, names_vat_ids) | _contact(buyer.attention, "", buyer.email),
        "BG-23": [_vat_group(group, invoice.currency) for group in invoice.vat],
        "BG-25": [_line(line, invoice.currency) for line in invoice.lines],
        **_payment_means(invoice, seller),
        **{term: amount_text(minor, invoice.currency) for term, minor in money.items()},
    }
    cleaned: Terms = _cleaned(terms)
    return cleaned


UNNAMED = "\N{REPLACEMENT CHARACTER}"
"""A party must have a name; one of nothing but spaces is none to a reader of XML."""


def _party(party: Company | Buyer, names_vat_id: bool) -> Terms:
    scheme, _, endpoint = party.peppol_id.partition(":")
    return {
        "name": party.name if party.name.strip() else UNNAMED,
        "vat_identifier": party.vat_id if names_vat_id else "",
        "legal_identifier": party.registration,
        "einvoicing_addr": endpoint,
        "einvoicing_addr_schemeid": scheme,
        **_address(party.address),
    }


def _address(address: PostalAddress) -> Terms:
    return {
        "addr_l1": address.street,
        "addr_l2": address.extra,
        "postcode": address.postcode,
        "city": address.city,
        "country_code": address.country,
    }


def _contact(name: str, phone: str, email: str) -> Terms:
    contact = {"name": name, "phone": phone, "email": email}
    return {"contacts": [contact]} if any(contact.values()) else {}


def _payment_means(invoice: InvoiceView, seller: Company) -> Terms:
    """To which account an invoice is to be paid. A credit note is not paid that way."""
    if invoice.kind == "credit_note" or not seller.iban:
        return {"BT-20": f"Payable until {invoice.due_on}"} if invoice.kind == "invoice" else {}
    return {
        "BT-20": f"Payable until {invoice.due_on}",
        "BT-81": SEPA_CREDIT_TRANSFER if invoice.currency == "EUR" else CREDIT_TRANSFER,
        "BT-83": invoice.number,
        "BT-84": seller.iban,
        "BT-85": seller.name,
        "BT-86": seller.bic,
    }


def _vat_group(group: VatGroup, currency: str) -> Terms:
    treatment = group.treatment
    return {
        "BT-116": amount_text(group.net_minor, currency),
        "BT-117": amount_text(group.vat_minor, currency),
        "BT-118": treatment.category,
        "BT-119": "" if treatment.category == "O" else rate_text(treatment.rate_bp),
        "BT-120": treatment.exemption_reason,
        "BT-121": treatment.exemption_code,
    }


def _line(line: LineView, currency: str) -> Terms:
    treatment = line.treatment
    net = amount_text(line.net_minor, currency)
    return {
        "BT-126": str(line.number),
        "BT-129": "1",
        "BT-130": PIECES,
        "BT-131": net,
        "BT-133": line.cost_centre,
        "BT-134": line.occurred_on,
        "BT-135": line.occurred_on,
        "BT-146": net,
        "BT-151": treatment.category,
        "BT-152": "" if treatment.category == "O" else rate_text(treatment.rate_bp),
        "BT-153": line.description or "-",
    }


def rate_text(rate_bp: int) -> str:
    """19, 8.1: a percentage as short as it can be written."""
    whole, part = divmod(rate_bp * 100, FULL_BP)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")


def _cleaned(value: Any) -> Any:
    """Without the characters that XML cannot hold, and without what is empty, which EN 16931 does
    not allow; the lists stay, so that the library finds them."""
    match value:
        case str():
            return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value).strip()
        case Mapping():
            pairs = ((name, _cleaned(each)) for name, each in value.items())
            return {name: each for name, each in pairs if each not in ("", None)}
        case list():
            return [_cleaned(each) for each in value]
    return value
