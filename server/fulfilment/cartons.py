"""Which boxes goods go into. Pure.

Goods are laid into a box largest first, equal units side by side as one block, turned as fits best.
What is left of the room is cut into three cuboids by straight cuts (the "guillotine" way), and the
next block goes into the smallest of these that takes it. So nothing can overlap or stick out, and a
thousand units cost little more than one. Each box is the smallest that takes all that is left; when
none does, the one that holds the most. It is a first fit: seldom more than one box above the best.
"""

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import NamedTuple

MAX_BOXES = 50
"""More than these are no suggestion any more; what they do not hold is told as the rest."""

MAX_SPACES = 64
"""Free cuboids remembered per box; the smallest are forgotten first."""

Sides = tuple[int, int, int]


class Box(NamedTuple):
    """sides_mm: inside. max_weight_g: of what is in it."""

    code: str
    sides_mm: Sides
    max_weight_g: int


class Goods(NamedTuple):
    """Units of one kind. weight_g: 0 when nobody knows."""

    key: str
    sides_mm: Sides
    weight_g: int
    quantity: int


class Block(NamedTuple):
    """Equal units side by side: where the corner lies, how each unit is turned, how many of them
    in each direction."""

    key: str
    corner_mm: Sides
    unit_mm: Sides
    units: Sides

    @property
    def size(self) -> int:
        return self.units[0] * self.units[1] * self.units[2]

    @property
    def sides_mm(self) -> Sides:
        return (
            self.unit_mm[0] * self.units[0],
            self.unit_mm[1] * self.units[1],
            self.unit_mm[2] * self.units[2],
        )


class Filled(NamedTuple):
    box: Box
    blocks: list[Block]
    weight_g: int

    @property
    def contents(self) -> dict[str, int]:
        """Goods -> units."""
        held: dict[str, int] = {}
        for block in self.blocks:
            held[block.key] = held.get(block.key, 0) + block.size
        return held

    @property
    def volume_mm3(self) -> int:
        return sum(volume(block.sides_mm) for block in self.blocks)

    @property
    def filled_percent(self) -> int:
        return 100 * self.volume_mm3 // volume(self.box.sides_mm)


class Suggestion(NamedTuple):
    """too_large: fit into no box there is. unmeasured: nobody knows their size. rest: beyond
    `MAX_BOXES`. All as goods -> units."""

    boxes: list[Filled]
    too_large: dict[str, int]
    unmeasured: dict[str, int]
    rest: dict[str, int]


class Space(NamedTuple):
    corner_mm: Sides
    sides_mm: Sides


def suggest_boxes(goods: Iterable[Goods], boxes: Sequence[Box]) -> Suggestion:
    """The boxes to take, and what goes into each."""
    boxes = sorted(boxes, key=lambda box: (volume(box.sides_mm), box.code))
    unmeasured: dict[str, int] = {}
    too_large: dict[str, int] = {}
    left: list[Goods] = []
    for each in goods:
        if not all(each.sides_mm):
            unmeasured[each.key] = unmeasured.get(each.key, 0) + each.quantity
        elif not any(_takes(box, each) for box in boxes):
            too_large[each.key] = too_large.get(each.key, 0) + each.quantity
        else:
            left.append(each)
    left.sort(key=lambda each: (-volume(each.sides_mm), -max(each.sides_mm), each.key))
    filled: list[Filled] = []
    while left and len(filled) < MAX_BOXES:
        best = _best_box(left, boxes)
        filled.append(best)
        left = _without(left, best.contents)
    rest: dict[str, int] = {}
    for each in left:
        rest[each.key] = rest.get(each.key, 0) + each.quantity
    return Suggestion(filled, too_large, unmeasured, rest)


def fill_box(box: Box, goods: Sequence[Goods]) -> Filled:
    """As much of the goods, in their order, as goes into one box."""
    spaces = [Space((0, 0, 0), box.sides_mm)]
    blocks: list[Block] = []
    weight_g = 0
    for each in goods:
        left = each.quantity
        if each.weight_g:
            left = min(left, (box.max_weight_g - weight_g) // each.weight_g)
        while left > 0 and (found := _find_room(spaces, each, left)):
            space, block = found
            spaces.remove(space)
            spaces += _cut(space, block)
            spaces.sort(key=lambda space: volume(space.sides_mm))
            del spaces[: max(len(spaces) - MAX_SPACES, 0)]
            blocks.append(block)
            left -= block.size
            weight_g += block.size * each.weight_g
    return Filled(box, blocks, weight_g)


def volume(sides: Sides) -> int:
    return sides[0] * sides[1] * sides[2]


def _takes(box: Box, goods: Goods) -> bool:
    """Whether one unit goes into the empty box."""
    pairs = zip(sorted(goods.sides_mm), sorted(box.sides_mm), strict=True)
    return goods.weight_g <= box.max_weight_g and all(unit <= side for unit, side in pairs)


def _best_box(goods: Sequence[Goods], boxes: Sequence[Box]) -> Filled:
    """The smallest that takes everything; else the one that takes the most."""
    wanted = sum(volume(each.sides_mm) * each.quantity for each in goods)
    tried: list[Filled] = []
    for box in boxes:
        filled = fill_box(box, goods)
        if filled.volume_mm3 == wanted:
            return filled
        tried.append(filled)
    return max(tried, key=lambda filled: filled.volume_mm3)


def _find_room(spaces: Sequence[Space], goods: Goods, wanted: int) -> tuple[Space, Block] | None:
    """The smallest space that takes a unit, and as many there as go in side by side."""
    turned = sorted(set(permutations(goods.sides_mm)))
    for space in spaces:
        blocks = [
            Block(goods.key, space.corner_mm, (length, width, height), units)
            for length, width, height in turned
            if (units := _units(space, (length, width, height), wanted))
        ]
        if blocks:
            return space, max(blocks, key=lambda block: (block.size, block.units))
    return None


def _units(space: Space, unit: Sides, wanted: int) -> Sides | None:
    """A full row first, then full layers of rows, then layers."""
    fits = [side // each for side, each in zip(space.sides_mm, unit, strict=True)]
    if not all(fits):
        return None
    row = min(fits[0], wanted)
    rows = min(fits[1], wanted // row)
    return row, rows, min(fits[2], wanted // (row * rows))


def _cut(space: Space, block: Block) -> list[Space]:
    """What is left of a space beside the block, behind it, and on top of it."""
    (x, y, z), (length, width, height) = space
    taken = block.sides_mm
    cuts = [
        Space((x + taken[0], y, z), (length - taken[0], taken[1], height)),
        Space((x, y + taken[1], z), (length, width - taken[1], height)),
        Space((x, y, z + taken[2]), (taken[0], taken[1], height - taken[2])),
    ]
    return [each for each in cuts if all(each.sides_mm)]


def _without(goods: Sequence[Goods], taken: dict[str, int]) -> list[Goods]:
    left = []
    taken = dict(taken)
    for each in goods:
        here = min(taken.get(each.key, 0), each.quantity)
        taken[each.key] = taken.get(each.key, 0) - here
        if each.quantity > here:
            left.append(each._replace(quantity=each.quantity - here))
    return left
