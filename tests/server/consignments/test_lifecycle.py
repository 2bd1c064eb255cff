"""Where a parcel is according to its chain, and a consignment according to its parcels. Pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.consignments.lifecycle import (
    PARCEL,
    SETTLED,
    UNDERWAY,
    Report,
    consignment_state,
    custody_of,
)

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def chain(*states: str) -> list[Report]:
    """One report a minute."""
    return [
        Report(state, DAY + timedelta(minutes=number), number)
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    "way",
    [
        "announced collected at_depot loaded out_for_delivery delivered",
        "announced loaded out_for_delivery attempted at_depot loaded out_for_delivery delivered",
        "announced collected out_for_delivery delivered",
        "announced loaded out_for_delivery refused at_depot returning returned",
        "announced loaded loaded delivered",
        "announced at_depot lost at_depot loaded delivered",
    ],
)
def test_ordinary_ways_hold_no_conflict(way):
    custody = custody_of(chain(*way.split()))
    assert custody.state == way.split()[-1]
    assert custody.conflicting == frozenset()


@pytest.mark.parametrize("final", ["delivered", "returned"])
@pytest.mark.parametrize("after", ["loaded", "attempted", "at_depot", "lost"])
def test_nothing_moves_a_parcel_that_has_arrived(final, after):
    custody = custody_of(chain("announced", final, after))
    assert custody.state == final
    assert custody.conflicting == {2}


reports = st.lists(
    st.tuples(st.sampled_from(PARCEL.states), st.integers(0, 10_000), st.integers(0, 3)),
    max_size=12,
    unique_by=lambda each: each[1],
)


@given(reports, st.randoms(use_true_random=False))
def test_order_in_which_reports_arrive_does_not_matter(rows, chance):
    def read(order):
        return custody_of(
            Report(state, DAY + timedelta(seconds=at_s), number)
            for number, (state, at_s, _) in enumerate(order)
        ).state

    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert read(shuffled) == read(rows)


@pytest.mark.parametrize(
    ("parcels", "state"),
    [
        ("delivered delivered", "delivered"),
        ("delivered out_for_delivery", "out_for_delivery"),
        ("loaded at_depot announced", "announced"),
        ("delivered refused", "delivered"),
        ("delivered lost", "delivered"),
        ("refused lost", "refused"),
        ("returned lost", "lost"),
        ("returned returned", "returned"),
        ("attempted delivered", "attempted"),
    ],
)
def test_consignment_is_where_its_least_advanced_parcel_is(parcels, state):
    assert consignment_state(parcels.split(), cancelled=False) == state


def test_cancelled_consignment_is_cancelled_until_it_is_on_the_road_in_spite_of_it():
    assert consignment_state(["announced", "at_depot"], cancelled=True) == "cancelled"
    assert consignment_state(["announced", "delivered"], cancelled=True) == "announced"
    assert consignment_state(["delivered"], cancelled=True) == "delivered"


@given(st.lists(st.sampled_from(PARCEL.states), min_size=1), st.booleans())
def test_every_mixture_has_a_state(states, cancelled):
    assert consignment_state(states, cancelled=cancelled) in (*states, "cancelled")


def test_every_state_of_a_parcel_names_its_consignment():
    assert set(UNDERWAY) | set(SETTLED) == set(PARCEL.states)
    assert not set(UNDERWAY) & set(SETTLED)
