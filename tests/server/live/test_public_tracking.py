"""What the holder of a tracking link learns, and what nobody learns."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from routing.roads import HaversineRoads
from server.consignments import service as consignments
from server.consignments.service import (
    ConsignmentView,
    NewConsignment,
    NewParcel,
    Party,
    TrackingLinkUnknown,
)
from server.dispatch import service as dispatch
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.live.guess_limit import GUESSES, SECONDS_PER_GUESS, GuessLimit, TooManyGuesses
from server.live.public_tracking import PublicView, public_view
from server.places import service as places
from server.protocol.from_driver import CompleteTask, FailTask, Fix, StartTasks
from server.tracking import service as tracking

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOME = Position(9.52, 47.14)
SECRETS = (
    "Ada", "Lovelace", "999 88 77", "Secret Shop", "111 22 33", "Lindenweg", "Nora", "Frei",
    "Hidden", "mind the dog", "PR0",
)  # fmt: skip


@dataclass
class Street:
    """One driver and the parcels that they bring, on a morning whose clock the test moves."""

    db: Database
    now: datetime = MORNING
    driver_id: UUID = field(default_factory=new_id)
    depot_id: UUID = field(default_factory=new_id)
    device_id: UUID = field(default_factory=new_id)
    seq: int = 0

    async def set_up(self) -> None:
        async with self.db.transaction() as session:
            place = await places.create_place(session, "Depot", position=HOME)
            depot = await dispatch.create_depot(
                session, name="Depot", place_id=place.id, timezone="UTC", by="test"
            )
            self.depot_id = depot.id
            driver = await dispatch.create_driver(
                session, depot_id=depot.id, name="Nora Frei", email="n@example.org", by="test"
            )
            self.driver_id = driver.id
            vehicle = await dispatch.create_vehicle(
                session,
                depot_id=depot.id,
                label="Van",
                capacity_weight_g=1_000_000,
                capacity_volume_ml=1_000_000,
                capacity_parcels=50,
                by="test",
            )
            await dispatch.create_shift(
                session,
                driver_id=driver.id,
                vehicle_id=vehicle.id,
                starts_at=MORNING,
                ends_at=MORNING + timedelta(hours=9),
                by="test",
            )

    async def book(
        self, east_deg: float, *, at_place: UUID | None = None, **details: Any
    ) -> ConsignmentView:
        """A parcel whose task is in nobody's run yet. at_place: instead of so far to the east."""
        address = places.Address(street="Lindenweg", house_number="3", city="Vaduz")
        values: dict[str, Any] = {
            "kind": "delivery",
            "account_id": None,
            "parcels": (NewParcel(weight_g=900),),
            "instructions": "mind the dog",
            "window_start_at": MORNING + timedelta(hours=1),
            "window_end_at": MORNING + timedelta(hours=5),
        }
        async with self.db.transaction() as session:
            position = Position(HOME.lon + east_deg, HOME.lat)
            place = await places.create_place(session, address, position=position)
            shop = Party(name="The Secret Shop", phone="+423 111 22 33")
            door = Party(name="Ada Lovelace", phone="+423 999 88 77", place_id=at_place or place.id)
            sides = (door, shop) if details.get("kind") == "return" else (shop, door)
            new = NewConsignment(**values | details, consignor=sides[0], consignee=sides[1])
            made = await consignments.create_consignment(session, new, by="test")
        await relay_pending(self.db)
        return made

    async def plan(self, consignment: ConsignmentView) -> str:
        """Into the driver's run; the task."""
        async with self.db.transaction() as session:
            await dispatch.insert_urgent(session, consignment.id, roads=HaversineRoads(), by="test")
            (task,) = await dispatch.list_tasks(session, consignment.id)
        await relay_pending(self.db)
        return str(task.id)

    async def report(self, act: Any, command: Any) -> None:
        async with self.db.transaction() as session:
            await act(
                session,
                driver_id=self.driver_id,
                command=command,
                occurred_at=self.now,
                received_at=self.now,
                command_id=str(new_id()),
            )
        await relay_pending(self.db)

    async def start(self, task_id: str) -> None:
        command = StartTasks(task_ids=(task_id,), occurred_at=self.now)
        await self.report(dispatch.start_tasks, command)

    async def deliver(self, task_id: str) -> None:
        command = CompleteTask(
            task_id=task_id, outcome_code="delivered_to_consignee", occurred_at=self.now
        )
        await self.report(dispatch.complete_task, command)

    async def be_at(self, position: Position) -> None:
        self.seq += 1
        fix = Fix(
            seq=self.seq,
            taken_at=self.now,
            lon=position.lon,
            lat=position.lat,
            accuracy_m=5.0,
        )
        async with self.db.transaction() as session:
            await tracking.ingest_fixes(
                session,
                driver_id=self.driver_id,
                device_id=self.device_id,
                fixes=[fix],
                received_at=self.now,
            )

    async def link(self, consignment: ConsignmentView, *, hours: float = 24) -> str:
        async with self.db.transaction() as session:
            return await consignments.open_tracking_link(
                session, consignment.id, expires_at=self.now + timedelta(hours=hours)
            )

    async def see(self, token: str) -> PublicView:
        async with self.db.transaction() as session:
            return await public_view(session, token)


