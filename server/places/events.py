"""What other rooms may want to know of places."""

from uuid import UUID

from server.kit.outbox import Event


class PlacePinned(Event, frozen=True):
    """A person has said where this place is; it can be planned now."""

    place_id: UUID
