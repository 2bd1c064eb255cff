"""What happened to consignments."""

from datetime import datetime
from uuid import UUID

from server.kit.outbox import Event


class ConsignmentAnnounced(Event, frozen=True):
    """We know of it and must move it."""

    consignment_id: UUID
    kind: str
    order_id: UUID | None


class ConsignmentAmended(Event, frozen=True):
    """changed: which of its columns, and of what its parcels come to together: weight_g, volume_ml,
    parcels. Empty where nobody noted it down, which may mean anything."""

    consignment_id: UUID
    changed: tuple[str, ...] = ()


class ConsignmentCancelled(Event, frozen=True):
    consignment_id: UUID


class CustodyChanged(Event, frozen=True):
    """Parcels of one consignment changed their state or their holder.

    state: of the whole consignment, as of this change.
    parcel_state: what the parcels listed are now.
    """

    consignment_id: UUID
    order_id: UUID | None
    kind: str
    state: str
    parcel_ids: tuple[UUID, ...]
    parcel_state: str
    occurred_at: datetime
