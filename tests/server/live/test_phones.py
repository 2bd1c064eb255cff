"""The phone's own core against the real web process: what each promises to the other."""

import asyncio
import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from driver_app.core.doors import Doors
from driver_app.core.driver import Evidence, File
from driver_app.device.picture import encode_png
from server.consignments import service as consignments
from server.consignments.service import Party
from server.dispatch import service as dispatch
from server.dispatch.models import StreetFact
from server.kit.blobs import Blobs
from server.kit.feed import Feed
from server.kit.relay import relay_pending
from server.kit.settings import Settings
from server.live import connections
from server.protocol.from_driver import HandedOverParcel
from server.protocol.to_driver import BLOB_MISSING
from server.returns import service as returns
from server.tracking import service as tracking
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import (
    PATIENCE_S,
    RealPhone,
    Web,
    give_phone,
    http_of,
    pair,
    record_of,
    revoke,
    serving,
    until,
)

NEVER_S = 3600.0
PICTURE = encode_png([bytes(8)] * 8)


async def facts_about(town: Town, task_id: str) -> list[StreetFact]:
    async with town.db.transaction() as session:
        query = select(StreetFact).where(StreetFact.task_id == UUID(task_id))
        return list(await session.scalars(query.order_by(StreetFact.id)))


async def give_work_to_another(town: Town, driver_id: UUID) -> None:
    async with town.db.transaction() as session:
        (run,) = await dispatch.list_runs(session, driver_id=driver_id)
        await dispatch.reassign_run(session, run.id, roads=town.roads, by="test")
    await relay_pending(town.db)


async def test_paired_phone_shows_its_run(town: Town, web: Web, phone: RealPhone) -> None:
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(task_id)
        assert phone.driver.view().link == "socket"
        async with asyncio.timeout(PATIENCE_S):
            while await waits_for_acknowledgement(town, driver_id):
                await asyncio.sleep(0.005)


async def waits_for_acknowledgement(town: Town, driver_id: UUID) -> bool:
    """Whether the server does not know yet that the phone holds the newest manifest."""
    async with town.db.transaction() as session:
        return bool(await dispatch.unacknowledged_manifests(session, [driver_id]))


