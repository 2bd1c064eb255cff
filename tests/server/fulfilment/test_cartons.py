"""Suggested boxes hold what is said to be in them."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from server.fulfilment.cartons import Block, Box, Goods, Suggestion, suggest_boxes

SMALL = Box("S", (200, 150, 100), 2_000)
LARGE = Box("L", (600, 400, 400), 20_000)

SIDE = st.integers(0, 500)
GOODS = st.lists(
    st.builds(
        lambda sides, weight_g, quantity: (sides, weight_g, quantity),
        st.tuples(SIDE, SIDE, SIDE),
        st.integers(0, 25_000),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=8,
).map(lambda rows: [Goods(f"G{number}", *row) for number, row in enumerate(rows)])


def apart(a: Block, b: Block) -> bool:
    """Whether the two share no room: along some axis one ends before the other begins."""
    return any(
        a.corner_mm[axis] + a.sides_mm[axis] <= b.corner_mm[axis]
        or b.corner_mm[axis] + b.sides_mm[axis] <= a.corner_mm[axis]
        for axis in range(3)
    )


def counted(suggestion: Suggestion) -> dict[str, int]:
    total: dict[str, int] = {}
    parts = [suggestion.too_large, suggestion.unmeasured, suggestion.rest]
    for part in [*parts, *(filled.contents for filled in suggestion.boxes)]:
        for key, units in part.items():
            total[key] = total.get(key, 0) + units
    return total


@given(goods=GOODS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_goods_are_in_exactly_one_box_which_they_fit(goods: list[Goods]) -> None:
    suggestion = suggest_boxes(goods, [LARGE, SMALL])
    assert counted(suggestion) == {each.key: each.quantity for each in goods}
    by_key = {each.key: each for each in goods}
    for filled in suggestion.boxes:
        assert filled.blocks
        for block in filled.blocks:
            assert sorted(block.unit_mm) == sorted(by_key[block.key].sides_mm)
            for axis in range(3):
                end = block.corner_mm[axis] + block.sides_mm[axis]
                assert block.corner_mm[axis] >= 0 and end <= filled.box.sides_mm[axis]
        assert all(apart(a, b) for a, b in combinations(filled.blocks, 2))
        weight_g = sum(by_key[key].weight_g * units for key, units in filled.contents.items())
        assert weight_g == filled.weight_g <= filled.box.max_weight_g


def test_the_smallest_box_that_takes_everything_is_taken() -> None:
    suggestion = suggest_boxes([Goods("TEA", (100, 75, 50), 100, 8)], [LARGE, SMALL])
    assert [filled.box.code for filled in suggestion.boxes] == ["S"]
    assert suggestion.boxes[0].contents == {"TEA": 8}
    assert suggestion.boxes[0].filled_percent == 100


def test_what_is_long_is_turned_to_fit() -> None:
    suggestion = suggest_boxes([Goods("POLE", (10, 20, 190), 100, 1)], [SMALL])
    assert suggestion.boxes[0].contents == {"POLE": 1}


def test_small_volume_does_not_make_a_long_thing_fit() -> None:
    suggestion = suggest_boxes([Goods("POLE", (5, 5, 900), 10, 1)], [LARGE, SMALL])
    assert (suggestion.boxes, suggestion.too_large) == ([], {"POLE": 1})


def test_weight_opens_a_second_box_although_there_is_room() -> None:
    suggestion = suggest_boxes([Goods("LEAD", (20, 20, 20), 1_500, 2)], [SMALL])
    assert [filled.contents for filled in suggestion.boxes] == [{"LEAD": 1}, {"LEAD": 1}]


def test_goods_that_nobody_measured_are_told_and_not_guessed() -> None:
    suggestion = suggest_boxes([Goods("MYSTERY", (0, 10, 10), 10, 3)], [SMALL])
    assert (suggestion.boxes, suggestion.unmeasured) == ([], {"MYSTERY": 3})


def test_a_million_units_are_no_more_work_than_a_few_boxes() -> None:
    suggestion = suggest_boxes([Goods("PIN", (1, 1, 1), 0, 1_000_000_000)], [SMALL, LARGE])
    assert len(suggestion.boxes) == 11
    assert not suggestion.rest
