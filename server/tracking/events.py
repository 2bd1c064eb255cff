"""What happened on the road."""

from datetime import datetime
from uuid import UUID

from server.kit.outbox import Event


class DriverArrived(Event, frozen=True):
    """The driver has come to a place with a fence; said once per fence.

    subject_id: what the fence was set for, such as a stop.
    """

    driver_id: UUID
    subject_id: UUID
    occurred_at: datetime
