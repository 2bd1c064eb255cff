"""A simulated courier: what they do with the phone in a day, and what happens at the doors.

The courier lives on a timeline of their own that follows the clock: driving and service take as
long as they should, and a slow machine makes them report a little late, not drive slower.
"""

import asyncio
import logging
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from driver_app.core.driver import Evidence, File
from driver_app.core.sampling import Situation, choose_sampling
from driver_app.core.view import StopView, TaskView
from routing.road_errors import NoRoad
from routing.roads import HaversineRoads, RoadRoute, Roads
from server.app.simulation.phone import Phone
from server.app.simulation.travel import Journey
from server.kit import clock
from server.kit.geo import Position
from server.protocol import from_driver as wire
from server.protocol.to_driver import Manifest

log = logging.getLogger(__name__)

LOOK_S = 0.05
"""Real seconds between two looks at the phone while there is nothing to do."""
LEAST_SERVICE_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How often what happens, as shares of one. `pin` is what every consignee says."""

    not_home: float = 0.05
    neighbour: float = 0.04
    one_refused: float = 0.02
    unannounced_return: float = 0.04
    not_ready: float = 0.02
    pin: str = "2468"


@dataclass(kw_only=True)
class Tally:
    """What this courier did, to be compared with what the server knows at the end."""

    proofs: int = 0
    unannounced_returns: int = 0


class Person:
    """One courier with a phone. `work()` is the whole day."""

    def __init__(self, phone: Phone, roads: Roads, *, seed: int, doors: Doors) -> None:
        self.phone = phone
        self.tally = Tally()
        self.has_run = False
        self.more_may_come: Callable[[], bool] = lambda: False
        self._roads = roads
        self._seed = seed
        self._doors = doors
        self._here: Position | None = None
        self._brings_home: list[str] = []
        self._time = clock.now()

    async def work(self, until: datetime) -> None:
        """Wait for a run, drive it, come home, go off duty. Without a run, wait until `until`."""
        manifest = await self._wait_for_run(until)
        if manifest is None or manifest.depot is None:
            return
        self.has_run = True
        self._here = Position(manifest.depot.lon, manifest.depot.lat)
        await self._start_shift(manifest)
        while True:
            stop = self.phone.driver.view().next_stop
            if stop is not None:
                await self._do_stop(stop, manifest)
            elif self.more_may_come():
                await asyncio.sleep(LOOK_S)
                self._time = max(self._time, clock.now())
            else:
                break
        await self._come_home(manifest)

    async def _wait_for_run(self, until: datetime) -> Manifest | None:
        while clock.now() < until:
            manifest = self.phone.driver.view().manifest
            if manifest is not None and manifest.stops:
                return manifest
            await asyncio.sleep(LOOK_S)
        return None

    async def _start_shift(self, manifest: Manifest) -> None:
        """Load the van and set off in time for the first stop."""
        first = manifest.stops[0]
        there_s = (await self._route((first.lon, first.lat), manifest)).duration_s
        leave_at = first.planned_arrival_at - timedelta(seconds=there_s)
        if manifest.starts_at is not None:
            leave_at = max(leave_at, manifest.starts_at)
        await self._wait_until(leave_at)
        driver = self.phone.driver
        driver.set_shift("start", position=self._position())
        tasks = [task for stop in driver.view().stops for task in stop.tasks]
        barcodes = [
            parcel.barcode
            for task in tasks
            if task.task.kind == "delivery"
            for parcel in task.task.parcels
        ]
        picked_up_later = {
            parcel.barcode
            for task in tasks
            if task.task.kind == "pickup"
            for parcel in task.task.parcels
        }
        if to_load := [barcode for barcode in barcodes if barcode not in picked_up_later]:
            driver.scan(to_load, "load", position=self._position())
        driver.accept([task.task.id for task in tasks])

    async def _do_stop(self, stop: StopView, manifest: Manifest) -> None:
        open_tasks = [task.task.id for task in stop.tasks if task.state in OPEN]
        self.phone.driver.start(open_tasks, position=self._position())
        await self._drive((stop.stop.lon, stop.stop.lat), manifest)
        still_there = self.phone.driver.view()
        tasks = [
            task for each in still_there.stops for task in each.tasks if task.task.id in open_tasks
        ]
        tasks = [task for task in tasks if task.state in OPEN]
        if not tasks:
            return  # taken from us on the way
        self.phone.driver.arrive([task.task.id for task in tasks], position=self._position())
        if stop.stop.window_start_at is not None:
            await self._wait_until(stop.stop.window_start_at)
        opens_at = stop.stop.window_start_at or stop.stop.planned_arrival_at
        begins_at = max(stop.stop.planned_arrival_at, opens_at)
        planned_s = (stop.stop.planned_departure_at - begins_at).total_seconds()
        chance = self._chance(f"{_door(stop)} service")
        service_s = max(LEAST_SERVICE_S, planned_s) * chance.uniform(0.8, 1.2)
        self._stand(service_s)
        await self._wait_until(self._time + timedelta(seconds=service_s))
        depot = manifest.depot
        at_home = depot is not None and (depot.lon, depot.lat) == (stop.stop.lon, stop.stop.lat)
        for task in tasks:
            self._finish(task, self._chance(f"{_door(stop)} {_errand(task)}"), at_home=at_home)

    def _finish(self, task: TaskView, chance: random.Random, *, at_home: bool) -> None:
        """What happens at the door, as `chance` has it: the same for the same seed, door and
        errand, whatever ids the day gave them. at_home: in our own depot, where goods that are to
        be taken over are always ready."""
        doors, driver = self._doors, self.phone.driver
        lot = chance.random()
        if task.task.kind != "delivery":
            if lot < doors.not_ready and not at_home:
                self._fail(task, "not_ready")
            else:
                self._complete(task, "collected")
            return
        if lot < doors.not_home:
            self._fail(task, "not_home")
            return
        neighbour = lot < doors.not_home + doors.neighbour
        refused: tuple[wire.ParcelOutcome, ...] = ()
        if len(task.task.parcels) > 1 and chance.random() < doors.one_refused:
            refused = (wire.ParcelOutcome(barcode=task.task.parcels[0].barcode, outcome="refused"),)
        self._complete(
            task, "delivered_to_neighbour" if neighbour else "delivered_to_consignee", refused
        )
        self._brings_home += [parcel.barcode for parcel in refused]
        if chance.random() < doors.unannounced_return:
            label = f"RET-{task.task.waybill}"
            self._brings_home.append(label)
            driver.collect_return(
                [
                    wire.HandedOverParcel(
                        barcode=label, description="worn once, too small", weight_g=800
                    )
                ],
                at_task_id=task.task.id,
                reason="does not fit",
                evidence=Evidence(photos=(picture(chance),)),
                position=self._position(),
            )
            self.tally.unannounced_returns += 1
            self.tally.proofs += 1

    def _complete(
        self, task: TaskView, code: str, refused: tuple[wire.ParcelOutcome, ...] = ()
    ) -> None:
        demand, chance = task.task.proof, self._chance(f"{task.task.id} proof")
        asked = ("required", "warned")
        self.phone.driver.complete(
            task.task.id,
            code,
            Evidence(
                photos=(picture(chance),) if demand.photo in asked else (),
                signature=picture(chance) if demand.signature in asked else None,
                recipient_name=task.task.contact_name or "Reception",
                pin=self._doors.pin if demand.pin in asked else None,
                scans=tuple(parcel.barcode for parcel in task.task.parcels),
                age_checked=True if demand.age_check in asked else None,
            ),
            parcels=refused,
            cash_minor=task.task.cash_minor or None,
            position=self._position(),
        )
        self.tally.proofs += 1

    def _fail(self, task: TaskView, code: str) -> None:
        chance = self._chance(f"{task.task.id} proof")
        self.phone.driver.fail(
            task.task.id,
            code,
            Evidence(photos=(picture(chance),), note="rang twice"),
            position=self._position(),
        )
        self.tally.proofs += 1

    async def _come_home(self, manifest: Manifest) -> None:
        """Back to the depot with what was not delivered and what was collected."""
        assert manifest.depot is not None
        await self._drive((manifest.depot.lon, manifest.depot.lat), manifest)
        driver = self.phone.driver
        on_board = self._brings_home + [
            parcel.barcode
            for stop in driver.view().stops
            for task in stop.tasks
            if comes_home(task)
            for parcel in task.task.parcels
        ]
        if on_board:
            driver.scan(on_board, "unload", position=self._position())
        driver.set_shift("end", position=self._position())

    async def _drive(self, to: tuple[float, float], manifest: Manifest) -> None:
        """Follow the road, taking fixes as the phone would."""
        route = await self._route(to, manifest)
        traffic = self._chance(f"{to}").uniform(0.97, 1.05)
        journey = Journey(route, departed_at=self._time, pace=traffic)
        sampling = choose_sampling(
            Situation(on_duty=True, still_s=0, next_stop_m=1000, battery_percent=80)
        )
        assert sampling is not None
        readings = list(journey.readings(sampling.interval_s))
        while readings:
            now = clock.now()
            due = [reading for reading in readings if reading.taken_at <= now]
            readings = readings[len(due) :]
            with self.phone.store.transaction():
                for reading in due:
                    self._here = reading.position
                    self._fix(reading.taken_at, reading.speed_mps, reading.heading_deg)
            if readings:
                await self._wait_until(readings[0].taken_at)
        self._here = journey.destination
        self._time = journey.arrives_at

    def _stand(self, service_s: float) -> None:
        """A fix at the start of the stop; standing still, the phone takes few."""
        if service_s > LEAST_SERVICE_S:
            # On the courier's own timeline: on a slow machine the clock is already ahead of it,
            # and a fix from then would lie among those of the next drive, as a jump back.
            self._fix(self._time, 0.0, None)

    def _fix(self, taken_at: datetime, speed_mps: float, heading_deg: float | None) -> None:
        """The phone's clock may be wrong, so its own time is shifted by as much."""
        assert self._here is not None
        driver = self.phone.driver
        driver.record_fix(
            self._here.lon,
            self._here.lat,
            5.0,
            speed_mps=speed_mps,
            heading_deg=heading_deg,
            taken_at=taken_at + timedelta(seconds=self.phone.clock_error_s),
        )

    async def _route(self, to: tuple[float, float], manifest: Manifest) -> RoadRoute:
        assert self._here is not None
        start = (self._here.lon, self._here.lat)
        try:
            return await asyncio.to_thread(self._roads.route, [start, to], manifest.profile)
        except NoRoad as error:
            log.warning("no road to %s (%s); walking straight there", to, error)
            return await asyncio.to_thread(FOOTPATHS.route, [start, to], manifest.profile)

    async def _wait_until(self, moment: datetime) -> None:
        self._time = max(self._time, moment)
        wait_s = (moment - clock.now()).total_seconds() / clock.speed()
        await asyncio.sleep(max(wait_s, 0 if wait_s < -LOOK_S else LOOK_S))

    def _position(self) -> wire.Position | None:
        if self._here is None:
            return None
        return wire.Position(lon=self._here.lon, lat=self._here.lat, accuracy_m=5.0)

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")


FOOTPATHS = HaversineRoads()

OPEN = ("assigned", "accepted", "en_route", "arrived")


def _door(stop: StopView) -> str:
    return f"{stop.stop.lon:.5f} {stop.stop.lat:.5f}"


def _errand(task: TaskView) -> str:
    return f"{task.task.kind} {task.task.contact_name}"


def comes_home(task: TaskView) -> bool:
    """Whether the parcels of this task are on board at the end of the day."""
    if task.task.kind == "return_pickup":
        return task.state == "completed"
    return task.task.kind == "delivery" and task.state == "failed"


def picture(chance: random.Random) -> File:
    """A small real PNG that no other one equals."""
    size = 16
    rows = b"".join(b"\0" + chance.randbytes(size * 3) for _ in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return File(content=content, content_type="image/png")
