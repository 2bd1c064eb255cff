"""A statement of account on paper: what was owed at first, what came and went, what is owed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.billing.invoice_parties import Buyer, Company
from server.billing.paper_words import Language, money_text, short_day_text
from server.billing.papers import address_lines, footer_of, made_printable
from server.billing.statements import Ageing, Statement
from server.kit.typeset import set_in_type

TEMPLATE = Path(__file__).with_name("statement.typ")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementWords:
    """kinds: of lines. ages: of open invoices, from not due yet to over 90 days, then credit."""

    title: str
    columns: tuple[str, str, str, str, str]
    kinds: dict[str, str]
    opening: str
    closing: str
    ages_title: str
    ages: tuple[str, str, str, str, str, str]


WORDS: dict[Language, StatementWords] = {
    "de": StatementWords(
        title="Kontoauszug",
        columns=("Datum", "Beleg", "Belastung", "Gutschrift", "Saldo {currency}"),
        kinds={"invoice": "Rechnung", "credit_note": "Gutschrift", "payment": "Zahlung"},
        opening="Saldo zu Beginn",
        closing="Saldo am Ende",
        ages_title="Davon offen, nach Tagen der Überfälligkeit",
        ages=("noch nicht fällig", "1–30", "31–60", "61–90", "über 90", "Guthaben"),
    ),
    "en": StatementWords(
        title="Statement of account",
        columns=("Date", "Document", "Charged", "Credited", "Balance {currency}"),
        kinds={"invoice": "Invoice", "credit_note": "Credit note", "payment": "Payment"},
        opening="Balance at the beginning",
        closing="Balance at the end",
        ages_title="Of which open, by days overdue",
        ages=("not due yet", "1–30", "31–60", "61–90", "over 90", "credit"),
    ),
}


def write_statement(
    statement: Statement, ageing: Ageing | None, seller: Company, buyer: Buyer
) -> bytes:
    """The PDF. ageing: as of the statement's last day; None when nothing was open."""
    return set_in_type(TEMPLATE, _describe(statement, ageing, seller, buyer))


def _describe(
    statement: Statement, ageing: Ageing | None, seller: Company, buyer: Buyer
) -> dict[str, Any]:
    language = buyer.language
    words = WORDS[language]

    def money(minor: int) -> str:
        return money_text(minor, statement.currency, language)

    days = (statement.since, statement.until)
    lines = [
        (
            short_day_text(line.day, language),
            f"{words.kinds[line.kind]} {line.name}",
            money(line.amount_minor) if line.amount_minor >= 0 else "",
            money(-line.amount_minor) if line.amount_minor < 0 else "",
            money(line.balance_minor),
        )
        for line in statement.lines
    ]
    paper = {
        "lang": language,
        "title": words.title,
        "period": " – ".join(short_day_text(day, language) for day in dict.fromkeys(days)),
        "seller": seller.name,
        "sender": " · ".join([seller.name, *address_lines(seller.address, buyer.address.country)]),
        "recipient": [
            buyer.name,
            *([buyer.attention] if buyer.attention else []),
            *address_lines(buyer.address, seller.address.country),
        ],
        "columns": [column.format(currency=statement.currency) for column in words.columns],
        "opening": [words.opening, money(statement.opening_minor)],
        "lines": lines,
        "closing": [words.closing, money(statement.closing_minor)],
        "ages_title": words.ages_title,
        "ages": _ages(ageing, words, language),
        "footer": footer_of(seller, language),
    }
    return {name: made_printable(value) for name, value in paper.items()}


def _ages(
    ageing: Ageing | None, words: StatementWords, language: Language
) -> list[tuple[str, str]]:
    if ageing is None:
        return []
    amounts = (
        ageing.current_minor,
        ageing.days_1_to_30_minor,
        ageing.days_31_to_60_minor,
        ageing.days_61_to_90_minor,
        ageing.days_over_90_minor,
        -ageing.credit_minor,
    )
    return [
        (name, money_text(minor, ageing.currency, language))
        for name, minor in zip(words.ages, amounts, strict=True)
    ]
