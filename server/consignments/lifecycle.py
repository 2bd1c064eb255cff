"""Where a parcel is, from what was reported about it; where a consignment is, from its parcels.

The chain of custody is the truth, and reports may come late or in any order. So a parcel's state is
never "the last thing heard": it is what the whole chain says when it is read in the order in which
things happened. A report that does not fit there stays in the chain, but moves nothing.

Cancelling is an intention, not a place, so parcels have no such state: a consignment counts as
cancelled as long as none of its parcels is on the road in spite of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.kit.lifecycle import Lifecycle, moves

EXITS = "attempted refused lost damaged returning"

PARCEL = Lifecycle(
    "The parcel",
    moves(
        # Steps may be left out: a scan that nobody made is not a conflict.
        announced=f"collected at_depot loaded out_for_delivery delivered {EXITS} returned",
        collected=f"at_depot loaded out_for_delivery delivered {EXITS} returned",
        at_depot=f"loaded out_for_delivery delivered {EXITS} returned",
        loaded=f"at_depot out_for_delivery delivered {EXITS} returned",
        out_for_delivery=f"at_depot loaded delivered {EXITS} returned",
        attempted=f"at_depot loaded out_for_delivery delivered {EXITS} returned",
        refused="at_depot loaded delivered lost damaged returning returned",
        damaged="at_depot lost returning returned",
        lost="at_depot delivered returning returned",
        returning="lost damaged returned",
        delivered="",
        returned="",
    ),
)

UNDERWAY = ("announced", "collected", "at_depot", "loaded", "out_for_delivery", "attempted")
"""The states in which a parcel is still expected at the consignee's door, in order."""

SETTLED = ("delivered", "returning", "refused", "damaged", "lost", "returned")
"""The other states, in the order in which they name a consignment none of whose parcels is
underway."""

STAYS_PUT = frozenset({"announced", "at_depot"})
"""The states of parcels that are not on the road: as long as all are, one may still cancel."""

CONSIGNMENT_STATES = (*UNDERWAY, *SETTLED, "cancelled")


@dataclass(frozen=True, slots=True)
class Report:
    """One link of the chain. recorded: its place in the order in which we heard of it."""

    state: str
    occurred_at: datetime
    recorded: int
    driver_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Custody:
    """Where a parcel is and which driver holds it, and the reports that did not fit."""

    state: str
    holder_id: UUID | None
    conflicting: frozenset[int]


def custody_of(chain: Iterable[Report]) -> Custody:
    """Read the whole chain in the order of the street.

    The same state again is fine: the same parcel was scanned twice, or went from van to van.
    """
    state, holder_id, conflicting = "announced", None, set()
    # An announcement may have been written down after the parcel was already in the van.
    for report in sorted(
        chain, key=lambda each: (each.state != "announced", each.occurred_at, each.recorded)
    ):
        if report.state == state or PARCEL.allows(state, report.state):
            state, holder_id = report.state, report.driver_id
        else:
            conflicting.add(report.recorded)
    return Custody(state, holder_id, frozenset(conflicting))


def consignment_state(parcel_states: Sequence[str], *, cancelled: bool) -> str:
    """The state of a consignment whose parcels are in these states.

    As long as a parcel is underway, the consignment is where the least advanced of those is. Then
    it is delivered if any parcel was (what became of the others is told by parcel), else what the
    first of `SETTLED` says that applies to one of them.
    """
    if cancelled and all(state in STAYS_PUT for state in parcel_states):
        return "cancelled"
    return next(state for state in (*UNDERWAY, *SETTLED) if state in parcel_states)
