"""What the customer behind a tracking link can still decide, and how they rate it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.accounts.service import Brand
from server.consignments import service as consignments
from server.consignments.service import ConsignmentChanges, ConsignmentView
from server.dispatch import service as dispatch
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.relay import relay_pending
from server.live.self_service import WindowGone
from server.live.wishes import (
    NoPointChosen,
    NoStars,
    NothingSaid,
    NotYetDelivered,
    TooLateToChange,
    Wish,
    make_wish,
    rate,
    read_choices,
)
from server.places import service as places
from server.protocol.to_driver import ProofDemand
from tests.server.live.test_public_tracking import HOME, SECRETS, Street

ZONE = ZoneInfo("UTC")


@pytest_asyncio.fixture
async def street(db: Database) -> AsyncIterator[Street]:
    street = Street(db)
    with clock.running(lambda: street.now):
        await street.set_up()
        yield street


async def wish(street: Street, token: str, **fields: str) -> Wish:
    async with street.db.transaction() as session:
        made = await make_wish(session, token, fields, ZONE)
    await relay_pending(street.db)
    return made


async def goods(street: Street, consignment: ConsignmentView) -> ConsignmentView:
    async with street.db.transaction() as session:
        return await consignments.get_consignment(session, consignment.id)


async def custody(street: Street, consignment: ConsignmentView, state: str) -> None:
    async with street.db.transaction() as session:
        await consignments.record_custody(
            session,
            parcel_ids=[consignment.parcels[0].id],
            state=state,
            occurred_at=street.now,
            received_at=street.now,
            by="test",
        )
    await relay_pending(street.db)


async def choices(street: Street, token: str) -> Any:
    async with street.db.transaction() as session:
        return await read_choices(session, token, ZONE)


async def open_shop(street: Street) -> UUID:
    async with street.db.transaction() as session:
        made = await accounts.create_account(
            session, code="SHOP", name="Secret Shop", currency="EUR", by="test"
        )
    return made.id


async def test_safe_place_reaches_the_driver_with_what_the_sender_said(street: Street) -> None:
    consignment = await street.book(0.01)
    await street.plan(consignment)
    token = await street.link(consignment)
    await wish(street, token, place="safe_place", detail="the shed", note="ring twice")
    told = (await goods(street, consignment)).instructions.splitlines()
    assert told == [
        "mind the dog",
        "The customer allows leaving it at: the shed",
        "The customer says: ring twice",
    ]
    async with street.db.transaction() as session:
        manifest = await dispatch.manifest_of(session, street.driver_id)
    assert "the shed" in manifest.stops[0].tasks[0].instructions


async def test_last_wish_counts_and_the_senders_words_stay(street: Street) -> None:
    consignment = await street.book(0.01)
    token = await street.link(consignment)
    await wish(street, token, place="safe_place", detail="the shed")
    await wish(street, token, place="neighbour", detail="Bob, number 5")
    await wish(street, token, place="door")
    assert (await goods(street, consignment)).instructions == "mind the dog"
    await wish(street, token, place="neighbour", detail="Bob, number 5")
    async with street.db.transaction() as session:
        new = ConsignmentChanges(instructions="mind the cat")
        await consignments.amend_consignment(session, consignment.id, new, by="sender")
    await wish(street, token, place="neighbour", detail="Bob, number 5")
    assert (await goods(street, consignment)).instructions.splitlines() == [
        "mind the cat",
        "The customer allows handing it to: Bob, number 5",
    ]


async def test_other_day_takes_it_out_of_the_run_and_into_the_pool_of_that_day(
    street: Street,
) -> None:
    consignment = await street.book(0.01)
    await street.plan(consignment)
    token = await street.link(consignment)
    offered = (await choices(street, token)).windows
    await wish(street, token, window=offered[1][0].isoformat())
    changed = await goods(street, consignment)
    assert (changed.window_start_at, changed.window_end_at) == offered[1]
    async with street.db.transaction() as session:
        (task,) = await dispatch.list_tasks(session, consignment.id)
        assert task.state == "unassigned" and task.window_start_at == offered[1][0]
        pool = await dispatch.read_pool(session, street.depot_id, offered[1][0].date())
        told = [each.kind for each in await dispatch.list_exceptions(session)]
    assert [each.consignment_id for each in pool] == [consignment.id]
    assert told == ["taken_from_run"]


async def test_day_is_settled_once_the_goods_are_on_the_road(street: Street) -> None:
    consignment = await street.book(0.01)
    await street.plan(consignment)
    token = await street.link(consignment)
    assert (await choices(street, token)).windows
    await custody(street, consignment, "loaded")
    offered = await choices(street, token)
    assert offered.windows == () and offered.places == ("door", "safe_place", "neighbour")


async def test_nothing_can_be_changed_when_the_courier_is_about_to_come(street: Street) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    await street.start(task_id)
    assert not (await choices(street, token)).is_open
    with pytest.raises(TooLateToChange):
        await wish(street, token, place="safe_place", detail="the shed")
    await street.deliver(task_id)
    with pytest.raises(TooLateToChange):
        await wish(street, token, note="too late")


@pytest.mark.parametrize(
    "details",
    [{"pin": "1234"}, {"cash_minor": 500, "currency": "EUR"}, {"proof": "signature"}],
    ids=["pin", "cash", "signature"],
)
async def test_what_needs_a_person_cannot_be_left_anywhere(
    street: Street, details: dict[str, Any]
) -> None:
    if "proof" in details:
        details = {"proof": ProofDemand(signature="required")}
    token = await street.link(await street.book(0.01, **details))
    assert (await choices(street, token)).places == ("door",)
    with pytest.raises(TooLateToChange):
        await wish(street, token, place="safe_place", detail="the shed")


async def test_wish_must_say_where_and_choose_a_time_that_is_offered(street: Street) -> None:
    token = await street.link(await street.book(0.01))
    with pytest.raises(NothingSaid):
        await wish(street, token, place="neighbour", detail=" \x00 ")
    for window in ("2026-03-02T08:00:00+00:00", "no time"):
        with pytest.raises(WindowGone):
            await wish(street, token, window=window)


async def test_delivery_is_rated_once_made_and_the_last_word_counts(
    street: Street, sign_in: Any
) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    async with street.db.transaction() as session:
        with pytest.raises(NotYetDelivered):
            await rate(session, token, {"stars": "5"})
    await street.start(task_id)
    await street.deliver(task_id)
    async with street.db.transaction() as session:
        for stars in ("0", "6", "", "five"):
            with pytest.raises(NoStars):
                await rate(session, token, {"stars": stars})
        await rate(session, token, {"stars": "2"})
        await rate(session, token, {"stars": "5", "comment": "Friendly!"})
    office = await sign_in(Role.DISPATCHER)
    said = (await office.get(f"/api/consignments/{consignment.id}/customer")).json()
    assert (said["stars"], said["comment"]) == (5, "Friendly!")


async def test_whole_of_it_works_by_plain_forms(street: Street, client: httpx.AsyncClient) -> None:
    consignment = await street.book(0.01)
    task_id = await street.plan(consignment)
    token = await street.link(consignment)
    page = await client.get(f"/t/{token}")
    assert f'href="/t/{token}/change"' in page.text and "★" not in page.text
    change = await client.get(f"/t/{token}/change")
    assert "<script" not in change.text
    assert "form-action 'self'" in change.headers["content-security-policy"]
    fields = {"place": "safe_place", "detail": '<b>"shed"</b>', "note": "'); drop table x"}
    done = await client.post(f"/t/{token}/change", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, f"/t/{token}/change?saved=true")
    again = await client.get(done.headers["location"])
    assert "&lt;b&gt;&quot;shed&quot;&lt;/b&gt;" in again.text and "<b>" not in again.text
    refused = await client.post(f"/t/{token}/change", data=fields | {"detail": ""})
    assert refused.status_code == 422 or refused.status_code == 400
    assert "Please say which place" in refused.text and "drop table x" in refused.text
    await street.start(task_id)
    await street.deliver(task_id)
    assert f"/t/{token}/rating?stars=4" in (await client.get(f"/t/{token}")).text
    form = await client.get(f"/t/{token}/rating?stars=4")
    assert 'value="4" checked' in form.text
    rated = await client.post(f"/t/{token}/rating", data={"stars": "4"})
    assert rated.status_code == 303
    assert "4 of 5" in (await client.get(rated.headers["location"])).text


async def test_links_that_are_not_valid_say_the_same_everywhere(
    street: Street, client: httpx.AsyncClient
) -> None:
    for path in ("change", "rating"):
        for answer in (
            await client.get(f"/t/never-was/{path}"),
            await client.post(f"/t/never-was/{path}", data={"stars": "5"}),
        ):
            assert answer.status_code == 404 and "not valid (any more)" in answer.text


async def test_pages_for_changing_tell_nothing_private(
    street: Street, client: httpx.AsyncClient
) -> None:
    consignment = await street.book(0.01)
    await street.plan(consignment)
    token = await street.link(consignment)
    for path in ("change", "rating"):
        answer = await client.get(f"/t/{token}/{path}")
        told = answer.text + repr(answer.headers)
        assert [secret for secret in (*SECRETS, str(consignment.id)) if secret in told] == []
        assert answer.headers["cache-control"] == "no-store"


async def test_page_speaks_the_customers_language(
    street: Street, client: httpx.AsyncClient
) -> None:
    token = await street.link(await street.book(0.01))
    for language, said in (("de-CH,en", "Wir erwarten"), ("es", "Esperamos"), ("xx", "expecting")):
        page = await client.get(f"/t/{token}", headers={"Accept-Language": language})
        assert said in page.text
    chosen = await client.get(f"/t/{token}?lang=es", headers={"Accept-Language": "de"})
    assert 'lang="es"' in chosen.text and "Esperamos" in chosen.text


async def test_parcel_shows_the_look_of_its_account(
    street: Street, client: httpx.AsyncClient, sign_in: Any
) -> None:
    account_id = await open_shop(street)
    token = await street.link(await street.book(0.01, account_id=account_id))
    other = await street.link(await street.book(0.02))
    office = await sign_in(Role.CLERK)
    brand = {"name": "Tea <House>", "colour": "#aa3300", "contact": "help@tea.example"}
    kept = await office.put(f"/api/accounts/{account_id}/brand", json={"brand": brand})
    assert kept.json() == {"brand": brand}
    page = (await client.get(f"/t/{token}")).text
    assert "Tea &lt;House&gt;" in page and "#aa3300" in page and "help@tea.example" in page
    page = (await client.get(f"/t/{other}")).text
    assert "House" not in page and "#aa3300" not in page and "tea.example" not in page
    for colour in ("red", "#fff", '#000000"'):
        bad = await office.put(
            f"/api/accounts/{account_id}/brand", json={"brand": brand | {"colour": colour}}
        )
        assert bad.status_code in (400, 422)
    await office.put(f"/api/accounts/{account_id}/brand", json={"brand": None})
    async with street.db.transaction() as session:
        assert await accounts.get_brand(session, account_id) is None


async def test_page_stays_below_fifteen_kilobytes_with_all_that_it_offers(
    street: Street, client: httpx.AsyncClient
) -> None:
    account_id = await open_shop(street)
    async with street.db.transaction() as session:
        look = Brand(name="x" * 60, colour="#aa3300", contact="y" * 120)
        await accounts.set_brand(session, account_id, look, by="test")
    consignment = await street.book(0.01, account_id=account_id)
    await street.plan(consignment)
    token = await street.link(consignment)
    for path in ("", "/change", "/return"):
        page = await client.get(f"/t/{token}{path}")
        assert len(page.content) < 15_000, path


async def open_point(street: Street, east_deg: float, name: str = "Corner shop") -> Any:
    where = Position(HOME.lon + east_deg, HOME.lat)
    async with street.db.transaction() as session:
        place = await places.create_place(session, f"{name} 1", position=where)
        return await places.create_pickup_point(
            session, name=name, hours="until 20:00", place_id=place.id, by="test"
        )


async def test_parcel_goes_to_the_pickup_point_and_home_again_as_the_customer_wishes(
    street: Street,
) -> None:
    near = await open_point(street, 0.012)
    await open_point(street, 3.0, "Far away")
    consignment = await street.book(0.01)
    await street.plan(consignment)
    token = await street.link(consignment)
    assert [each.name for each in (await choices(street, token)).points] == ["Corner shop"]

    await wish(street, token, place="pickup_point", point=str(near.id))
    changed = await goods(street, consignment)
    assert changed.consignee.place_id == near.place_id
    assert "Corner shop" in changed.instructions
    async with street.db.transaction() as session:
        (waiting,) = await dispatch.read_pool(session, street.depot_id, street.now.date())
    assert waiting.position == near.position, "the planner sees where it goes now"

    await wish(street, token, place="door")
    changed = await goods(street, consignment)
    assert changed.consignee.place_id == consignment.consignee.place_id
    assert changed.instructions == "mind the dog"


async def test_pickup_point_that_was_not_offered_is_refused(street: Street) -> None:
    consignment = await street.book(0.01)
    token = await street.link(consignment)
    near = await open_point(street, 0.012)
    far = await open_point(street, 3.0, "Far away")
    for point in (str(far.id), "", "nonsense"):
        with pytest.raises(NoPointChosen):
            await wish(street, token, place="pickup_point", point=point)
    async with street.db.transaction() as session:
        await places.change_pickup_point(session, near.id, active=False, by="test")
    assert "pickup_point" not in (await choices(street, token)).places


async def test_parcel_that_must_be_taken_in_person_goes_to_no_pickup_point(street: Street) -> None:
    await open_point(street, 0.012)
    consignment = await street.book(0.01, cash_minor=500)
    token = await street.link(consignment)
    found = await choices(street, token)
    assert (found.places, found.points) == (("door",), ())
