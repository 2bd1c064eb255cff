"""Which VAT a sale bears, and how it is rounded."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.billing.vat import VatStatus, VatTreatment, is_vat_id_of, tax_minor, treat, vat_groups

HAMBURG = VatStatus(country="DE", vat_id="DE136695976")
PERSON = VatStatus(country="DE")
STANDARD = VatTreatment(category="S", rate_bp=1900)
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("buyer", "category"),
    [
        (VatStatus(country="DE", vat_id="DE129273398"), "S"),
        (VatStatus(country="DE"), "S"),
        (VatStatus(country="AT", vat_id="ATU13585627"), "AE"),
        (VatStatus(country="GR", vat_id="EL094259216"), "AE"),
        (VatStatus(country="AT"), "S"),
        (VatStatus(country="AT", vat_id="DE129273398"), "S"),  # an id of another country
        (VatStatus(country="AT", vat_id="ATU13585626"), "S"),  # with wrong check digits
        (VatStatus(country="CH"), "S"),  # a person, who buys here
        (VatStatus(country="CH", vat_id="CHE123456788", is_business=True), "O"),
        (VatStatus(country="CH", rule="outside_scope"), "O"),
        (VatStatus(country="DE", rule="exempt", exemption_reason="Embassy"), "E"),
    ],
)
def test_how_a_sale_is_treated(buyer: VatStatus, category: str) -> None:
    assert treat(HAMBURG, buyer, STANDARD, day=TODAY).category == category


@pytest.mark.parametrize(
    ("buyer", "ship_to_country", "day", "category"),
    [
        (PERSON, "CH", TODAY, "G"),
        (PERSON, "AT", TODAY, "S"),
        (PERSON, "", TODAY, "S"),  # nobody knows, so the tax is not given away
        (PERSON, "GB", date(2021, 1, 1), "G"),
        (PERSON, "GB", date(2020, 12, 31), "S"),
        (PERSON, "HR", date(2013, 7, 1), "S"),
        (PERSON, "HR", date(2013, 6, 30), "G"),
        (VatStatus(country="CH"), "CH", TODAY, "G"),
        (VatStatus(country="AT", vat_id="ATU13585627"), "CH", TODAY, "AE"),
        (VatStatus(country="CH", is_business=True), "CH", TODAY, "O"),
        (VatStatus(country="DE", rule="exempt", exemption_reason="Embassy"), "CH", TODAY, "E"),
    ],
)
def test_carrying_goods_out_of_the_union_bears_no_tax(
    buyer: VatStatus, ship_to_country: str, day: date, category: str
) -> None:
    treated = treat(HAMBURG, buyer, STANDARD, day=day, ship_to_country=ship_to_country)
    assert treated.category == category
    assert treated.rate_bp == (1900 if category == "S" else 0)


def test_what_bears_no_tax_at_home_keeps_its_reason_abroad() -> None:
    exempt = VatTreatment(category="E", exemption_reason="Postal service")
    assert treat(HAMBURG, PERSON, exempt, day=TODAY, ship_to_country="CH") == exempt


def test_outside_of_the_union_there_is_no_reverse_charge_by_its_rules() -> None:
    vaduz = VatStatus(country="LI", vat_id="LI12345")
    vienna = VatStatus(country="AT", vat_id="ATU13585627")
    assert treat(vaduz, vienna, STANDARD, day=TODAY, ship_to_country="CH") == STANDARD


@pytest.mark.parametrize("vat_id", ["", "AT", "ATU", "=1+1", "ATU1358562\N{DIGIT SEVEN}" * 9])
def test_what_is_no_vat_id_is_none(vat_id: str) -> None:
    assert not is_vat_id_of(vat_id, "AT")


@given(net_minor=st.integers(0, 10**13), rate_bp=st.integers(0, 10_000))
def test_tax_is_rounded_half_up_like_on_paper(net_minor: int, rate_bp: int) -> None:
    exact = Decimal(net_minor) * rate_bp / 10_000
    assert tax_minor(net_minor, rate_bp) == exact.quantize(Decimal(1), ROUND_HALF_UP)


@given(st.lists(st.tuples(st.sampled_from([0, 700, 1900]), st.integers(0, 10**9)), max_size=20))
def test_the_groups_hold_every_line_once(lines: list[tuple[int, int]]) -> None:
    groups = vat_groups((VatTreatment(category="S", rate_bp=bp), net) for bp, net in lines)
    assert sum(group.net_minor for group in groups) == sum(net for _, net in lines)
    assert [group.treatment.rate_bp for group in groups] == sorted(
        {bp for bp, _ in lines}, reverse=True
    )
    for group in groups:
        assert group.vat_minor == tax_minor(group.net_minor, group.treatment.rate_bp)
