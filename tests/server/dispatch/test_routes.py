"""Dispatch over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.dispatch.planner import plan_next
from server.identity.access import Role

from .conftest import DAY, DEPOT, MORNING, Town, corner

NOBODY = str(uuid4())


async def test_a_day_from_the_first_depot_to_the_breakdown(town: Town, sign_in: Any) -> None:
    api = await sign_in(Role.DISPATCHER)
    place_id = str(await town.place_at(DEPOT, "Second depot"))
    made = await api.post(
        "/api/depots", json={"name": "Two", "place_id": place_id, "timezone": "Europe/Vaduz"}
    )
    assert made.status_code == 201, made.text
    depot_id = made.json()["id"]
    shifts = []
    for number in (1, 2):
        driver = await api.post(
            "/api/drivers",
            json={"depot_id": depot_id, "name": "Eva", "email": f"eva{number}@example.org"},
        )
        vehicle = await api.post(
            "/api/vehicles",
            json={
                "depot_id": depot_id,
                "label": f"Bus {number}",
                "capacity_weight_g": 10**6,
                "capacity_volume_ml": 10**6,
                "capacity_parcels": 100,
            },
        )
        shift = await api.post(
            "/api/shifts",
            json={
                "driver_id": driver.json()["id"],
                "vehicle_id": vehicle.json()["id"],
                "starts_at": MORNING.isoformat(),
                "ends_at": (MORNING + timedelta(hours=9)).isoformat(),
                "breaks": [
                    {
                        "earliest_start_at": (MORNING + timedelta(hours=4)).isoformat(),
                        "latest_start_at": (MORNING + timedelta(hours=5)).isoformat(),
                        "duration_s": 1800,
                    }
                ],
            },
        )
        assert shift.status_code == 201, shift.text
        shifts.append(shift.json())
    goods = await town.book(corner(1, 1), origin_depot_id=depot_id)
    await town.book(corner(2, 1), origin_depot_id=depot_id)
    pool = await api.get(f"/api/depots/{depot_id}/pool", params={"day": str(DAY)})
    assert len(pool.json()) == 2

    asked = await api.post(
        "/api/plans", json={"depot_id": depot_id, "day": str(DAY), "budget_s": 1.0}
    )
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    plan_url = f"/api/plans/{asked.json()['id']}"
    assert await plan_next(town.db, town.roads)
    draft = (await api.get(plan_url)).json()
    assert draft["state"] == "draft"
    run = draft["runs"][0]
    stop_url = f"{plan_url}/stops/{run['stops'][0]['id']}"
    locked = await api.patch(stop_url, json={"locked": True})
    assert locked.json()["runs"][0]["stops"][0]["locked"]
    move = {"to_shift_id": shifts[0]["id"], "to_index": 0}
    assert (await api.post(f"{stop_url}/move", json=move)).status_code == 409
    await api.patch(stop_url, json={"locked": False})
    moved = await api.post(f"{stop_url}/move", json=move)
    assert moved.status_code == 200, moved.text

    published = await api.post(f"{plan_url}/publish")
    assert (published.status_code, published.json()["state"]) == (200, "published")
    again = await api.post(f"{plan_url}/publish")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")

    urgent = await town.book(corner(3, 1), origin_depot_id=depot_id)
    told = await api.post(f"/api/consignments/{urgent.id}/urgent")
    assert told.status_code == 200, told.text
    runs = (await api.get("/api/runs", params={"depot_id": depot_id, "day": str(DAY)})).json()
    run_id = runs["items"][0]["id"]
    assert (await api.get(f"/api/runs/{run_id}")).json()["id"] == run_id
    broken = await api.post(f"/api/runs/{run_id}/breakdown", json={"lon": 9.52, "lat": 47.14})
    assert broken.status_code == 200, broken.text
    tasks = (await api.get(f"/api/consignments/{goods.id}/tasks")).json()
    assert tasks[0]["state"] in ("assigned", "unassigned")

    waiting = (await api.get("/api/exceptions")).json()["items"]
    assert "breakdown" in {each["kind"] for each in waiting}
    settle_url = f"/api/exceptions/{waiting[0]['id']}/settle"
    assert (await api.post(settle_url, json={"note": "towed"})).json()["settled_note"] == "towed"
    assert (await api.post(settle_url, json={})).json()["code"] == "dispatch.already_settled"
    assert len((await api.get("/api/exceptions", params={"settled": True})).json()["items"]) == 1


async def test_the_way_of_a_run_leads_from_the_depot_through_its_stops_and_back(
    town: Town, sign_in: Any
) -> None:
    api = await sign_in(Role.DISPATCHER)
    await town.add_driver()
    await town.book(corner(1, 1))
    await town.book(corner(2, 2))
    await town.publish(await town.plan())
    (run,) = (await api.get("/api/runs")).json()["items"]
    way = (await api.get(f"/api/runs/{run['id']}/way")).json()
    assert way["type"] == "LineString"
    depot = [DEPOT.lon, DEPOT.lat]
    assert way["coordinates"] == [depot, *(stop["position"] for stop in run["stops"]), depot]


async def test_a_stale_plan_is_a_conflict_that_says_what_changed(town: Town, sign_in: Any) -> None:
    api = await sign_in(Role.DISPATCHER)
    await town.add_driver()
    await town.book(corner(1, 1))
    plan = await town.plan()
    fresh = await town.book(corner(2, 2))
    refused = await api.post(f"/api/plans/{plan.id}/publish")
    assert (refused.status_code, refused.json()["code"]) == (409, "dispatch.stale_plan")
    assert refused.json()["changes"] == [f"{fresh.waybill} was added."]


async def test_unknown_ids_are_not_found(town: Town, sign_in: Any) -> None:
    api = await sign_in(Role.ADMIN)
    for method, path, body in (
        ("GET", f"/api/depots/{NOBODY}/pool?day={DAY}", None),
        ("GET", f"/api/plans/{NOBODY}", None),
        ("POST", f"/api/plans/{NOBODY}/publish", None),
        ("POST", f"/api/plans/{NOBODY}/cancel", None),
        ("PATCH", f"/api/plans/{NOBODY}/stops/{NOBODY}", {"locked": True}),
        (
            "POST",
            f"/api/plans/{NOBODY}/stops/{NOBODY}/move",
            {"to_shift_id": NOBODY, "to_index": 0},
        ),
        ("POST", "/api/plans", {"depot_id": NOBODY, "day": str(DAY)}),
        ("GET", f"/api/runs/{NOBODY}", None),
        ("GET", f"/api/runs/{NOBODY}/way", None),
        ("POST", f"/api/runs/{NOBODY}/breakdown", {}),
        ("POST", f"/api/consignments/{NOBODY}/urgent", None),
        ("POST", f"/api/tasks/{NOBODY}/repeat", {"day": str(DAY)}),
        ("POST", f"/api/exceptions/{NOBODY}/settle", {}),
        ("PATCH", f"/api/drivers/{NOBODY}", {"skills": [], "active": True}),
        ("PATCH", f"/api/vehicles/{NOBODY}", {"active": False}),
        ("DELETE", f"/api/shifts/{NOBODY}", None),
        ("POST", "/api/drivers", {"depot_id": NOBODY, "name": "A", "email": "a@example.org"}),
    ):
        answer = await api.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)


async def test_what_makes_no_sense_is_refused_with_a_reason(town: Town, sign_in: Any) -> None:
    api = await sign_in(Role.DISPATCHER)
    driver = await town.add_driver()
    place_id, vague_id = str(await town.place_at(corner(0, 1))), str(await town.place_at(None))
    vehicle_id = (await api.get("/api/vehicles")).json()[0]["id"]
    depot = {"name": "X", "place_id": place_id, "timezone": "UTC"}
    shift = {
        "driver_id": str(driver),
        "vehicle_id": vehicle_id,
        "starts_at": "2026-03-05T07:00:00Z",
        "ends_at": "2026-03-05T15:00:00Z",
    }
    rest = {
        "earliest_start_at": "2026-03-05T18:00:00Z",
        "latest_start_at": "2026-03-05T18:00:00Z",
        "duration_s": 60,
    }
    overlapping = shift | {"starts_at": MORNING.isoformat(), "ends_at": MORNING.isoformat()}
    overlapping["ends_at"] = (MORNING + timedelta(hours=1)).isoformat()
    van = {
        "depot_id": str(town.depot_id),
        "label": "Van 1",
        "capacity_weight_g": 1,
        "capacity_volume_ml": 1,
        "capacity_parcels": 1,
    }
    for path, body, code in (
        ("/api/depots", depot | {"timezone": "Mars/Base"}, "dispatch.unknown_timezone"),
        ("/api/depots", depot | {"timezone": "../etc/passwd"}, "dispatch.unknown_timezone"),
        ("/api/depots", depot | {"place_id": vague_id}, "dispatch.depot_without_position"),
        ("/api/depots", depot | {"place_id": NOBODY}, "dispatch.depot_without_position"),
        ("/api/depots", depot | {"name": "Depot"}, "dispatch.name_taken"),
        ("/api/depots", depot | {"closes_local": "00:00:00"}, "dispatch.bad_opening"),
        ("/api/vehicles", van, "dispatch.name_taken"),
        ("/api/shifts", shift | {"ends_at": "2026-03-05T06:00:00Z"}, "dispatch.bad_shift"),
        ("/api/shifts", shift | {"ends_at": "2026-03-09T06:00:00Z"}, "dispatch.bad_shift"),
        ("/api/shifts", shift | {"breaks": [rest]}, "dispatch.bad_shift"),
        ("/api/shifts", overlapping, "dispatch.shift_overlaps"),
        (
            "/api/plans",
            {"depot_id": str(town.depot_id), "day": "2020-01-01"},
            "dispatch.day_is_past",
        ),
        ("/api/plans", {"depot_id": str(town.depot_id), "day": "9999-12-31"}, "dispatch.bad_day"),
    ):
        answer = await api.post(path, json=body)
        assert answer.status_code in (409, 422), (path, body, answer.text)
        assert answer.json()["code"] == code, (path, body)


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.DRIVER, Role.CLERK])
async def test_only_dispatchers_change_anything(town: Town, sign_in: Any, role: Role) -> None:
    api = await sign_in(role)
    answer = await api.post("/api/plans", json={"depot_id": str(town.depot_id), "day": str(DAY)})
    assert answer.status_code == 403


async def test_shifts_of_a_day_are_those_of_the_depots_day_and_no_other(
    town: Town, sign_in: Any
) -> None:
    await town.add_driver()
    api = await sign_in(Role.DISPATCHER)
    asked = {"depot_id": str(town.depot_id)}
    on_the_day = await api.get("/api/shifts", params=asked | {"day": str(DAY)})
    assert len(on_the_day.json()) == 1, on_the_day.text
    other = await api.get("/api/shifts", params=asked | {"day": str(DAY + timedelta(days=1))})
    assert other.json() == []
    nowhere = await api.get("/api/shifts", params={"day": str(DAY)})
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "dispatch.no_depot_of_day")
