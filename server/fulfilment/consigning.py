"""What an order says, as the consignment that carries it out. Pure."""

from collections import Counter

from server.consignments.service import (
    ConsignmentChanges,
    ConsignmentView,
    NewConsignment,
    NewParcel,
    Party,
)
from server.orders import service as orders
from server.orders.service import OrderView

DEPOT = Party(name="Depot")
"""Who sends goods out of our own stock: without a place it is the depot that plans them."""

MAX_DESCRIPTION = 200


def consignment_for(order: OrderView) -> NewConsignment:
    return NewConsignment(
        kind="courier" if order.kind == "courier" else "delivery",
        order_id=order.id,
        account_id=order.account_id,
        consignor=_party(order.consignor),
        consignee=_party(order.consignee),
        parcels=parcels_of(order),
        window_start_at=order.window_start_at,
        window_end_at=order.window_end_at,
        pickup_window_start_at=order.pickup_window_start_at,
        pickup_window_end_at=order.pickup_window_end_at,
        service_level=order.service_level,
        instructions=order.instructions,
        skills=order.skills,
        proof=order.proof,
        pin=order.pin,
        cash_minor=order.cash_minor,
        currency=order.currency,
    )


def changes_for(order: OrderView) -> ConsignmentChanges:
    """Everything of the order that its consignment can follow without being made anew."""
    new = consignment_for(order)
    names = set(ConsignmentChanges.__struct_fields__) & set(NewConsignment.__struct_fields__)
    return ConsignmentChanges(**{name: getattr(new, name) for name in names})


def parcels_of(order: OrderView) -> tuple[NewParcel, ...]:
    """The parcels as booked; goods of which nobody said how they are packed are one parcel."""
    if order.parcels:
        return tuple(
            NewParcel(
                description=parcel.description,
                weight_g=parcel.weight_g,
                length_mm=parcel.length_mm,
                width_mm=parcel.width_mm,
                height_mm=parcel.height_mm,
            )
            for parcel in order.parcels
        )
    contents = ", ".join(f"{line.quantity} x {line.sku}" for line in order.lines)
    return (NewParcel(description=contents[:MAX_DESCRIPTION]),)


def holds_parcels_of(consignment: ConsignmentView, order: OrderView) -> bool:
    """Whether the consignment has the parcels that the order now asks for."""
    held = Counter(
        (each.description, each.weight_g, each.volume_ml) for each in consignment.parcels
    )
    asked = Counter(
        (
            each.description,
            each.weight_g,
            -(-each.length_mm * each.width_mm * each.height_mm // 1000),
        )
        for each in parcels_of(order)
    )
    return held == asked


def _party(party: orders.Party | None) -> Party:
    if party is None:
        return DEPOT
    return Party(name=party.name, phone=party.phone, place_id=party.place_id)
