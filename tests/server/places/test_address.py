"""Addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.places.address import (
    Address,
    fold,
    number_span,
    parse_address,
    with_house_number_apart,
)


@pytest.mark.parametrize(
    ("line", "street", "house_number", "postcode", "city"),
    [
        ("Städtle 43, 9490 Vaduz", "Städtle", "43", "9490", "Vaduz"),
        ("Städtle 43 9490 Vaduz", "Städtle", "43", "9490", "Vaduz"),
        ("Städtle 43\n9490 Vaduz", "Städtle", "43", "9490", "Vaduz"),
        ("Hauptstr. 12 a 9490 Vaduz", "Hauptstr.", "12a", "9490", "Vaduz"),
        ("Im Alten Riet 153 Schaan", "Im Alten Riet", "153", "", "Schaan"),
        ("12 Main Street, Springfield", "Main Street", "12", "", "Springfield"),
        ("10 Downing St, London SW1A 2AA", "Downing St", "10", "SW1A 2AA", "London"),
        ("5 rue de la Paix, 75002 Paris", "rue de la Paix", "5", "75002", "Paris"),
        ("Rue Haute 7bis, 1000 Bruxelles", "Rue Haute", "7bis", "1000", "Bruxelles"),
        ("Via 25 Aprile 3, Roma", "Via 25 Aprile", "3", "", "Roma"),
        ("Landstrasse 12-14, 9495 Triesen", "Landstrasse", "12-14", "9495", "Triesen"),
        ("Weg 12/3, 1010 Wien", "Weg", "12/3", "1010", "Wien"),
        ("Acme Ltd, Städtle 43, Vaduz", "Städtle", "43", "", "Vaduz"),
        ("Highway 1234", "Highway", "1234", "", ""),
        ("Städtle 9490 Vaduz", "Städtle", "", "9490", "Vaduz"),
        ("Dorfstrasse, Triesen", "Dorfstrasse", "", "", "Triesen"),
        ("9490 Vaduz", "", "", "9490", "Vaduz"),
        ("", "", "", "", ""),
        (" , ,", "", "", "", ""),
    ],
)
def test_free_line_is_taken_apart(
    line: str, street: str, house_number: str, postcode: str, city: str
) -> None:
    address = parse_address(line)
    assert (address.street, address.house_number, address.postcode, address.city) == (
        street,
        house_number,
        postcode,
        city,
    )


@given(st.text(max_size=80))
def test_any_text_can_be_taken_apart_without_losing_a_letter(line: str) -> None:
    address = parse_address(line)
    parts = (address.name, address.street, address.house_number, address.postcode, address.city)

    def letters(text: str) -> list[str]:
        return sorted(letter for letter in text if letter.isalnum())

    assert letters("".join(parts)) == letters(line)


def test_number_in_the_street_field_is_moved_to_its_own() -> None:
    assert with_house_number_apart(Address(street="Hauptstrasse 12a")) == Address(
        street="Hauptstrasse", house_number="12a"
    )


@pytest.mark.parametrize(
    "address",
    [
        Address(street="Strasse des 17. Juni", house_number="135"),
        Address(street="Hauptstrasse"),
        Address(street="12"),
        Address(city="Vaduz"),
    ],
)
def test_street_without_a_house_number_in_it_stays_as_it_is(address: Address) -> None:
    assert with_house_number_apart(address) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hauptstraße", "HAUPTSTR."),
        ("Städtle", "Staedtle"),
        ("Städtle", "stadtle"),
        ("Rue de l’Église", "rue de l eglise"),
        ("Søndergade", "Sondergade"),
        ("Main Street", "main st."),
        ("Łódź", "Lodz"),
    ],
)
def test_spellings_of_one_name_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_different_names_do_not_fold_to_the_same() -> None:
    names = ["Bergweg", "Bachweg", "Bergstrasse", "Am Berg", "Москва", "東京"]
    assert len({fold(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("number", "span"),
    [
        ("12", (12, 12)),
        ("12 a", (12, 12)),
        ("12-16", (12, 16)),
        ("12 – 16", (12, 16)),
        ("16-12", (16, 16)),
        ("12/3", (12, 12)),
        ("Rose Cottage", None),
        ("", None),
    ],
)
def test_house_number_spans_the_doors_that_it_names(
    number: str, span: tuple[int, int] | None
) -> None:
    assert number_span(number) == span


def test_key_is_the_same_for_two_spellings_and_differs_for_two_doors() -> None:
    one = Address(name="A", street="Hauptstraße", house_number="12 a", city="Vaduz")
    same = Address(name="B", street="hauptstr.", house_number="12 A", city="VADUZ")
    other = Address(street="Hauptstraße", house_number="12b", city="Vaduz")

    assert one.key == same.key != other.key
    assert Address(city="Vaduz").key == ""
