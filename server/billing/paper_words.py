"""The words of our papers, in the languages in which they are written."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from server.billing.invoice_xml import amount_text, rate_text

Language = Literal["de", "en"]

_MONTHS = "January February March April May June July August September October November December"
MONTHS = _MONTHS.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperWords:
    invoice: str
    credit_note: str
    number: str
    day: str
    due: str
    period: str
    reference: str
    corrects: str
    your_vat_id: str
    columns: tuple[str, str, str, str, str]
    intro_invoice: str
    intro_credit_note: str
    cost_centre: str
    no_cost_centre: str
    reason: str
    net: str
    vat: str
    vat_none: str
    total_invoice: str
    total_credit_note: str
    pay: str
    credited: str
    iban: str
    bic: str
    bank: str
    purpose: str
    vat_id: str
    tax_number: str
    carried_over: str
    carried_forward: str
    reverse_charge: str
    outside_scope: str
    export: str


WORDS: dict[Language, PaperWords] = {
    "de": PaperWords(
        invoice="Rechnung",
        credit_note="Gutschrift (Rechnungskorrektur)",
        number="Nummer",
        day="Datum",
        due="Fällig am",
        period="Leistungszeitraum",
        reference="Ihre Referenz",
        corrects="Zu Rechnung",
        your_vat_id="Ihre USt-IdNr.",
        columns=("Pos.", "Datum", "Leistung", "USt", "Betrag {currency}"),
        intro_invoice="Wir berechnen Ihnen unsere Leistungen wie folgt:",
        intro_credit_note="Wir schreiben Ihnen gut:",
        cost_centre="Kostenstelle {centre}",
        no_cost_centre="Ohne Kostenstelle",
        reason="Grund: {reason}",
        net="Summe netto",
        vat="{rate} % USt auf {net}",
        vat_none="0 % USt auf {net}",
        total_invoice="Zu zahlen",
        total_credit_note="Gutgeschrieben",
        pay="Bitte überweisen Sie den Betrag bis zum {due} ohne Abzug.",
        credited="Der Betrag wird mit offenen Rechnungen verrechnet oder bleibt Ihr Guthaben.",
        iban="IBAN",
        bic="BIC",
        bank="Bank",
        purpose="Verwendungszweck",
        vat_id="USt-IdNr. {vat_id}",
        tax_number="Steuernummer {number}",
        carried_over="Übertrag",
        carried_forward="Zwischensumme",
        reverse_charge="Steuerschuldnerschaft des Leistungsempfängers",
        outside_scope="Nicht steuerbar",
        export="Steuerfreie Ausfuhr: Beförderung aus der EU hinaus",
    ),
    "en": PaperWords(
        invoice="Invoice",
        credit_note="Credit note",
        number="Number",
        day="Date",
        due="Due",
        period="Period",
        reference="Your reference",
        corrects="For invoice",
        your_vat_id="Your VAT no.",
        columns=("No.", "Date", "Service", "VAT", "Amount {currency}"),
        intro_invoice="For our services we charge you as follows:",
        intro_credit_note="We credit you with the following:",
        cost_centre="Cost centre {centre}",
        no_cost_centre="Without cost centre",
        reason="Reason: {reason}",
        net="Net total",
        vat="VAT {rate}% on {net}",
        vat_none="VAT 0% on {net}",
        total_invoice="Total due",
        total_credit_note="Total credited",
        pay="Please pay by {due}, without deduction.",
        credited="The amount settles open invoices or stays to your credit.",
        iban="IBAN",
        bic="BIC",
        bank="Bank",
        purpose="Payment reference",
        vat_id="VAT no. {vat_id}",
        tax_number="Tax no. {number}",
        carried_over="Carried over",
        carried_forward="Carried forward",
        reverse_charge="Reverse charge: VAT is owed by the recipient",
        outside_scope="Not subject to VAT",
        export="Export outside the EU: exempt from VAT",
    ),
}


def day_text(day: date, language: Language) -> str:
    if language == "de":
        return f"{day:%d.%m.%Y}"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day_text(day: date, language: Language) -> str:
    return (
        f"{day:%d.%m.%Y}"
        if language == "de"
        else f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"
    )


def money_text(minor: int, currency: str, language: Language) -> str:
    """1.234,50 in German, 1,234.50 in English."""
    plain = amount_text(abs(minor), currency)
    whole, _, part = plain.partition(".")
    grouped = f"{int(whole):,}"
    text = f"{grouped}.{part}" if part else grouped
    if language == "de":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"−{text}" if minor < 0 else text


def percent_text(rate_bp: int, language: Language) -> str:
    text = rate_text(rate_bp)
    return text.replace(".", ",") if language == "de" else text
