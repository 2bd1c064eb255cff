"""Which fixes of a device have been dealt with, as ranges of their numbers.

A phone counts its fixes up by one, so this is nearly always one range, however long it drives. It
is what makes the same batch harmless, even when the phone's clock was set right in between and
the same fix now claims another time.
"""

from bisect import bisect_right
from collections.abc import Iterable

MAX_RANGES = 64
"""Beyond this the oldest gaps are given up: nothing that old is still under way."""

Ranges = list[list[int]]
"""`[[1, 200], [250, 300]]`: both ends belong to it; ascending, with gaps in between."""


def contains(ranges: Ranges, seq: int) -> bool:
    place = bisect_right(ranges, seq, key=lambda each: each[0]) - 1
    return place >= 0 and seq <= ranges[place][1]


def added(ranges: Ranges, seqs: Iterable[int]) -> Ranges:
    """`ranges` together with `seqs`."""
    merged: Ranges = []
    for first, last in sorted([*ranges, *([seq, seq] for seq in seqs)]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    surplus = len(merged) - MAX_RANGES
    return merged if surplus <= 0 else [[merged[0][0], merged[surplus][1]], *merged[surplus + 1 :]]
