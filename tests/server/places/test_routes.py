"""Address search and pinning over HTTP: who may, what comes back, what is refused and how."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

LOST = {"street": "Nirgendweg", "house_number": "3", "city": "Oberdorf"}


async def create(client: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    answer = await client.post("/api/places", json={**LOST, **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, object] = answer.json()
    return created


async def test_clerk_finds_an_address_while_typing(valley: Database, sign_in: SignIn) -> None:
    clerk = await sign_in(Role.CLERK)

    answer = await clerk.get(
        "/api/places/search", params={"q": "haupstr 12", "lon": 10.15, "lat": 47.0}
    )

    first = answer.json()["items"][0]
    assert answer.status_code == 200
    assert first["line"] == "Hauptstrasse 12, 2000 Unterdorf"
    assert first["position"] == [10.151, 47.001]
    assert first["precision"] == "house"


async def test_dispatcher_asks_which_door_is_here(valley: Database, sign_in: SignIn) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)

    here = await dispatcher.get("/api/places/nearest", params={"lon": 10.0031, "lat": 47.003})
    nowhere = await dispatcher.get("/api/places/nearest", params={"lon": 0, "lat": 0})

    assert here.json()["line"] == "Bergweg 5, Oberdorf"
    assert nowhere.status_code == 404
    assert nowhere.json()["code"] == "places.no_address_nearby"


async def test_dispatcher_works_through_the_places_that_need_a_pin(
    valley: Database, sign_in: SignIn
) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    await create(dispatcher, street="Hauptstrasse", house_number="12")
    lost = [await create(dispatcher, house_number=str(number)) for number in range(1, 4)]

    first = (await dispatcher.get("/api/places?needs_pin=true&limit=2")).json()
    second = (await dispatcher.get(f"/api/places?needs_pin=true&after={first['next']}")).json()
    pinned = await dispatcher.post(
        f"/api/places/{lost[0]['id']}/pin", json={"lon": 10.02, "lat": 47.02}
    )
    left = (await dispatcher.get("/api/places?needs_pin=true")).json()

    assert first["items"] + second["items"] == lost
    assert second["next"] is None
    assert pinned.status_code == 200
    assert (pinned.json()["precision"], pinned.json()["position"]) == ("pin", [10.02, 47.02])
    assert left["items"] == lost[1:]


async def test_place_is_kept_with_its_position_and_access_note(
    valley: Database, sign_in: SignIn
) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    place = await create(
        dispatcher, position={"lon": 10.5, "lat": 47.5}, access_note="Ring twice\nThen wait"
    )

    noted = await dispatcher.put(
        f"/api/places/{place['id']}/access-note", json={"access_note": "Gate code 12"}
    )

    assert (place["precision"], place["access_note"]) == ("given", "Ring twice\nThen wait")
    assert noted.json()["access_note"] == "Gate code 12"
    assert (await dispatcher.get(f"/api/places/{place['id']}")).json() == noted.json()


@pytest.mark.parametrize("role", [Role.CLERK, Role.WAREHOUSE, Role.ACCOUNT_USER])
async def test_only_dispatchers_pin(valley: Database, sign_in: SignIn, role: Role) -> None:
    place = await create(await sign_in(Role.DISPATCHER))
    other = await sign_in(role, account_id=await account_for(role, sign_in))

    answer = await other.post(f"/api/places/{place['id']}/pin", json={"lon": 10, "lat": 47})

    assert answer.status_code == 403


async def test_account_user_searches_the_map_but_sees_no_places(
    valley: Database, sign_in: SignIn
) -> None:
    place = await create(await sign_in(Role.DISPATCHER))
    account_id = await account_for(Role.ACCOUNT_USER, sign_in)
    shop = await sign_in(Role.ACCOUNT_USER, account_id=account_id)

    assert (await shop.get("/api/places/search?q=bergweg")).status_code == 200
    assert (await shop.get(f"/api/places/{place['id']}")).status_code == 403
    assert (await shop.get("/api/places")).status_code == 403


async def test_nobody_searches_without_signing_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/places/search?q=bergweg")).status_code == 401


async def test_unknown_place_is_a_problem_that_names_it(db: Database, sign_in: SignIn) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    missing = new_id()

    for answer in (
        await dispatcher.get(f"/api/places/{missing}"),
        await dispatcher.post(f"/api/places/{missing}/pin", json={"lon": 10, "lat": 47}),
        await dispatcher.put(f"/api/places/{missing}/access-note", json={"access_note": "x"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == "places.unknown_place"
        assert str(missing) in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "search",
        f"search?q={'a' * 201}",
        "search?q=a&lon=181&lat=0",
        "search?q=a&lon=nan&lat=0",
        "search?q=a&limit=0",
        "search?q=a&limit=51",
        "nearest?lon=10",
        "nearest?lon=10&lat=-91",
        "nearest?lon=10&lat=47&within_m=-1",
        "nearest?lon=10&lat=47&within_m=inf",
        "?needs_pin=perhaps",
        "?limit=201",
        "?after=me",
    ],
)
async def test_question_out_of_range_is_refused(db: Database, sign_in: SignIn, query: str) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    path = f"/api/places{query}" if query.startswith("?") else f"/api/places/{query}"

    answer = await dispatcher.get(path)

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"street": 12},
        {"street": "a" * 201},
        {"street": "with\x00zero"},
        {"street": "Weg", "position": {"lon": 10}},
        {"street": "Weg", "position": {"lon": 10, "lat": 91}},
        {"street": "Weg", "unknown": "field"},
        [],
        "text",
    ],
)
async def test_place_that_is_not_well_formed_is_refused(
    db: Database, sign_in: SignIn, body: object
) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)

    answer = await dispatcher.post("/api/places", json=body)

    assert answer.status_code == 422, answer.text
    assert (await dispatcher.get("/api/places")).json()["items"] == []


@pytest.mark.parametrize("typed", ["%00", "%20", "'%3B--", "%F0%9F%98%80", "%ff", "_%25"])
async def test_odd_letters_in_a_search_find_nothing(
    valley: Database, sign_in: SignIn, typed: str
) -> None:
    clerk = await sign_in(Role.CLERK)
    answer = await clerk.get(f"/api/places/search?q={typed}")
    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def account_for(role: Role, sign_in: SignIn) -> UUID | None:
    if role is not Role.ACCOUNT_USER:
        return None
    admin = await sign_in(Role.ADMIN)
    answer = await admin.post("/api/accounts", json={"name": "A shop", "code": "SHOP"})
    return UUID(answer.json()["id"])
