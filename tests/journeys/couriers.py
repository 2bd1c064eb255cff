"""The drivers of the journeys, and their phones: the product's own core, on a cable that a story
can pull out."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from driver_app.core.driver import Evidence, File
from driver_app.core.store import Pairing
from driver_app.core.view import StopView, TaskView
from server.kit.geo import Position
from tests.server.live.web_process import Cable, RealPhone, until


@dataclass(frozen=True, kw_only=True)
class Booking:
    """An order that was taken, or a return that was booked, and its consignment."""

    order_id: str
    consignment_id: str
    waybill: str
    barcodes: tuple[str, ...]


class Handset(RealPhone):
    """A phone whose network can be taken away, and which can be switched off."""

    def __init__(self, folder: Path, cable: Cable) -> None:
        super().__init__(folder)
        self.cable = cable
        self.has_network = True
        self._syncing = AsyncExitStack()

    async def switch_on(self) -> None:
        await self._syncing.enter_async_context(self.syncing())

    async def switch_off(self) -> None:
        self.has_network = False
        await self._syncing.aclose()

    def lose_network(self) -> None:
        self.cable.pull()
        self.has_network = False

    def regain_network(self) -> None:
        self.cable.plug()
        self.has_network = True

    @property
    def is_heard(self) -> bool:
        view = self.driver.view()
        return self.has_network and view.paired and not view.revoked

    @property
    def pairing(self) -> Pairing:
        pairing = self.store.get_pairing()
        assert pairing is not None
        return pairing

    async def is_wiped(self) -> None:
        await until(lambda: not self.driver.view().paired)


@dataclass
class Courier:
    """A driver, and the phone in their hand."""

    driver_id: str
    name: str
    shift_id: str
    phone: Handset

    # What the screen shows

    def find(self, booking: Booking, kind: str | None = None) -> TaskView | None:
        """The task of that consignment, as the phone shows it now."""
        for stop in self.stops:
            for task in stop.tasks:
                if task.task.waybill == booking.waybill and kind in (None, task.task.kind):
                    return task
        return None

    def task(self, booking: Booking, kind: str | None = None) -> TaskView:
        task = self.find(booking, kind)
        assert task is not None, f"{self.name}'s phone does not show {booking.waybill}"
        return task

    def stop(self, booking: Booking, kind: str | None = None) -> StopView:
        stop = self.phone.driver.view().find_stop_of(self.task(booking, kind).task.id)
        assert stop is not None
        return stop

    @property
    def stops(self) -> tuple[StopView, ...]:
        return self.phone.driver.view().stops

    @property
    def to_do(self) -> list[str]:
        """The waybills of what is still to do, in driving order."""
        return [
            task.task.waybill
            for stop in self.stops
            for task in stop.tasks
            if task.state not in ("completed", "failed", "cancelled")
        ]

    # What the driver does

    def set_off(self, booking: Booking, kind: str | None = None) -> None:
        self.phone.driver.start([self.task(booking, kind).task.id])

    def arrive(self, booking: Booking, kind: str | None = None) -> None:
        self.phone.driver.arrive([self.task(booking, kind).task.id])

    def deliver(self, booking: Booking, evidence: Evidence | None = None, **details: Any) -> str:
        """Hand it over; the command's id."""
        task_id = self.task(booking, "delivery").task.id
        evidence = evidence or Evidence(recipient_name="Somebody", photos=(photo(task_id),))
        return self.phone.driver.complete(
            task_id, details.pop("outcome_code", "delivered_to_consignee"), evidence, **details
        )

    def collect(self, booking: Booking, kind: str = "pickup", **details: Any) -> str:
        """Take it; the command's id."""
        return self.phone.driver.complete(self.task(booking, kind).task.id, "collected", **details)

    def be_at(self, position: Position, at: datetime) -> None:
        """What the GPS says."""
        self.phone.driver.record_fix(position.lon, position.lat, 5.0, taken_at=at)


def photo(of: str) -> File:
    return File(content=f"a photo of {of}".encode())
