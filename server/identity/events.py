"""Facts about drivers' phones."""

from uuid import UUID

from server.kit.outbox import Event


class DevicePaired(Event, frozen=True):
    device_id: UUID
    driver_id: UUID


class DeviceRevoked(Event, frozen=True):
    """The phone must be disconnected and must not be heard again."""

    device_id: UUID
    driver_id: UUID