async def test_news_brings_a_new_manifest_at_once(
    town: Town, web: Web, phone: RealPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", NEVER_S)
    driver_id = await town.add_driver()
    _, first = await town.assign(corner(1, 1))
    await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(first)
        _, second = await town.assign(corner(2, 1))  # and no relay carries the event
        await phone.shows(second)


async def test_sweep_alone_brings_a_new_manifest_while_redis_is_away(
    town: Town, settings: Settings, blobs: Blobs, phone: RealPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", 0.05)
    driver_id = await town.add_driver()
    _, first = await town.assign(corner(1, 1))
    nobody_listens = Feed("redis://127.0.0.1:1/0")
    async with serving(settings, town.db, nobody_listens, blobs) as web:
        await give_phone(phone, web, driver_id)
        async with phone.syncing():
            await phone.shows(first)
            _, second = await town.assign(corner(2, 1))
            await phone.shows(second)
    await nobody_listens.close()


async def test_day_at_the_door_arrives_with_its_files(
    town: Town, web: Web, phone: RealPhone, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(task_id)
        do = phone.driver
        do.set_shift("start")
        do.accept([task_id])
        do.start([task_id])
        do.arrive([task_id])
        evidence = Evidence(photos=(File(content=b"a photo"),), recipient_name="Ada")
        do.complete(task_id, "delivered_to_consignee", evidence)
        do.collect_return([HandedOverParcel(description="A lamp")], at_task_id=task_id)
        await phone.sent()
    assert phone.driver.view().needs_attention == ()
    assert (await town.task(consignment)).state == "completed"
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
        (collected,) = await returns.list_returns(session)
    assert blobs.read(proof.files[0].sha256) == b"a photo"
    assert collected.original_consignment_id == consignment.id


async def test_where_sockets_are_blocked_the_same_goes_by_post(
    town: Town, settings: Settings, feed: Feed, blobs: Blobs, phone: RealPhone
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    async with serving(settings, town.db, feed, blobs, ws="none") as web:
        await give_phone(phone, web, driver_id)
        async with phone.syncing():
            await phone.shows(task_id)
            assert phone.driver.view().link == "post"
            phone.driver.set_shift("start")
            phone.driver.start([task_id])
            phone.driver.record_fix(9.52, 47.14, 5.0)
            await phone.sent()
            _, second = await town.assign(corner(2, 1))
            await phone.shows(second)
    assert (await town.task(consignment)).state == "en_route"
    assert await trail_of(town, driver_id) == [(9.52, 47.14)]


async def trail_of(town: Town, driver_id: UUID) -> list[tuple[float, float]]:
    around = timedelta(days=1)
    async with town.db.transaction() as session:
        trail = await tracking.breadcrumb(
            session, driver_id, since=town.now - around, until=town.now + around
        )
    return [(round(point.position.lon, 4), round(point.position.lat, 4)) for point in trail]


async def test_phone_forgets_fixes_only_once_they_are_stored(
    town: Town, web: Web, phone: RealPhone
) -> None:
    driver_id = await town.add_driver()
    await give_phone(phone, web, driver_id)
    phone.driver.set_shift("start")
    places = [(9.52 + step / 10_000, 47.14) for step in range(250)]
    for lon, lat in places:
        phone.driver.record_fix(lon, lat, 5.0, taken_at=town.later(seconds=5))
    async with phone.syncing():
        await phone.sent()
    assert await trail_of(town, driver_id) == [(round(lon, 4), lat) for lon, lat in places]


async def test_revoked_phone_is_told_at_once_and_wiped_when_it_has_nothing_more_to_say(
    town: Town, web: Web, phone: RealPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", NEVER_S)
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    device = await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(task_id)
        await revoke(town.db, device)
        await relay_pending(town.db)
        await until(lambda: not phone.driver.view().paired)
    assert phone.driver.view().lost == 0
    assert await town.facts(task_id) == []


@pytest.mark.parametrize("wrong_by", [timedelta(hours=3), timedelta(days=-20_000)])
async def test_wrong_clock_of_a_phone_is_put_right(
    town: Town, web: Web, phone: RealPhone, wrong_by: timedelta
) -> None:
    phone.wrong_by = wrong_by
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    await give_phone(phone, web, driver_id)
    phone.driver.set_shift("start")
    tapped_at = town.now
    phone.driver.start([task_id])
    phone.driver.record_fix(9.52, 47.14, 5.0)
    town.later(minutes=10)
    async with phone.syncing():
        await phone.sent()
    (fact,) = await facts_about(town, task_id)
    assert abs(fact.occurred_at - tapped_at) < timedelta(seconds=1)
    assert fact.received_at == town.now
    async with town.db.transaction() as session:
        (seen,) = await tracking.latest_positions(session, [driver_id])
    assert abs(seen.taken_at - tapped_at) < timedelta(seconds=1)


async def test_work_done_offline_after_it_went_to_another_driver_is_kept_and_flagged(
    town: Town, web: Web, phone: RealPhone
) -> None:
    first = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await give_phone(phone, web, first)
    async with phone.syncing():
        await phone.shows(task_id)
    second = await town.add_driver()
    await give_work_to_another(town, first)
    assert task_id in await town.shown(second)
    phone.driver.complete(
        task_id, "delivered_to_consignee", Evidence(photos=(File(content=b"proof"),))
    )
    async with phone.syncing():
        await phone.sent()
    assert phone.driver.view().needs_attention == ()
    assert (await town.task(consignment)).finished_by == first
    assert await town.proofs(consignment) == 1
    assert "done_by_another_driver" in await town.raised()


async def test_task_that_was_never_this_drivers_is_refused_and_stays_as_it_was(
    town: Town, web: Web, phone: RealPhone
) -> None:
    await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    stranger = await town.add_driver()
    await give_phone(phone, web, stranger)
    before = await town.task(consignment)
    phone.driver.complete(task_id, "delivered_to_consignee")
    async with phone.syncing():
        await phone.sent()
    (refused,) = phone.driver.view().needs_attention
    assert refused.reject_code == "dispatch.unknown_task"
    assert await town.task(consignment) == before
    assert await town.facts(task_id) == []


async def test_phone_mends_by_itself_that_the_server_misses_a_file(
    town: Town, web: Web, phone: RealPhone, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await give_phone(phone, web, driver_id)
    first_id = phone.driver.complete(
        task_id, "delivered_to_consignee", Evidence(photos=(File(content=b"lost"),))
    )
    with phone.store.transaction() as db:
        db.execute("UPDATE blobs SET uploaded = 1")
    async with phone.syncing():
        await phone.sent()
    assert phone.driver.view().needs_attention == ()
    assert await town.proofs(consignment) == 1
    record = await record_of(town.db, first_id)
    assert record is not None and record.reject_code == BLOB_MISSING


async def test_photo_of_a_door_comes_to_the_phone_of_the_next_driver_there_and_to_no_other(
    town: Town, web: Web, phone: RealPhone
) -> None:
    driver_id = await town.add_driver()
    place_id = await town.place_at(corner(1, 1))
    door = Party(name="Ada", phone="+423 1", place_id=place_id)
    _, first = await town.assign(corner(1, 1), consignee=door)
    await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(first)
        photo = File(content=PICTURE, content_type="image/png")
        phone.driver.complete(first, "delivered_to_consignee", Evidence(photos=(photo,)))
        await phone.sent()
        _, second = await town.assign(corner(1, 1), consignee=door)
        _, elsewhere = await town.assign(corner(3, 1))
        await relay_pending(town.db)
        await phone.shows(elsewhere)
        name = hashlib.sha256(PICTURE).hexdigest()
        await until(lambda: Doors(phone.store).find(name) is not None)
        view = phone.driver.view()
        for task_id, photos in ((second, (name,)), (elsewhere, ())):
            stop = view.find_stop_of(task_id)
            assert stop is not None and stop.stop.photos == photos
    stranger = await pair(town.db, await town.add_driver())
    async with http_of(web, stranger) as client:
        assert (await client.get(f"/api/driver/doors/{name}")).status_code == 404
