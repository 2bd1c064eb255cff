"""What is kept at a glance is what the filters would keep, fix by fix, whatever comes."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import packed
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes
from server.tracking import sifting
from server.tracking.arrivals import Arrivals, Frames, Sender, distances_m, most_m
from server.tracking.devices import Memories
from server.tracking.known_devices import KnownDevices

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SENDERS = [Sender(UUID(int=number), UUID(int=100 + number)) for number in range(3)]

FIXES = st.builds(
    Fix,
    seq=st.integers(1, 12),
    taken_at=st.sampled_from([-8 * 86_400, -100, -2, -1, 0, 100, 200]).map(
        lambda at_s: NOON + timedelta(seconds=at_s)
    ),
    lon=st.sampled_from([0.0, 9.5, 9.5001, 9.51, 200.0]),
    lat=st.sampled_from([0.0, 47.1, 47.1001, 91.0]),
    accuracy_m=st.sampled_from([-1.0, 5.0, 100.0, 101.0, float("nan")]),
)
PLAIN = st.integers(1, 6).flatmap(
    lambda first: st.integers(1, 4).map(
        lambda count: tuple(
            Fix(
                seq=seq,
                taken_at=NOON + timedelta(seconds=seq),
                lon=9.5 + seq / 1e5,
                lat=47.1,
                accuracy_m=5,
            )
            for seq in range(first, first + count)
        )
    )
)
FRAMES = st.lists(
    st.tuples(st.sampled_from(SENDERS), PLAIN | st.lists(FIXES, min_size=1, max_size=5)),
    min_size=1,
    max_size=5,
)


def arrivals_of(frames: list[tuple[Sender, list[Fix]]]) -> Arrivals:
    sent: dict[Sender, list[bytes]] = {}
    for sender, fixes in frames:
        body = Fixes(fixes=tuple(fixes))
        envelope = Envelope(id=str(UUID(int=0)), sent_at=NOON, body=body)
        sent.setdefault(sender, []).append(packed.pack_fixes(envelope))
    read = Frames.read(list(sent), list(sent.values()))
    return Arrivals.of_frames(read, np.zeros(len(frames), np.int64))


def sift_ticks(
    ticks: list[list[tuple[Sender, list[Fix]]]], *, at_a_glance: bool
) -> list[tuple[list[bool], dict[int, Counter[str]], list[object]]]:
    """Each of SENDERS has one memory over all ticks."""
    found = []
    everybody = Memories.of_nobody(len(SENDERS))
    for frames in ticks:
        arrivals = arrivals_of(frames)
        chosen = [SENDERS.index(sender) for sender in arrivals.senders]
        memories = _some(everybody, chosen)
        if at_a_glance:
            sifted = sifting.sift(arrivals, memories, NOON)
        else:
            plain = np.zeros(len(arrivals.senders), np.bool_)
            sifted = sifting.sift_apart(arrivals, memories, NOON, plain)
        _put_back(everybody, chosen, memories)
        known = [
            (memories.ranges_of(each), memories.spot("last", each), memories.spot("doubted", each))
            for each in range(len(chosen))
        ]
        found.append((sifted.kept.tolist(), sifted.rejected, known))
    return found


def _some(memories: Memories, chosen: list[int]) -> Memories:
    picked = []
    for name in Memories.__slots__:
        column = getattr(memories, name)
        picked.append(
            [column[each] for each in chosen] if isinstance(column, list) else column[chosen]
        )
    return Memories(*picked)


def _put_back(memories: Memories, chosen: list[int], some: Memories) -> None:
    for name in Memories.__slots__:
        for place, value in zip(chosen, getattr(some, name), strict=True):
            getattr(memories, name)[place] = value


@given(st.lists(FRAMES, min_size=1, max_size=4))
def test_at_a_glance_nothing_is_judged_otherwise_than_fix_by_fix(
    ticks: list[list[tuple[Sender, list[Fix]]]],
) -> None:
    assert sift_ticks(ticks, at_a_glance=True) == sift_ticks(ticks, at_a_glance=False)


def test_phone_that_goes_on_where_it_ended_is_seen_at_a_glance() -> None:
    fix = Fix(seq=1, taken_at=NOON, lon=9.5, lat=47.1, accuracy_m=5)
    arrivals = arrivals_of([(SENDERS[0], [fix])])
    assert sifting.find_plain(arrivals, Memories.of_nobody(1), NOON).tolist() == [True]


DEGREES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@given(DEGREES, DEGREES)
def test_no_two_places_are_farther_apart_than_the_quick_look_says(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    pair = [np.array([degrees]) for degrees in (*one, *other)]
    assert distances_m(*pair)[0] <= most_m(*pair)[0] + 1e-3


def test_many_devices_are_known_apart_and_none_before_it_was_kept() -> None:
    known = KnownDevices()
    senders = [Sender(UUID(int=number), UUID(int=1000 + number)) for number in range(200)]
    memories = Memories.of_nobody(200)
    memories.through[:] = np.arange(200)
    memories.before[7] = [[1, 2]]
    known.keep(senders[:100], memories.take(np.arange(100)))
    assert known.recall(senders[90:110]) is None
    known.keep(senders, memories)
    chosen = senders[5:150][::-1]
    found = known.recall(chosen)
    assert found is not None
    assert found.through.tolist() == list(range(5, 150))[::-1]
    assert [place for place, ranges in enumerate(found.before) if ranges] == [149 - 7]
    found.through[:] = 0
    again = known.recall(chosen)
    assert again is not None and again.through[0] == 149, "what was recalled is a copy"
