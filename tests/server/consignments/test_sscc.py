"""SSCCs: the company's prefix, a serial, a check digit."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.consignments import service
from server.consignments.sscc import SsccsExhausted, give_ssccs, is_sscc, read_scan, sscc_of
from server.kit.db import Database
from server.kit.settings import read_settings

from .conftest import MakeConsignment

PREFIX = "9501234"
PLACES = {"DATABASE_URL": "postgresql+asyncpg://x", "REDIS_URL": "redis://x"}


def test_the_check_digit_is_that_of_the_standard() -> None:
    """The example of the GS1 General Specifications: 3 7610425 002123456 and check digit 9."""
    assert is_sscc("376104250021234569")
    assert not is_sscc("376104250021234568")


@given(serial=st.integers(1, 10**9), digit=st.integers(0, 17), by=st.integers(1, 9))
def test_a_wrong_digit_is_noticed(serial: int, digit: int, by: int) -> None:
    sscc = sscc_of(PREFIX, serial)
    wrong = str((int(sscc[digit]) + by) % 10)
    assert is_sscc(sscc)
    assert not is_sscc(sscc[:digit] + wrong + sscc[digit + 1 :])


@given(first=st.integers(0, 10**10 - 1), second=st.integers(0, 10**10 - 1))
def test_two_serials_never_make_one_number(first: int, second: int) -> None:
    assert (sscc_of(PREFIX, first) == sscc_of(PREFIX, second)) == (first == second)


def test_when_the_numbers_are_used_up_none_is_given_a_second_time() -> None:
    assert is_sscc(sscc_of(PREFIX, 10**10 - 1))
    with pytest.raises(SsccsExhausted):
        sscc_of(PREFIX, 10**10)


@pytest.mark.parametrize("around", ["{}", "00{}", "(00){}", "]C100{}", "]C1\x1d00{}", " 00{}\n"])
def test_whatever_a_scanner_puts_around_it_is_taken_off(around: str) -> None:
    sscc = sscc_of(PREFIX, 42)
    assert read_scan(around.format(sscc)) == sscc


@pytest.mark.parametrize("barcode", ["PR0000000017001", "00123", "LP0000000015", ""])
def test_other_barcodes_stay_as_they_are(barcode: str) -> None:
    assert read_scan(barcode) == barcode


async def test_a_parcel_keeps_its_number_and_is_found_by_it(
    db: Database, make_consignment: MakeConsignment
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=3)
        ids = [parcel.id for parcel in made.parcels]
        first = await give_ssccs(session, ids, prefix=PREFIX)
        assert await give_ssccs(session, ids, prefix="7654321") == first
        assert len(set(first.values())) == 3
        scan = f"]C100{first[ids[1]]}"
        found = await service.find_parcels(session, [scan, made.parcels[0].barcode, "nothing"])
    assert {barcode: ref.parcel_id for barcode, ref in found.items()} == {
        scan: ids[1],
        made.parcels[0].barcode: ids[0],
    }


async def test_a_label_printed_twice_at_one_moment_bears_one_number(
    own_db: Database, make_consignment: MakeConsignment
) -> None:
    async with own_db.transaction() as session:
        made = await make_consignment(session, parcels=5)
    ids = [parcel.id for parcel in made.parcels]

    async def print_labels() -> dict[object, str]:
        async with own_db.transaction() as session:
            return dict(await give_ssccs(session, ids, prefix=PREFIX))

    given = await asyncio.gather(*(print_labels() for _ in range(8)))
    assert all(each == given[0] for each in given)
    assert len(set(given[0].values())) == 5


@pytest.mark.parametrize("prefix", ["123", "12345678901234", "95012a4", "٩٥٠١٢٣٤", " 9501234"])
def test_a_prefix_that_is_none_is_refused_at_the_start(prefix: str) -> None:
    with pytest.raises(SystemExit, match="POSTRIDER_GS1_PREFIX"):
        read_settings(PLACES | {"POSTRIDER_GS1_PREFIX": prefix})
    assert read_settings(PLACES | {"POSTRIDER_GS1_PREFIX": PREFIX}).gs1_prefix == PREFIX
