"""Life cycles as tables: which state may follow which. Each room keeps its own table."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.kit.errors import IllegalMove


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The allowed moves of one kind of thing.

    thing: its name in sentences, such as "The order".
    moves: state -> the states that may follow it. A state that maps to nothing is final.
    """

    thing: str
    moves: Mapping[str, frozenset[str]]

    def check(self, state: str, wanted: str) -> None:
        """Raise IllegalMove unless `wanted` may follow `state`."""
        if wanted not in self.moves[state]:
            raise IllegalMove(thing=self.thing, state=state, wanted=wanted)

    def allows(self, state: str, wanted: str) -> bool:
        return wanted in self.moves[state]

    def is_final(self, state: str) -> bool:
        return not self.moves[state]

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.moves)


def moves(**table: str) -> dict[str, frozenset[str]]:
    """`moves(open="held closed", held="open", closed="")` as a table."""
    return {state: frozenset(after.split()) for state, after in table.items()}
