"""Alerts are raised once, settle by themselves, and say what to do."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, ClassVar
from uuid import UUID

import pytest

from routing.roads import Fix as RoadFix
from routing.roads import HaversineRoads, RoadRoute
from server.dispatch import service as dispatch
from server.dispatch.forecaster import Forecaster
from server.dispatch.geofences import (
    Rule,
    UnknownGeofence,
    create_geofence,
    delete_geofence,
)
from server.kit.geo import Position
from server.kit.ids import new_id
from server.protocol.from_driver import ArriveAtTasks, Fix, Heartbeat, SetShift
from server.tracking import service as tracking

from .conftest import MORNING, Town, corner


async def look(town: Town) -> list[str]:
    """What waits for a person after a round."""
    await Forecaster(town.db, town.roads).renew_due()
    return await town.raised()


async def test_a_driver_who_will_be_late_is_told_of_once_and_then_that_it_is_so(town: Town) -> None:
    driver = await town.add_driver()
    _, first = await town.assign(corner(5, 0))
    _, task_id = await town.assign(corner(25, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, first)
    assert await look(town) == []
    town.later(minutes=59)
    assert await look(town) == ["will_be_late"]
    (alert,) = await town.exceptions()
    assert alert.sentence == "The driver will probably come after the promised time."
    assert "Tell the customer" in alert.advice
    assert str(alert.task_id) == task_id
    town.later(seconds=61)
    assert await look(town) == ["late"]
    town.later(minutes=2)
    assert await look(town) == ["late"]
    await town.complete(driver, task_id)
    assert await look(town) == []


async def test_an_alert_that_a_person_has_settled_is_not_raised_again(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, task_id)
    town.later(minutes=61)
    assert await look(town) == ["late"]
    (alert,) = await town.exceptions()
    async with town.db.transaction() as session:
        await dispatch.settle_exception(session, alert.id, note="called", by="test")
    town.later(minutes=5)
    assert await look(town) == []


async def test_who_stands_too_long_at_a_door_is_told_of_until_they_leave(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(2, 0))
    await town.start(driver, task_id)
    await town.does(driver, ArriveAtTasks(task_ids=(task_id,), occurred_at=town.now))
    town.later(minutes=15)
    assert await look(town) == []
    town.later(minutes=10)
    assert await look(town) == ["stands_too_long"]
    await town.complete(driver, task_id)
    assert await look(town) == []


async def test_a_silent_phone_is_told_of_with_the_likely_cause_until_it_speaks(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0))
    await town.start(driver, task_id)

    async def beat(**state: object) -> None:
        await drive(town, driver, corner(0, 0), every_s=1)
        async with town.db.transaction() as session:
            await tracking.record_heartbeat(
                session,
                driver_id=driver,
                device_id=device_id,
                heartbeat=Heartbeat(**state),  # type: ignore[arg-type]
                received_at=town.now,
            )

    device_id = new_id()
    causes = {
        "battery": {"battery_percent": 3},
        "allow": {"gps": "denied"},
        "no network": {"network": "none"},
        "saver": {"battery_saver": True},
        "closed": {},
    }
    for word, state in causes.items():
        await beat(**state)
        town.later(minutes=1)
        assert await look(town) == []
        town.later(minutes=11)
        assert await look(town) == ["phone_silent"], word
        (alert,) = await town.exceptions()
        assert word in f"{alert.sentence} {alert.advice}"


async def test_a_run_that_is_over_leaves_no_alert(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, task_id)
    town.later(minutes=70)
    assert await look(town) == ["late"]
    await town.does(driver, SetShift(change="end", occurred_at=town.now))
    assert "late" not in await look(town)


class MappedRoads(HaversineRoads):
    """Roads of a map: from place to place first east and west, then north and south."""

    source: ClassVar[str] = "map"

    def route(self, positions: Sequence[tuple[float, float]], profile: str = "car") -> RoadRoute:
        corners = [positions[0]]
        for (west, _), (east, north) in pairwise(positions):
            corners += [(east, corners[-1][1]), (east, north)] if west != east else [(east, north)]
        return super().route(corners, profile)


async def drive(
    town: Town, driver: UUID, *places: Position, every_s: float = 60.0, speed_mps: float = 10.0
) -> None:
    """The driver is seen at each of these, one after the other."""
    for place in places:
        town.later(seconds=every_s)
        fix = Fix(
            seq=0, taken_at=town.now, lon=place.lon, lat=place.lat, accuracy_m=8,
            speed_mps=speed_mps,
        )  # fmt: skip
        async with town.db.transaction() as session:
            await tracking.ingest_unnumbered(
                session, driver_id=driver, device_id=driver, fixes=[fix], received_at=town.now
            )


async def on_its_way(town: Town) -> tuple[UUID, str]:
    """A driver who has set off to a door, four blocks east and two north of the depot."""
    town.roads = MappedRoads()
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(4, 2))
    await town.start(driver, task_id)
    return driver, task_id


async def test_who_leaves_the_roads_of_the_run_is_told_of_until_they_are_back(town: Town) -> None:
    driver, _ = await on_its_way(town)
    await drive(town, driver, corner(0, 0), corner(1, 0), corner(2, 0), corner(3, 0))
    assert await look(town) == []
    # The crow would be near: it is the straight way to the door, but none of the run's roads.
    await drive(town, driver, corner(2, 1))
    assert await look(town) == []
    await drive(town, driver, corner(2, 1), corner(2, 1))
    assert await look(town) == ["left_route"]
    (alert,) = await town.exceptions()
    assert "Call" in alert.advice
    edge = Position(corner(2, 0).lon, corner(2, 0).lat + 200 / 111_000)
    await drive(town, driver, edge)
    assert await look(town) == ["left_route"], "at the edge it neither begins nor ends"
    town.later(minutes=12)
    assert "left_route" in await look(town), "who is not heard of is not back"
    await drive(town, driver, corner(4, 1))
    assert await look(town) == []
    await drive(town, driver, corner(2, 1), corner(2, 1), corner(2, 1))
    assert await look(town) == ["left_route"], "another time"


async def test_one_bad_fix_is_no_detour_and_without_a_map_nobody_leaves_it(town: Town) -> None:
    driver, _ = await on_its_way(town)
    await drive(town, driver, corner(1, 0), corner(1, 1), corner(2, 0), corner(3, 0))
    assert await look(town) == []
    town.roads = HaversineRoads()
    await drive(town, driver, corner(2, 1), corner(2, 1), corner(2, 1))
    assert await look(town) == []


async def test_a_vehicle_that_is_too_fast_for_some_seconds_is_told_of_once(town: Town) -> None:
    driver, _ = await on_its_way(town)
    async with town.db.transaction() as session:
        (vehicle,) = await dispatch.list_vehicles(session)
        await dispatch.change_vehicle(session, vehicle.id, {"max_speed_kmh": 80}, by="test")
    a, b = corner(1, 0), Position(corner(1, 0).lon + 0.0005, corner(1, 0).lat)
    await drive(town, driver, a, every_s=60)
    await drive(town, driver, b, every_s=5, speed_mps=40)
    await drive(town, driver, b, every_s=5, speed_mps=20)
    assert await look(town) == [], "five seconds may be an error of the receiver"
    await drive(town, driver, b, corner(1, 0), corner(2, 0), every_s=6, speed_mps=25)
    await drive(town, driver, corner(2, 0), every_s=60, speed_mps=10)
    assert await look(town) == ["speeding"]
    (alert,) = await town.exceptions()
    assert alert.sentence == "The vehicle drove 90 km/h, and may drive 80."
    await drive(town, driver, corner(2, 0), corner(3, 0), corner(3, 0))
    assert await look(town) == []
    async with town.db.transaction() as session:
        page = await dispatch.list_exceptions(session, settled=True)
    assert [each.kind for each in page].count("speeding") == 1


class TownOfFifty(MappedRoads):
    """Its map says 50 km/h, but nothing of the streets in the east."""

    def limits_kmh(self, fixes: Sequence[RoadFix], profile: str = "car") -> tuple[int | None, ...]:
        return tuple(50 if each.position[0] < corner(2, 0).lon else None for each in fixes)


async def test_a_vehicle_that_is_too_fast_for_its_road_is_told_of_where_the_map_has_a_limit(
    town: Town,
) -> None:
    driver, _ = await on_its_way(town)
    town.roads = TownOfFifty()
    west, east = corner(1, 0), corner(2, 0)
    await drive(town, driver, west, every_s=60)
    await drive(town, driver, west, west, west, west, every_s=5, speed_mps=16)
    assert await look(town) == [], "58 where 50 is allowed may be an error of the receiver"
    await drive(town, driver, east, every_s=60)
    await drive(town, driver, east, east, east, east, every_s=5, speed_mps=20)
    assert await look(town) == [], "here the map says nothing, and a car may drive 130"
    await drive(town, driver, west, every_s=60)
    await drive(town, driver, west, west, west, west, every_s=5, speed_mps=20)
    assert await look(town) == ["speeding"]
    (alert,) = await town.exceptions()
    assert alert.sentence == "The vehicle drove 72 km/h, and may drive 50 there."


async def test_who_drives_off_with_a_stop_open_is_told_of_until_it_is_done(town: Town) -> None:
    driver, task_id = await on_its_way(town)
    door = corner(4, 2)
    await drive(town, driver, door, speed_mps=0)
    await town.does(driver, ArriveAtTasks(task_ids=(task_id,), occurred_at=town.now))
    await drive(town, driver, door, corner(4, 1))
    assert await look(town) == []
    await drive(town, driver, corner(4, 0), corner(3, 0))
    assert await look(town) == ["left_stop_open"]
    (alert,) = await town.exceptions()
    assert str(alert.task_id) == task_id
    await town.complete(driver, task_id)
    assert await look(town) == []


async def test_who_leaves_the_depot_without_starting_or_comes_back_too_early_is_told_of(
    town: Town,
) -> None:
    town.roads = MappedRoads()
    driver = await town.add_driver()
    _, first = await town.assign(corner(2, 0))
    await town.assign(corner(4, 0))
    town.later(minutes=30)
    await drive(town, driver, corner(0, 0), corner(0, 0), corner(1, 0), corner(2, 0))
    assert await look(town) == []
    await drive(town, driver, corner(2, 0))
    town.later(minutes=10)
    await drive(town, driver, corner(0, 0), corner(1, 0), *[corner(2, 0)] * 3)
    assert await look(town) == ["left_depot_unstarted"]
    await town.start(driver, first)
    await town.complete(driver, first)
    assert await look(town) == []
    await drive(town, driver, corner(1, 0), corner(0, 0), corner(0, 0))
    assert await look(town) == []
    await drive(town, driver, *[corner(0, 0)] * 3)
    assert await look(town) == ["back_at_depot"]
    await drive(town, driver, corner(1, 0), corner(2, 0))
    assert await look(town) == []


async def test_a_phone_that_beats_but_does_not_say_where_it_is_is_told_of_with_the_cause(
    town: Town,
) -> None:
    driver, _ = await on_its_way(town)
    await drive(town, driver, corner(0, 0))
    causes: dict[str, dict[str, Any]] = {
        "allow": {"gps": "denied"},
        "switched off": {"gps": "off"},
        "battery saver": {"battery_saver": True},
        "sky": {},
    }
    for word, state in causes.items():
        town.later(minutes=11)
        async with town.db.transaction() as session:
            await tracking.record_heartbeat(
                session, driver_id=driver, device_id=driver,
                heartbeat=Heartbeat(**state), received_at=town.now,
            )  # fmt: skip
        assert await look(town) == ["no_position"], word
        (alert,) = await town.exceptions()
        assert word in f"{alert.sentence} {alert.advice}"
        await drive(town, driver, corner(0, 0), every_s=1)
        town.later(minutes=1)
        assert await look(town) == []


async def test_who_rests_is_not_asked_where_they_are(town: Town) -> None:
    driver, _ = await on_its_way(town)
    await drive(town, driver, corner(0, 0))
    await town.does(driver, SetShift(change="break_start", occurred_at=town.now))
    town.later(minutes=11)
    async with town.db.transaction() as session:
        await tracking.record_heartbeat(
            session, driver_id=driver, device_id=driver, heartbeat=Heartbeat(),
            received_at=town.now,
        )  # fmt: skip
    assert await look(town) == []


async def watch_circle(town: Town, centre: Position, rule: Rule, radius_m: int = 60) -> UUID:
    async with town.db.transaction() as session:
        made = await create_geofence(
            session,
            depot_id=town.depot_id,
            name="the old town",
            position=centre,
            radius_m=radius_m,
            rule=rule,
            by="test",
        )
    return made.id


async def test_who_is_where_nobody_should_be_is_told_of_until_they_are_out(town: Town) -> None:
    driver, _ = await on_its_way(town)
    forbidden = corner(2, 0)
    await watch_circle(town, forbidden, "stay_out")
    await watch_circle(town, corner(5, 5), "stay_out")
    await drive(town, driver, corner(1, 0), forbidden, corner(3, 0))
    assert await look(town) == [], "somebody drove through a corner of it"
    await drive(town, driver, forbidden, forbidden, every_s=30)
    assert await look(town) == ["entered_geofence"]
    (alert,) = await town.exceptions()
    assert alert.sentence == "The driver is in the old town, where nobody should be."
    assert alert.pattern == "The driver is in {geofence}, where nobody should be."
    assert alert.details["geofence"] == "the old town"
    await drive(town, driver, forbidden)
    assert await look(town) == ["entered_geofence"], "it is told once"
    await drive(town, driver, corner(3, 0))
    assert await look(town) == []


async def test_who_leaves_what_nobody_should_leave_is_told_of_until_they_are_back(
    town: Town,
) -> None:
    driver, _ = await on_its_way(town)
    await watch_circle(town, corner(0, 0), "stay_in", radius_m=200)
    await drive(town, driver, corner(0, 0), corner(1, 0))
    assert "left_geofence" not in await look(town)
    far = corner(4, 0)
    await drive(town, driver, far, far, far, far)
    assert "left_geofence" in await look(town)
    await drive(town, driver, corner(0, 0))
    assert "left_geofence" not in await look(town)


async def test_geofence_that_nobody_watches_any_more_tells_nothing(town: Town) -> None:
    driver, _ = await on_its_way(town)
    forbidden = corner(2, 0)
    fence_id = await watch_circle(town, forbidden, "stay_out")
    await drive(town, driver, forbidden, forbidden, every_s=60)
    assert await look(town) == ["entered_geofence"]
    async with town.db.transaction() as session:
        await delete_geofence(session, fence_id, by="test")
        with pytest.raises(UnknownGeofence):
            await delete_geofence(session, fence_id, by="test")
    await drive(town, driver, forbidden)
    assert await look(town) == []