@pytest_asyncio.fixture
async def street(db: Database) -> AsyncIterator[Street]:
    street = Street(db)
    with clock.running(lambda: street.now):
        await street.set_up()
        yield street


async def test_before_planning_the_agreed_window_is_shown_and_no_map(street: Street) -> None:
    token = await street.link(await street.book(0.01))
    view = await street.see(token)
    assert (view.step, view.town, view.is_planned) == ("announced", "Vaduz", False)
    assert view.expected_from_at == MORNING + timedelta(hours=1)
    assert view.expected_until_at == MORNING + timedelta(hours=5)
    assert view.stops_before is None
    assert view.streets is None


async def test_time_that_has_passed_is_not_promised_any_longer(
    street: Street, client: httpx.AsyncClient
) -> None:
    token = await street.link(await street.book(0.01))
    street.now += timedelta(hours=6)
    view = await street.see(token)
    assert view.is_late and view.expected_from_at is None
    assert "longer than planned" in (await client.get(f"/t/{token}")).text


async def test_courier_is_shown_only_while_this_stop_is_next_or_active(street: Street) -> None:
    one, other = await street.book(0.01), await street.book(-0.02)
    tasks = {each.id: await street.plan(each) for each in (one, other)}
    tokens = {each.id: await street.link(each) for each in (one, other)}
    other_is_first = (await street.see(tokens[other.id])).stops_before == 0
    first, second = (other, one) if other_is_first else (one, other)
    first_task, second_task, token = tasks[first.id], tasks[second.id], tokens[second.id]
    await street.be_at(Position(9.5212345, 47.1412345))
    await street.start(first_task)

    view = await street.see(token)
    assert view.stops_before == 1 and not view.is_next and view.is_planned
    assert view.streets is not None and view.streets.courier is None

    street.now += timedelta(minutes=3)
    await street.deliver(first_task)
    await street.be_at(Position(9.5282345, 47.1412345))
    view = await street.see(token)
    assert view.stops_before == 0 and view.is_next
    assert view.streets is not None and view.streets.courier is not None

    await street.start(second_task)
    await street.deliver(second_task)
    view = await street.see(token)
    assert view.step == "delivered" and view.is_over
    assert view.streets is None and view.expected_from_at is None


async def test_courier_is_shown_only_roughly_and_only_while_the_position_is_fresh(
    street: Street,
) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    await street.start(task_id)
    await street.be_at(Position(9.52512, 47.14111))
    one = await street.see(token)
    street.now += timedelta(minutes=1)
    await street.be_at(Position(9.52488, 47.14089))
    other = await street.see(token)
    assert one.streets and other.streets and one.streets.courier
    assert one.streets.courier == other.streets.courier, "34 m apart, shown at the same spot"
    street.now += timedelta(minutes=6)
    late = await street.see(token)
    assert late.streets is not None and late.streets.courier is None


