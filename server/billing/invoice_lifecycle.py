"""The life of an invoice and of a credit note. For a credit note, paid means used up."""

from server.kit.lifecycle import Lifecycle, moves

INVOICE = Lifecycle(
    "The invoice",
    moves(
        draft="issued",
        issued="part_paid paid",
        part_paid="issued paid",
        paid="issued part_paid",
    ),
)


def state_when_settled(gross_minor: int, settled_minor: int) -> str:
    """The state of an issued invoice of which so much is settled."""
    if settled_minor == gross_minor:
        return "paid"
    return "part_paid" if settled_minor else "issued"
