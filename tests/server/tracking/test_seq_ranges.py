"""The memory of which fixes were dealt with."""

from hypothesis import given
from hypothesis import strategies as st

from server.tracking.seq_ranges import MAX_RANGES, Ranges, added, contains

batches = st.lists(st.lists(st.integers(-50, 100), max_size=20), max_size=20)


@given(batches)
def test_ranges_hold_exactly_what_was_added(batches):
    ranges: Ranges = []
    for batch in batches:
        ranges = added(ranges, batch)
    everything = {seq for batch in batches for seq in batch}
    assert {seq for seq in range(-60, 110) if contains(ranges, seq)} == everything
    assert ranges == sorted(ranges)


def test_unbroken_counting_is_one_range_for_ever():
    ranges: Ranges = []
    for first in range(1, 1000, 10):
        ranges = added(ranges, range(first, first + 10))
    assert ranges == [[1, 1000]]


def test_oldest_gaps_are_given_up_before_the_memory_grows_without_end():
    ranges = added([], range(0, 2000, 2))
    assert len(ranges) == MAX_RANGES
    assert not contains(ranges, 1997)
    assert contains(ranges, 1)
    assert contains(ranges, 1998)
