"""The states of allocations and returned goods, and the kinds of locations. Pure."""

from uuid import UUID

from server.kit.lifecycle import Lifecycle, moves

ALLOCATION = Lifecycle(
    "The allocation",
    # From picked to released: its order was cancelled and the goods are back on their shelf.
    moves(allocated="picked released", picked="shipped released", shipped="", released=""),
)

OPEN = ("allocated", "picked")
"""Allocations that claim stock on the shelf."""

RETURNED_GOODS = Lifecycle(
    "The returned goods",
    moves(
        in_inspection="restock quarantine scrap vendor",
        restock="",
        quarantine="",
        scrap="",
        vendor="",
    ),
)

SUPPLIER = UUID("00000000-0000-7000-8000-000000000001")
CUSTOMER = UUID("00000000-0000-7000-8000-000000000002")
TRANSIT = UUID("00000000-0000-7000-8000-000000000003")
RETURN_QC = UUID("00000000-0000-7000-8000-000000000004")
SCRAP = UUID("00000000-0000-7000-8000-000000000005")
ADJUST = UUID("00000000-0000-7000-8000-000000000006")

OUTSIDE = frozenset({SUPPLIER, CUSTOMER, SCRAP, ADJUST})
"""Where goods come from and go to. They have moves but no stock level: their balance means
nothing, and every order would wait for every other one to write it."""

SELLABLE = ("warehouse", "zone", "aisle", "bin")
"""Kinds of locations from which orders are filled."""

PARENTS = {
    "warehouse": (None,),
    "zone": ("warehouse",),
    "aisle": ("warehouse", "zone"),
    "bin": ("warehouse", "zone", "aisle"),
    "quarantine": ("warehouse", "zone"),
    "van": (None, "warehouse"),
}
"""Kind of a real location -> of what kind its parent may be."""
