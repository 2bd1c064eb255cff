"""What is kept of the fixes that came, and what the filters hold back.

Nearly every device sends what nothing is wrong with, which is seen for all of them at a glance. The
others are looked at fix by fix (see filters), and it is those filters that say what is right: the
glance only tells who need not be asked. A test holds both to the same answers.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.protocol.packed import microseconds
from server.tracking.arrivals import Arrivals, Integers, Truths, distances_m, most_m
from server.tracking.devices import SPOT, Memories
from server.tracking.filters import (
    MAX_AGE,
    MAX_AHEAD,
    MAX_INACCURACY_M,
    MAX_SPEED_MPS,
    Memory,
    reason_against,
)


@dataclass(slots=True)
class Sifted:
    """kept: for each fix. rejected: sender's index -> reason -> how many."""

    kept: Truths
    rejected: dict[int, Counter[str]]


def sift(arrivals: Arrivals, memories: Memories, received_at: datetime) -> Sifted:
    """What is kept; the memories know it from now on."""
    return sift_apart(arrivals, memories, received_at, find_plain(arrivals, memories, received_at))


def sift_apart(
    arrivals: Arrivals, memories: Memories, received_at: datetime, is_plain: Truths
) -> Sifted:
    """is_plain: the senders of whom all is kept unasked."""
    starts = arrivals.starts()
    stops = np.append(starts[1:], len(arrivals.of))
    memories.keep(np.flatnonzero(is_plain), arrivals, starts, stops - 1)
    sifted = Sifted(np.ones(len(arrivals.of), np.bool_), {})
    for sender in np.flatnonzero(~is_plain).tolist():
        memory = Memory(
            now=received_at,
            handled=memories.ranges_of(sender),
            last=memories.spot("last", sender),
            doubted=memories.spot("doubted", sender),
        )
        seqs = []
        for number in range(starts[sender], stops[sender]):
            reading = arrivals.reading(number)
            seqs.append(reading.seq)
            reason = reason_against(reading, memory)
            if reason is not None:
                sifted.kept[number] = False
                sifted.rejected.setdefault(sender, Counter())[reason] += 1
        memories.remember(sender, memory, seqs)
    return sifted


def find_plain(arrivals: Arrivals, memories: Memories, received_at: datetime) -> Truths:
    """For each sender whether there is nothing to say against any of its fixes, and they go on
    where the last ones ended."""
    starts = arrivals.starts()
    goes_on = arrivals.seq == _before(arrivals.seq, starts, memories.through) + 1
    goes_on[starts] |= memories.is_new
    is_fine = goes_on & find_fine(arrivals, memories, received_at)
    is_plain: Truths = np.logical_and.reduceat(is_fine, starts)
    return is_plain


def find_fine(arrivals: Arrivals, memories: Memories, received_at: datetime) -> Truths:
    """For each fix whether it would be kept if it were new, and the one before it were believed."""
    lon, lat, accuracy_m = arrivals.lon, arrivals.lat, arrivals.accuracy_m
    now_us = microseconds(received_at)
    ahead_us, age_us = (round(each.total_seconds() * 1e6) for each in (MAX_AHEAD, MAX_AGE))
    starts = arrivals.starts()
    lon_before, lat_before, before_us, accuracy_before_m = (
        _before(getattr(arrivals, name), starts, getattr(memories, f"last_{name}")) for name in SPOT
    )
    passed_s = np.maximum(np.abs(arrivals.taken_us - before_us) / 1e6, 1.0)
    may_be_m = MAX_SPEED_MPS * passed_s + accuracy_before_m + accuracy_m
    is_far = most_m(lon_before, lat_before, lon, lat) > may_be_m  # not for NaN: none was before
    if is_far.any():  # else there is no need to know how far
        is_far &= distances_m(lon_before, lat_before, lon, lat) > may_be_m
    is_fine: Truths = (
        (np.abs(lon) <= 180)
        & (np.abs(lat) <= 90)
        & ((np.abs(lon) >= 1e-6) | (np.abs(lat) >= 1e-6))
        & (accuracy_m >= 0)
        & (accuracy_m <= MAX_INACCURACY_M)
        & (arrivals.taken_us <= now_us + ahead_us)
        & (arrivals.taken_us >= now_us - age_us)
        & ~is_far
    )
    return is_fine


def _before(values: NDArray[Any], starts: Integers, remembered: NDArray[Any]) -> NDArray[Any]:
    """The value before each one of the same sender's: before its first, what is remembered."""
    before = np.empty(len(values), remembered.dtype)
    before[1:] = values[:-1]
    before[starts] = remembered
    return before
