"""What the driver must hand in at the end of the day: parcels on board, and cash. Pure.

The phone keeps each act of the day beside the outbox, since acknowledged commands are forgotten.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from driver_app.core.view import RunView
from server.protocol.from_driver import CollectReturn, CompleteTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Debrief:
    """on_board: barcodes that should be in the van now, sorted. without_barcode: so many more.
    cash_minor: taken today, by currency."""

    done: int
    failed: int
    open: int
    on_board: tuple[str, ...]
    without_barcode: int
    cash_minor: dict[str, int]


def reckon_up(run: RunView, acts: Sequence[Any], brought_back: frozenset[str]) -> Debrief:
    """acts: what was done in this shift, in its order; CompleteTask and CollectReturn count.
    brought_back: parcels that were scanned at the depot."""
    states = Counter(task.state for stop in run.stops for task in stop.tasks)
    on_board = set(run.loaded_barcodes)
    cash: Counter[str] = Counter()
    without_barcode = 0
    for act in acts:
        if isinstance(act, CollectReturn):
            on_board |= {parcel.barcode for parcel in act.parcels if parcel.barcode}
            without_barcode += sum(not parcel.barcode for parcel in act.parcels)
        if isinstance(act, CompleteTask) and (found := run.find_task(act.task_id)):
            apart = {parcel.barcode: parcel.outcome for parcel in act.parcels}
            for parcel in found.task.parcels:
                usual = "delivered" if found.task.kind == "delivery" else "collected"
                outcome = apart.get(parcel.barcode, usual)
                if outcome in ("collected", "damaged"):
                    on_board.add(parcel.barcode)
                elif outcome in ("delivered", "missing") or found.task.kind != "delivery":
                    on_board.discard(parcel.barcode)
            if act.cash_minor:
                cash[found.task.currency] += act.cash_minor
    return Debrief(
        done=states["completed"],
        failed=states["failed"],
        open=states["assigned"] + states["accepted"] + states["en_route"] + states["arrived"],
        on_board=tuple(sorted(on_board - brought_back)),
        without_barcode=without_barcode,
        cash_minor=dict(cash),
    )
