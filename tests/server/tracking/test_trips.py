"""A trail told as halts and drives."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.kit.geo import Position
from server.tracking.service import TrailPoint, split_trail

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
METRES_PER_DEG = 111_195.0


def seen(
    at_s: float, north_m: float, *, accuracy_m: float = 5.0, speed_mps: float = 10.0
) -> TrailPoint:
    return TrailPoint(
        position=Position(9.52, 47.0 + north_m / METRES_PER_DEG),
        taken_at=MORNING + timedelta(seconds=at_s),
        accuracy_m=accuracy_m,
        speed_mps=speed_mps,
    )


def stand(from_s: int, until_s: int, north_m: float, every_s: int = 60) -> list[TrailPoint]:
    return [seen(at_s, north_m, speed_mps=0) for at_s in range(from_s, until_s + 1, every_s)]


def drive(from_s: int, until_s: int, north_m: float, speed_mps: float = 10.0) -> list[TrailPoint]:
    return [
        seen(at_s, north_m + (at_s - from_s) * speed_mps) for at_s in range(from_s, until_s + 1, 10)
    ]


def told(trail: list[TrailPoint]) -> list[tuple[str, int, int]]:
    return [
        (
            piece.kind,
            round((piece.from_at - MORNING).total_seconds()),
            round((piece.until_at - MORNING).total_seconds()),
        )
        for piece in split_trail(trail)
    ]


def test_a_morning_is_halt_drive_halt_drive_halt() -> None:
    trail = [
        *stand(0, 600, 0),
        *drive(610, 890, 100),
        *stand(960, 1260, 3000),
        *drive(1270, 1390, 3100),
        *stand(1460, 1700, 4400),
    ]
    assert told(trail) == [
        ("halt", 0, 600),
        ("drive", 600, 960),
        ("halt", 960, 1260),
        ("drive", 1260, 1460),
        ("halt", 1460, 1700),
    ]
    first_drive = split_trail(trail)[1]
    assert 2900 <= first_drive.driven_m() <= 3100


def test_a_red_light_is_no_halt_and_a_jumping_receiver_ends_none() -> None:
    light = [*drive(0, 100, 0), *stand(110, 170, 1000, 20), *drive(180, 300, 1010)]
    assert [kind for kind, *_ in told(light)] == ["drive"]
    jumping = [*stand(0, 300, 0), seen(330, 400), *stand(360, 600, 0)]
    assert told(jumping) == [("halt", 0, 600)]


def test_where_nothing_was_heard_for_long_nobody_claims_to_know() -> None:
    away = [*drive(0, 100, 0), *drive(2000, 2100, 9000)]
    assert told(away) == [("drive", 0, 100), ("silence", 100, 2000), ("drive", 2000, 2100)]
    asleep = [*stand(0, 300, 0), *stand(4000, 4100, 5, 50)]
    assert told(asleep) == [("halt", 0, 4100)], "a phone that sleeps stands still"


def test_nothing_and_a_single_fix_are_no_day() -> None:
    assert split_trail([]) == []
    assert split_trail([seen(0, 0)]) == []


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=900),
            st.floats(min_value=-2000, max_value=2000),
            st.floats(min_value=1, max_value=100),
        ),
        max_size=60,
    )
)
def test_pieces_follow_each_other_and_cover_the_trail(
    steps: list[tuple[int, float, float]],
) -> None:
    trail, at_s, north_m = [], 0, 0.0
    for pause_s, step_m, accuracy_m in steps:
        at_s, north_m = at_s + pause_s, north_m + step_m
        trail.append(seen(at_s, north_m, accuracy_m=accuracy_m))
    pieces = split_trail(trail)
    if len(trail) < 2:
        return
    for before, after in pairwise(pieces):
        assert before.until_at == after.from_at
    assert (pieces[0].from_at, pieces[-1].until_at) == (trail[0].taken_at, trail[-1].taken_at)
    assert all(piece.from_at < piece.until_at for piece in pieces)
    assert all((piece.position is not None) == (piece.kind == "halt") for piece in pieces)
