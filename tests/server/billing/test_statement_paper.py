"""A statement of account as a letter: what is printed, on as many pages as it takes."""

from datetime import date, timedelta
from typing import Literal
from uuid import uuid4

import msgspec
import pypdfium2
import pytest

from server.billing.statement_paper import write_statement
from server.billing.statements import Ageing, Statement, StatementLine
from tests.server.billing.bookkeeping import BUYER, COMPANY

replace = msgspec.structs.replace
Kind = Literal["invoice", "credit_note", "payment"]


def a_statement(*facts: tuple[Kind, str, int]) -> Statement:
    balance = opening = 50_00
    lines = []
    for number, (kind, name, amount) in enumerate(facts):
        balance += amount
        day = date(2026, 2, 1) + timedelta(days=number % 28)
        line = StatementLine(
            day=day, kind=kind, id=uuid4(), name=name, amount_minor=amount, balance_minor=balance
        )
        lines.append(line)
    return Statement(
        account_id=uuid4(),
        currency="EUR",
        since=date(2026, 2, 1),
        until=date(2026, 2, 28),
        opening_minor=opening,
        lines=tuple(lines),
        closing_minor=balance,
    )


def an_ageing(**minor: int) -> Ageing:
    none = dict.fromkeys(Ageing.__struct_fields__, 0)
    return Ageing(**none | {"account_id": uuid4(), "currency": "EUR"} | minor)  # type: ignore[arg-type]


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in document]


FACTS: tuple[tuple[Kind, str, int], ...] = (
    ("invoice", "INV-2026-000007", 1234_56),
    ("payment", "Überweisung 4711", -1000_00),
    ("credit_note", "CN-2026-000001", -34_56),
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "de",
            (
                "Kontoauszug 01.02.2026 – 28.02.2026",
                "Saldo zu Beginn 50,00",
                "01.02.2026 Rechnung INV-2026-000007 1.234,56 1.284,56",
                "02.02.2026 Zahlung Überweisung 4711 1.000,00 284,56",
                "03.02.2026 Gutschrift CN-2026-000001 34,56 250,00",
                "Saldo am Ende 250,00",
            ),
        ),
        (
            "en",
            (
                "Statement of account 1 Feb 2026 – 28 Feb 2026",
                "1 Feb 2026 Invoice INV-2026-000007 1,234.56 1,284.56",
                "Balance at the end 250.00",
            ),
        ),
    ],
)
def test_a_statement_says_what_came_and_went(
    language: Literal["de", "en"], said: tuple[str, ...]
) -> None:
    pdf = write_statement(a_statement(*FACTS), None, COMPANY, replace(BUYER, language=language))
    (page,) = pages(pdf)
    text = " ".join(page.split())
    for words in said:
        assert words in text
    assert "overdue" not in text and "Überfälligkeit" not in text


def test_what_is_overdue_stands_at_its_end() -> None:
    ages = an_ageing(current_minor=100_00, days_31_to_60_minor=151_00, credit_minor=1_00)
    (page,) = pages(write_statement(a_statement(*FACTS), ages, COMPANY, BUYER))
    text = " ".join(page.split())
    assert "noch nicht fällig 1–30 31–60 61–90 über 90 Guthaben" in text
    assert "100,00 0,00 151,00 0,00 0,00 −1,00" in text


def test_a_long_statement_goes_on_over_pages_and_hostile_names_are_text() -> None:
    name = '#panic("x") $y$ *b* \u202e<script>'
    facts: list[tuple[Kind, str, int]] = [("invoice", f"{name} {n}", 100) for n in range(90)]
    shown = pages(write_statement(a_statement(*facts), None, COMPANY, BUYER))
    assert len(shown) > 3
    for page in shown:
        assert "Saldo EUR".upper() in page.upper()
    assert '#panic("x") $y$ *b* <script> 89' in " ".join(shown[-1].split())
    assert "Saldo am Ende 140,00" in " ".join(shown[-1].split())
