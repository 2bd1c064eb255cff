"""Trackers that are no app of ours, from their messages to the driver's marker."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar

from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.errors import Invalid
from server.live.guess_limit import GUESSES, GuessLimit
from server.live.osmand import read_osmand_json, read_osmand_parameters
from server.live.owntracks import read_owntracks
from server.tracking import service as tracking

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OWNTRACKS, OSMAND = "/api/trackers/owntracks", "/api/trackers/osmand"


@dataclass
class Tracker:
    """What the office typed into it, and where it is."""

    client: httpx.AsyncClient
    db: Database
    driver_id: UUID
    device_id: UUID
    token: str
    now: datetime = MORNING
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def owntracks(self, message: object, **options: Any) -> httpx.Response:
        credentials = options.pop("auth", (str(self.device_id), self.token))
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return await self.client.post(OWNTRACKS, content=content, auth=credentials, **options)

    def located(self, *, east_deg: float = 0.0, **more: Any) -> dict[str, Any]:
        place = {"lat": 47.14, "lon": 9.52 + east_deg, "tst": int(self.now.timestamp())}
        return {"_type": "location", "acc": 9, **place, **more}

    def parameters(self, **more: Any) -> dict[str, Any]:
        place = {"lat": 47.14, "lon": 9.52, "timestamp": int(self.now.timestamp())}
        return {"id": self.token, "accuracy": 9, **place, **more}

    async def trail(self) -> list[tracking.TrailPoint]:
        async with self.db.transaction() as session:
            return await tracking.breadcrumb(
                session,
                self.driver_id,
                since=MORNING - timedelta(days=1),
                until=MORNING + timedelta(days=1),
            )

    async def marker(self) -> tracking.LivePosition:
        async with self.db.transaction() as session:
            (found,) = await tracking.latest_positions(session, [self.driver_id])
        return found


@pytest_asyncio.fixture
async def tracker(
    db: Database,
    client: httpx.AsyncClient,
    sign_in: Callable[..., Awaitable[httpx.AsyncClient]],
) -> AsyncIterator[Tracker]:
    async with db.transaction() as session:
        driver = await identity.create_person(
            session, name="Nora Frei", email="nora@example.org", role=Role.DRIVER, by="test"
        )
    office = await sign_in(Role.DISPATCHER)
    added = await office.post(f"/api/drivers/{driver.id}/trackers", json={"model": "Old phone"})
    assert added.status_code == 201, added.text
    told = added.json()
    assert told["owntracks_url"].endswith(OWNTRACKS) and told["osmand_url"].endswith(OSMAND)
    tracker = Tracker(client, db, driver.id, UUID(told["device_id"]), told["token"])
    with clock.running(lambda: tracker.now):
        yield tracker


async def test_a_location_of_owntracks_moves_the_drivers_marker(tracker: Tracker) -> None:
    answer = await tracker.owntracks(
        tracker.located(vel=36, cog=90, batt=71, bs=2, conn="m", tid="nf", topic="owntracks/a/b")
    )
    assert (answer.status_code, answer.json()) == (200, [])
    marker = await tracker.marker()
    assert marker.taken_at == MORNING
    assert marker.position.lon == pytest.approx(9.52)
    assert marker.speed_mps == pytest.approx(10.0)
    assert (marker.heading_deg, marker.battery_percent) == (90.0, 71)
    async with tracker.db.transaction() as session:
        sign = (await tracking.last_signs(session, [tracker.driver_id]))[tracker.driver_id]
    assert (sign.network, sign.battery_percent) == ("cellular", 71)


async def test_what_is_sent_again_is_stored_once(tracker: Tracker) -> None:
    first = tracker.located()
    tracker.now += timedelta(seconds=30)
    second = tracker.located(east_deg=0.001)
    for message in (first, second, first, second, first):
        assert (await tracker.owntracks(message)).status_code == 200
    for _ in range(2):
        assert (await tracker.client.get(OSMAND, params=tracker.parameters())).status_code == 200
    assert [point.taken_at for point in await tracker.trail()] == [
        MORNING,
        MORNING + timedelta(seconds=30),
    ]


async def test_a_place_too_far_away_does_not_speak_for_itself_by_coming_again(
    tracker: Tracker,
) -> None:
    await tracker.owntracks(tracker.located())
    tracker.now += timedelta(seconds=10)
    far = tracker.located(east_deg=1.0)
    for _ in range(3):
        assert (await tracker.owntracks(far)).status_code == 200
    assert len(await tracker.trail()) == 1
    tracker.now += timedelta(seconds=10)
    await tracker.owntracks(tracker.located(east_deg=1.0005))
    assert len(await tracker.trail()) == 2


async def test_what_was_kept_in_a_tunnel_is_stored_and_does_not_move_the_marker(
    tracker: Tracker,
) -> None:
    tracker.now += timedelta(minutes=5)
    await tracker.owntracks(tracker.located(east_deg=0.01))
    for minute in range(8, 0, -1):
        tst = int((MORNING - timedelta(seconds=minute * 2)).timestamp())
        await tracker.owntracks(tracker.located() | {"tst": tst})
    assert len(await tracker.trail()) == 9
    assert (await tracker.marker()).taken_at == tracker.now


async def test_traccar_client_is_heard_by_address_by_form_and_by_json(tracker: Tracker) -> None:
    client = tracker.client
    sent = tracker.parameters(speed=19.4384, bearing=180, batt=55, charge="true", altitude=460)
    assert (await client.get(OSMAND, params=sent)).status_code == 200
    marker = await tracker.marker()
    assert marker.speed_mps == pytest.approx(10.0, abs=0.01)
    assert (marker.heading_deg, marker.battery_percent) == (180.0, 55)

    tracker.now += timedelta(seconds=60)
    assert (await client.post(OSMAND, params=tracker.parameters())).status_code == 200
    tracker.now += timedelta(seconds=60)
    assert (await client.post(OSMAND, data=tracker.parameters())).status_code == 200
    tracker.now += timedelta(seconds=60)
    message = {
        "device_id": tracker.token,
        "location": {
            "timestamp": tracker.now.isoformat().replace("+00:00", ".250Z"),
            "coords": {
                "latitude": 47.141,
                "longitude": 9.52,
                "accuracy": 5,
                "speed": -1,
                "heading": -1,
                "altitude": 460,
            },
            "is_moving": False,
            "odometer": 12.5,
            "event": "motionchange",
            "battery": {"level": 0.5, "is_charging": False},
            "activity": {"type": "still"},
            "extras": {},
        },
    }
    assert (await client.post(OSMAND, json=message)).status_code == 200
    assert len(await tracker.trail()) == 4
    marker = await tracker.marker()
    assert marker.taken_at == tracker.now + timedelta(milliseconds=250)
    assert (marker.speed_mps, marker.heading_deg, marker.battery_percent) == (None, None, 50)


async def test_a_reading_that_the_tracker_itself_doubts_is_a_sign_of_life_only(
    tracker: Tracker,
) -> None:
    sent = {"id": tracker.token, "valid": "false", "batt": "12"}
    assert (await tracker.client.get(OSMAND, params=sent)).status_code == 200
    assert await tracker.trail() == []
    async with tracker.db.transaction() as session:
        signs = await tracking.last_signs(session, [tracker.driver_id])
    assert signs[tracker.driver_id].battery_percent == 12


async def test_filters_hold_back_what_is_no_place_and_the_tracker_may_forget_it(
    tracker: Tracker,
) -> None:
    old = MORNING - timedelta(days=30)
    for message in (
        tracker.located() | {"lat": 0, "lon": 0},
        tracker.located() | {"lat": 91},
        tracker.located(acc=5000),
        tracker.located() | {"tst": int(old.timestamp())},
        tracker.located() | {"tst": int((MORNING + timedelta(days=1)).timestamp())},
    ):
        assert (await tracker.owntracks(message)).status_code == 200
    assert await tracker.trail() == []
    async with tracker.db.transaction() as session:
        rejected = await tracking.fix_rejections(session, since=MORNING, until=MORNING)
    assert set(rejected) == {"zero", "out_of_range", "inaccurate", "too_old", "in_the_future"}


async def test_what_else_owntracks_says_is_taken_and_left(tracker: Tracker) -> None:
    for message in (
        b"",
        b" \n",
        {"_type": "lwt", "tst": 1},
        {"_type": "transition", "event": "enter"},
        {"_type": "card", "name": "x"},
    ):
        answer = await tracker.owntracks(message)
        assert (answer.status_code, answer.json()) == (200, [])
    assert await tracker.trail() == []


async def test_hostile_messages_get_a_code_and_a_sentence(tracker: Tracker) -> None:
    for body in (
        b"\x00\xff",
        b"[]",
        b'{"_type": 7}',
        b'{"_type": "location"}',
        b'{"_type": "location", "lat": "47", "lon": 9.5, "tst": 1}',
        b'{"_type": "location", "lat": 47, "lon": 9.5, "tst": 99999999999999}',
        b'{"_type": "location", "lat": NaN, "lon": 9.5, "tst": 1}',
        b'{"_type":' + b"[" * 5000,
        b'{"_type": "encrypted", "data": "x"}',
    ):
        answer = await tracker.owntracks(body)
        assert answer.status_code == 422, body
        assert answer.json()["code"] in ("live.not_owntracks", "live.owntracks_encrypted")
        assert len(answer.json()["detail"]) < 400
    for wrong in (
        {"id": tracker.token},
        tracker.parameters(timestamp=""),
        tracker.parameters(timestamp="yesterday"),
        tracker.parameters(timestamp="1e300"),
        tracker.parameters(lat="nan"),
        tracker.parameters(lat="x"),
        tracker.parameters(accuracy="inf"),
        {str(number): "x" for number in range(100)},
        {},
    ):
        answer = await tracker.client.get(OSMAND, params=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "live.not_osmand"), wrong
    assert (await tracker.owntracks(b"{" + b" " * 70_000)).status_code == 413
    assert await tracker.trail() == []


async def test_only_the_token_of_a_tracker_lets_it_in(
    tracker: Tracker, sign_in: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    device_id, message = str(tracker.device_id), tracker.located()
    for wrong in ((device_id, "x"), ("x", tracker.token), ("", ""), None):
        answer = await tracker.owntracks(message, auth=wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    for header in ("Basic", "Basic !!!", "Basic /w==", b"Basic \xff", f"Bearer {tracker.token}"):
        headers = {"Authorization": header}
        answer = await tracker.owntracks(message, auth=None, headers=headers)
        assert answer.status_code == 401
    office = await sign_in(Role.DISPATCHER)
    assert (await office.delete(f"/api/devices/{device_id}")).status_code == 204
    assert (await tracker.owntracks(message)).status_code == 401
    sent = await tracker.client.get(OSMAND, params=tracker.parameters())
    assert (sent.status_code, sent.json()["code"]) == (401, "live.unknown_tracker")
    assert await tracker.trail() == []


async def test_a_trackers_token_opens_nothing_else(tracker: Tracker) -> None:
    """It stands in addresses, which end up in logs."""
    headers = {"Authorization": f"Bearer {tracker.token}"}
    for method, path in (("POST", "/api/driver/envelopes"), ("GET", "/api/me")):
        answer = await tracker.client.request(
            method, path, headers=headers, content=b'{"envelopes": []}'
        )
        assert answer.status_code == 401
    async with tracker.db.transaction() as session:
        assert await identity.principal_of_device(session, tracker.token) is None
        device = await identity.list_devices(session, driver_id=tracker.driver_id)
        paired = await identity.create_pairing_code(session, tracker.driver_id, by="test")
        phone = await identity.pair_device(session, paired, "Phone", address="test")
        assert await identity.principal_of_tracker(session, phone.token) is None
    assert [each.is_tracker for each in device] == [True]


async def test_who_guesses_tokens_is_slowed_down_and_the_tracker_beside_is_not(
    app: Litestar, tracker: Tracker
) -> None:
    app.state.tracker_limit = GuessLimit(lambda: 1000.0)
    assert (await tracker.owntracks(tracker.located())).status_code == 200
    for number in range(GUESSES):
        sent = tracker.parameters(id=f"pt_{number}")
        assert (await tracker.client.get(OSMAND, params=sent)).status_code == 401
    refused = await tracker.client.get(OSMAND, params=tracker.parameters(id="pt_x"))
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert (await tracker.owntracks(tracker.located())).status_code == 200


async def test_a_tracker_that_floods_is_told_to_wait_and_others_are_not(
    app: Litestar, tracker: Tracker
) -> None:
    now_s = 1000.0
    app.state.tracker_limit = GuessLimit(lambda: now_s, asks=3, seconds_per_ask=2.0)
    answers = [await tracker.owntracks(b"") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "live.asked_too_often"
    async with tracker.db.transaction() as session:
        other = await identity.add_tracker(session, tracker.driver_id, "Other", by="test")
    sent = tracker.parameters(id=other.token)
    assert (await tracker.client.get(OSMAND, params=sent)).status_code == 200
    now_s += 2.0
    assert (await tracker.owntracks(b"")).status_code == 200


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_message_or_a_refusal(body: bytes) -> None:
    for read in (read_owntracks, read_osmand_json):
        try:
            read(body)
        except Invalid as refusal:
            assert refusal.code.startswith("live.")


NAMES = ("id", "lat", "lon", "location", "timestamp", "accuracy", "hdop", "speed", "batt", "valid")
WORDS = st.text(max_size=20) | st.floats().map(str) | st.integers().map(str)


@given(st.dictionaries(st.sampled_from(NAMES), WORDS))
@settings(max_examples=300, deadline=None)
def test_any_parameters_are_a_message_or_a_refusal(said: dict[str, str]) -> None:
    try:
        _, report = read_osmand_parameters(said | {"id": "x"})
    except Invalid as refusal:
        assert refusal.code == "live.not_osmand"
    else:
        assert report.fix is not None or said.get("valid") not in (None, "true", "1")
