"""The outcome codes: what a task can come to, and what that means for the parcels."""

from typing import Literal, NamedTuple

Kind = Literal["delivery", "pickup", "return_pickup"]


class Outcome(NamedTuple):
    """parcel_state: the state that the parcels get; None: they stay as they are.

    again: the next attempt follows by itself; otherwise a dispatcher decides.
    """

    code: str
    kinds: tuple[Kind, ...]
    success: bool
    sentence: str
    parcel_state: str | None
    again: bool = False


BOTH: tuple[Kind, ...] = ("pickup", "return_pickup")
ALL: tuple[Kind, ...] = ("delivery", *BOTH)

OUTCOMES: tuple[Outcome, ...] = (
    Outcome("delivered_to_consignee", ("delivery",), True, "Handed to the consignee.", "delivered"),
    Outcome("delivered_to_neighbour", ("delivery",), True, "Handed to a neighbour.", "delivered"),
    Outcome(
        "delivered_to_reception",
        ("delivery",),
        True,
        "Handed to a reception or mail room.",
        "delivered",
    ),
    Outcome("safe_place", ("delivery",), True, "Left at the agreed place.", "delivered"),
    Outcome("collected", BOTH, True, "Collected.", "collected"),
    Outcome("not_home", ALL, False, "Nobody was there.", "attempted", again=True),
    Outcome("closed", ALL, False, "The business was closed.", "attempted", again=True),
    Outcome("no_access", ALL, False, "The door could not be reached.", "attempted", again=True),
    Outcome("bad_address", ALL, False, "The address is wrong or incomplete.", "attempted"),
    Outcome("out_of_time", ALL, False, "There was no time left for it.", None, again=True),
    Outcome("not_ready", BOTH, False, "The goods were not ready.", None, again=True),
    Outcome("nothing_to_collect", BOTH, False, "There was nothing to collect.", None),
    Outcome("refused", ("delivery",), False, "The consignee refused it.", "refused"),
    Outcome("wrong_pin", ("delivery",), False, "The PIN was wrong.", "attempted", again=True),
    Outcome("no_cash", ("delivery",), False, "The cash was not paid.", "attempted", again=True),
    Outcome("underage", ("delivery",), False, "The age check failed.", "attempted", again=True),
    Outcome(
        "no_exchange",
        ("delivery",),
        False,
        "The old goods were not there to be taken for it.",
        "attempted",
        again=True,
    ),
    Outcome("damaged", ("delivery",), False, "It was damaged.", "damaged"),
    Outcome("missing", ("delivery",), False, "It was not on board.", "lost"),
)

UNLISTED = {
    ("delivery", True): Outcome("", ALL, True, "Delivered.", "delivered"),
    ("delivery", False): Outcome("", ALL, False, "Not delivered.", "attempted"),
    ("pickup", True): Outcome("", ALL, True, "Collected.", "collected"),
    ("pickup", False): Outcome("", ALL, False, "Not collected.", None),
}
"""What a code that nobody knows is taken for: another phone's word, and a fact all the same."""

_BY_CODE = {outcome.code: outcome for outcome in OUTCOMES}


def find_outcome(code: str, kind: str, *, success: bool) -> tuple[Outcome, bool]:
    """The outcome, and whether the code is one for this kind of task and end."""
    outcome = _BY_CODE.get(code)
    if outcome and kind in outcome.kinds and outcome.success == success:
        return outcome, True
    return UNLISTED["delivery" if kind == "delivery" else "pickup", success], False


def parcel_state(outcome: Outcome, kind: str) -> str | None:
    """An attempt at a pickup leaves the parcels where they are."""
    return None if kind != "delivery" and not outcome.success else outcome.parcel_state


PARCEL_STATES = {
    "delivered": "delivered",
    "collected": "collected",
    "refused": "refused",
    "damaged": "damaged",
    "missing": "lost",
}
"""What one parcel's own outcome at a delivery makes of it."""
