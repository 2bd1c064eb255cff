"""A driver's day as drives and halts: how far, how long, and at whose place."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import httpx

from routing.road_answers import Matched
from routing.road_errors import NoRoad
from routing.roads import Fix as RoadFix
from routing.roads import HaversineRoads
from server.dispatch.trips import DayOfTrips, tell_trips
from server.identity.access import Role
from server.kit.geo import Position, haversine_m
from server.kit.ids import new_id
from server.protocol.from_driver import Fix
from server.tracking import service as tracking

from .conftest import DEPOT, MORNING, Town, corner

DOOR = corner(2, 0)


class MappedRoads(HaversineRoads):
    """Roads that wind: a fifth longer than from fix to fix."""

    source: ClassVar[str] = "map"

    def match(self, fixes: Sequence[RoadFix], profile: str = "car") -> Matched:
        found = super().match(fixes, profile)
        (way,) = found.stretches
        longer = type(way)(
            geometry=way.geometry, distance_m=round(1.2 * way.distance_m), confidence=0.9
        )
        return Matched(positions=found.positions, stretches=(longer,))


class NoRoads(MappedRoads):
    def match(self, fixes: Sequence[RoadFix], profile: str = "car") -> Matched:
        raise NoRoad("None comes near.")


async def morning(town: Town) -> UUID:
    """Ten minutes at the depot, to the door in a minute, five minutes there, and on for another."""
    driver = await town.add_driver()
    await town.assign(DOOR)
    fixes = []

    def see(at_s: int, position: Position, speed_mps: float) -> None:
        fixes.append(
            Fix(
                seq=len(fixes) + 1,
                taken_at=MORNING + timedelta(seconds=at_s),
                lon=position.lon,
                lat=position.lat,
                accuracy_m=5,
                speed_mps=speed_mps,
            )
        )

    for at_s in range(0, 601, 60):
        see(at_s, DEPOT, 0)
    for step in range(1, 20):
        see(600 + 3 * step, Position(DEPOT.lon + (DOOR.lon - DEPOT.lon) * step / 20, DOOR.lat), 10)
    for at_s in range(660, 961, 60):
        see(at_s, DOOR, 0)
    for step in range(1, 20):
        see(960 + 3 * step, Position(DOOR.lon + 0.0004 * step, DOOR.lat), 10)
    town.later(minutes=30)
    async with town.db.transaction() as session:
        await tracking.ingest_fixes(
            session, driver_id=driver, device_id=new_id(), fixes=fixes, received_at=town.now
        )
    return driver


async def told(town: Town, driver: UUID, roads: HaversineRoads) -> DayOfTrips:
    async with town.db.transaction() as session:
        return await tell_trips(
            session, driver, since=MORNING, until=MORNING + timedelta(days=1), roads=roads
        )


async def test_a_morning_is_told_with_its_places_and_the_metres_of_its_roads(town: Town) -> None:
    driver = await morning(town)
    day = await told(town, driver, MappedRoads())
    assert [piece.kind for piece in day.pieces] == ["halt", "drive", "halt", "drive"]
    depot, there, door, on = day.pieces
    assert depot.at is not None and depot.at.kind == "depot"
    assert door.at is not None and door.at.kind == "stop"
    assert abs((door.from_at - MORNING).total_seconds() - 660) <= 15
    assert abs((door.until_at - MORNING).total_seconds() - 960) <= 15
    straight_m = haversine_m(DEPOT, DOOR)
    assert there.is_matched and there.driven_m is not None
    assert 1.05 * straight_m < there.driven_m < 1.25 * straight_m
    assert day.driven_m == there.driven_m + (on.driven_m or 0)
    assert day.silent_s == 0
    assert 880 <= day.halted_s <= 930


async def test_without_a_road_or_a_map_a_drive_is_measured_from_fix_to_fix(town: Town) -> None:
    driver = await morning(town)
    straight_m = haversine_m(DEPOT, DOOR)
    for roads in (HaversineRoads(), NoRoads()):
        there = (await told(town, driver, roads)).pieces[1]
        assert not there.is_matched and there.driven_m is not None
        assert 0.85 * straight_m < there.driven_m < 1.05 * straight_m


async def test_trips_are_for_dispatchers_and_for_a_day_at_most(
    town: Town, sign_in: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    driver = await morning(town)
    path = f"/api/drivers/{driver}/trips"

    def during(**span: float) -> dict[str, Any]:
        until = MORNING + timedelta(**span)
        return {"since": MORNING.isoformat(), "until": until.isoformat()}

    dispatcher = await sign_in(Role.DISPATCHER)
    answer = await dispatcher.get(path, params=during(days=1))
    assert answer.status_code == 200, answer.text
    assert [piece["kind"] for piece in answer.json()["pieces"]] == [
        "halt",
        "drive",
        "halt",
        "drive",
    ]
    for span in ({"days": 2.0}, {"hours": 0.0}):
        refused = await dispatcher.get(path, params=during(**span))
        assert (refused.status_code, refused.json()["code"]) == (422, "dispatch.trips_too_long")
    nobody = await dispatcher.get(f"/api/drivers/{new_id()}/trips", params=during(days=1))
    assert nobody.json()["pieces"] == []
    warehouse = await sign_in(Role.WAREHOUSE)
    assert (await warehouse.get(path, params=during(days=1))).status_code == 403
