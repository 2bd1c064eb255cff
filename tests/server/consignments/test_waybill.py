"""Numbers that notice when they are mistyped."""

from hypothesis import given
from hypothesis import strategies as st

from server.consignments.waybill import barcode_of, check_digit, is_waybill, waybill_of

numbers = st.integers(1, 10**12)


def test_damm_example():
    assert check_digit("572") == "4"


@given(numbers)
def test_waybill_is_valid_and_says_its_number(number):
    waybill = waybill_of(number)
    assert is_waybill(waybill)
    assert int(waybill[2:-1]) == number


@given(numbers, st.data())
def test_one_wrong_digit_is_noticed(number, data):
    digits = waybill_of(number)[2:]
    place = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from([each for each in "0123456789" if each != digits[place]]))
    assert not is_waybill(f"PR{digits[:place]}{wrong}{digits[place + 1 :]}")


@given(numbers, st.data())
def test_two_neighbours_swapped_are_noticed(number, data):
    digits = waybill_of(number)[2:]
    place = data.draw(st.integers(0, len(digits) - 2))
    a, b = digits[place : place + 2]
    assert a == b or not is_waybill(f"PR{digits[:place]}{b}{a}{digits[place + 2 :]}")


@given(st.text(max_size=15))
def test_any_text_may_be_asked_about(text):
    assert is_waybill(text) in (True, False)


def test_barcodes_of_a_consignment_differ():
    waybill = waybill_of(123)
    assert [barcode_of(waybill, piece) for piece in (1, 12)] == [
        f"{waybill}001",
        f"{waybill}012",
    ]