async def test_courier_outside_of_the_largest_sketch_is_not_shown(street: Street) -> None:
    consignment = await street.book(0.01)
    token = await street.link(consignment)
    await street.start(await street.plan(consignment))
    await street.be_at(Position(9.9, 47.5))
    view = await street.see(token)
    assert view.streets is not None and view.streets.courier is None


async def test_failed_attempt_shows_no_courier_until_the_next_one_is_planned(
    street: Street,
) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    await street.start(task_id)
    await street.be_at(HOME)
    command = FailTask(task_id=task_id, outcome_code="not_home", occurred_at=street.now)
    await street.report(dispatch.fail_task, command)
    view = await street.see(token)
    assert view.step == "attempted" and not view.is_over
    assert view.streets is None


async def test_return_is_followed_from_the_door_of_its_sender(street: Street) -> None:
    consignment = await street.book(0.01, kind="return")
    token = await street.link(consignment)
    await street.plan(consignment)
    view = await street.see(token)
    assert view.is_return and view.town == "Vaduz" and view.is_planned
    assert view.streets is not None


async def test_story_is_told_in_public_words_once_each(street: Street) -> None:
    consignment = await street.book(0.01)
    token = await street.link(consignment)
    parcel = consignment.parcels[0].id
    for minute, state in enumerate(("at_depot", "loaded", "loaded", "out_for_delivery")):
        at = MORNING + timedelta(minutes=minute)
        async with street.db.transaction() as session:
            await consignments.record_custody(
                session,
                parcel_ids=[parcel],
                state=state,
                occurred_at=at,
                received_at=at,
                by="test",
            )
    view = await street.see(token)
    assert [each.step for each in view.milestones] == ["announced", "at_depot", "on_the_road"]


async def test_links_that_never_were_ended_or_were_revoked_cannot_be_told_apart(
    street: Street, client: httpx.AsyncClient
) -> None:
    ended = await street.link(await street.book(0.01), hours=1)
    other = await street.book(0.02)
    revoked = await street.link(other)
    assert (await client.get(f"/t/{ended}")).status_code == 200
    street.now += timedelta(hours=2)
    async with street.db.transaction() as session:
        await consignments.revoke_tracking_links(session, other.id)
    answers = [await client.get(f"/t/{token}") for token in (ended, revoked, "never-was")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.text for answer in answers}) == 1
    assert "not valid (any more)" in answers[0].text
    differing = {"date", "content-length", "x-trace-id"}
    headers = [{k: v for k, v in a.headers.items() if k not in differing} for a in answers]
    assert headers[0] == headers[1] == headers[2]
    for token in (ended, revoked, "never-was"):
        status = await client.get(f"/t/{token}/status")
        assert (status.status_code, status.json()["code"]) == (404, TrackingLinkUnknown.code)


async def test_page_and_status_tell_nothing_private(
    street: Street, client: httpx.AsyncClient
) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    neighbour = await street.book(0.02)
    await street.plan(neighbour)
    token = await street.link(consignment)
    await street.start(task_id)
    await street.be_at(HOME)
    page, status = await client.get(f"/t/{token}"), await client.get(f"/t/{token}/status")
    for answer in (page, status):
        told = answer.text + repr(answer.headers)
        private = (*SECRETS, str(street.driver_id), str(consignment.id), str(neighbour.id))
        assert [secret for secret in private if secret in told] == []
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
    head = page.text.partition("</head>")[0]
    assert re.findall("<title>(.*?)</title>", head) == ["Your parcel"]
    assert "og:" not in head and 'name="description"' not in head, "previews show no more"
    assert len(page.content) < 15_000
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy


async def test_status_changes_its_revision_when_the_page_must_be_loaded_again(
    street: Street, client: httpx.AsyncClient
) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    await street.start(task_id)
    await street.be_at(HOME)
    page = await client.get(f"/t/{token}")
    before = (await client.get(f"/t/{token}/status")).json()
    assert f'data-revision="{before["revision"]}"' in page.text
    assert f"translate({before['courier']})" in page.text

    street.now += timedelta(minutes=1)
    await street.be_at(Position(HOME.lon - 0.002, HOME.lat))
    moved = (await client.get(f"/t/{token}/status")).json()
    assert moved["revision"] == before["revision"] and moved["courier"] != before["courier"]

    await street.deliver(task_id)
    over = (await client.get(f"/t/{token}/status")).json()
    assert over["revision"] != before["revision"]


async def test_odd_tokens_are_unknown_like_any_other(client: httpx.AsyncClient) -> None:
    for token in (
        "a" * 5000,
        "%00",
        "%ff%fe",
        "%2e%2e",
        "'; drop table person; --",
        "%F0%9F%98%80",
    ):
        assert (await client.get(f"/t/{token}")).status_code in (404, 400), token


async def test_guessing_is_slowed_down_for_the_guesser(
    street: Street, client: httpx.AsyncClient, app: Litestar
) -> None:
    app.state.guess_limit = GuessLimit(lambda: 1000.0)
    token = await street.link(await street.book(0.01))
    for number in range(GUESSES):
        assert (await client.get(f"/t/guess-{number}")).status_code == 404
    refused = await client.get("/t/one-more")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "wait a moment" in refused.text
    assert (await client.get(f"/t/{token}/status")).status_code == 429


async def test_honest_customers_are_not_held_back_by_a_guesser_behind_the_same_address(
    street: Street, client: httpx.AsyncClient, app: Litestar
) -> None:
    app.state.guess_limit = GuessLimit(lambda: 1000.0)
    token = await street.link(await street.book(0.01))
    assert (await client.get(f"/t/{token}")).status_code == 200
    for number in range(GUESSES):
        assert (await client.get(f"/t/guess-{number}")).status_code == 404
    assert (await client.get("/t/one-more")).status_code == 429
    assert (await client.get(f"/t/{token}/status")).status_code == 200
    assert (await client.get(f"/t/{token}/change")).status_code == 200


async def test_a_page_that_is_scraped_is_slowed_down_by_its_link_and_not_by_its_address(
    street: Street, client: httpx.AsyncClient, app: Litestar
) -> None:
    app.state.guess_limit = GuessLimit(lambda: 1000.0, asks=3)
    scraped = await street.link(await street.book(0.01))
    other = await street.link(await street.book(0.02))
    for _ in range(3):
        assert (await client.get(f"/t/{scraped}/status")).status_code == 200
    for path in (f"/t/{scraped}/status", f"/t/{scraped}", f"/t/{scraped}/change"):
        refused = await client.get(path)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
    assert (await client.get(f"/t/{other}/status")).status_code == 200


def test_tries_come_back_with_time_and_the_addresses_are_apart() -> None:
    now_s = 1000.0
    limit = GuessLimit(lambda: now_s)
    for _ in range(GUESSES):
        limit.admit("203.0.113.1")
        limit.count_wrong_guess("203.0.113.1")
    with pytest.raises(TooManyGuesses):
        limit.admit("203.0.113.1")
    limit.admit("203.0.113.2")
    now_s += SECONDS_PER_GUESS
    limit.admit("203.0.113.1")
    limit.count_wrong_guess("203.0.113.1")
    with pytest.raises(TooManyGuesses):
        limit.admit("203.0.113.1")


def test_guess_limit_does_not_grow_for_ever() -> None:
    limit = GuessLimit(lambda: 1000.0)
    for number in range(12_000):
        limit.count_wrong_guess(str(number))
    assert len(limit) <= 10_000
