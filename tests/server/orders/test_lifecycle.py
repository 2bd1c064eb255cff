"""The life cycle of an order, walked at random."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.kit.errors import IllegalMove
from server.orders.lifecycle import ORDER, ROAD, UNTIL_SHIPPED, steps

STATES = st.sampled_from(ORDER.states)


class OrderWalk(RuleBasedStateMachine):
    """Moves an order about as the table allows, or tries what it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.path = ["received"]

    @property
    def state(self) -> str:
        return self.path[-1]

    @precondition(lambda self: not ORDER.is_final(self.state))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(sorted(ORDER.moves[self.state])))
        ORDER.check(self.state, wanted)
        self.path.append(wanted)

    @rule(wanted=STATES)
    def try_what_is_not_allowed(self, wanted: str) -> None:
        if not ORDER.allows(self.state, wanted):
            with pytest.raises(IllegalMove, match=f"cannot become {wanted}"):
                ORDER.check(self.state, wanted)

    @rule(wanted=st.sampled_from(ROAD))
    def advance(self, wanted: str) -> None:
        for state in steps(self.state, wanted):
            ORDER.check(self.state, state)
            self.path.append(state)

    @invariant()
    def shipped_goods_are_never_cancelled(self) -> None:
        if "shipped" in self.path:
            assert "cancelled" not in self.path[self.path.index("shipped") :]

    @invariant()
    def it_goes_back_only_from_hold(self) -> None:
        for before, after in zip(self.path, self.path[1:], strict=False):
            if before in ROAD and after in ROAD:
                assert ROAD.index(after) == ROAD.index(before) + 1
            assert before != "on_hold" or after in ("received", "accepted", "cancelled")

    @invariant()
    def final_states_are_the_end(self) -> None:
        assert not any(ORDER.is_final(state) for state in self.path[:-1])


TestOrderWalk = OrderWalk.TestCase
TestOrderWalk.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@given(STATES, st.sampled_from(ROAD))
def test_advancing_ends_where_it_was_told_to_or_moves_nothing(state: str, wanted: str) -> None:
    path = steps(state, wanted)
    ahead = state in ROAD and ROAD.index(state) < ROAD.index(wanted)
    assert bool(path) == ahead
    assert not path or path[-1] == wanted


def test_an_order_may_be_cancelled_exactly_until_it_is_shipped() -> None:
    assert {state for state in ROAD if state in UNTIL_SHIPPED} == set(ROAD[: ROAD.index("shipped")])
    assert "on_hold" in UNTIL_SHIPPED
