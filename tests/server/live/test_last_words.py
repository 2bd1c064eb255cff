"""A phone that was signed out hands in what it had not sent. Who has found it may claim things, and
learns nothing."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update

from driver_app.core.driver import Evidence, File
from server.consignments import service as consignments
from server.identity import service as identity
from server.identity.access import Role
from server.identity.models import Device as DeviceRow
from server.kit import clock
from server.live import last_words
from server.live.models import HeldCommand, LastWords
from server.protocol.codec import decode_batch, encode_batch
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes, Hello, SendMessage
from server.protocol.to_driver import Ack, Reject
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import (
    Device,
    RealPhone,
    Web,
    give_phone,
    http_of,
    pair,
    revoke,
    sign_in_cookie,
    until,
    wrap,
)

PHOTO = b"every brick of the door" * 9000
DOOR = Evidence(photos=(File(content=PHOTO, small=b"the door"),))


async def kinds_about(town: Town, device: Device) -> list[str]:
    found = await town.exceptions()
    mine = [each for each in found if each.details.get("device_id") == str(device.device_id)]
    return sorted(each.kind for each in mine)


async def handed_in(phone: RealPhone) -> None:
    async with phone.syncing():
        await until(lambda: not phone.driver.view().paired)


async def test_work_before_the_revocation_counts_and_the_office_hears_that_it_came_late(
    town: Town, web: Web, phone: RealPhone
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(task_id)
    phone.driver.set_shift("start")
    phone.driver.record_fix(9.52, 47.14, 5.0)
    phone.driver.start([task_id])
    town.later(minutes=10)
    phone.driver.complete(task_id, "delivered_to_consignee", DOOR)
    done_at = town.now
    town.later(hours=2)
    await revoke(town.db, device)
    await handed_in(phone)
    assert (await town.task(consignment)).state == "completed"
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
        audited = await identity.list_audit(session, subject=f"device:{device.device_id}")
    assert proof.occurred_at == done_at
    assert web.app.state.blobs.read(proof.files[0].sha256) == PHOTO
    assert await kinds_about(town, device) == ["heard_of_old_phone"]
    assert [each.action for each in audited][:2] == ["device.wiped", "device.last_words"]
    assert (phone.driver.view().lost, list(phone.store.blob_folder.iterdir())) == (0, [])
    async with http_of(web, device) as http:
        assert (await http.get("/api/driver/last-words")).status_code == 410, "it has said good-bye"


async def work_after_revocation(
    town: Town, web: Web, phone: RealPhone
) -> tuple[Device, Any, str, Any]:
    """An honest driver without network, who could not know: the day goes on."""
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await give_phone(phone, web, driver_id)
    async with phone.syncing():
        await phone.shows(task_id)
    phone.driver.set_shift("start")
    await revoke(town.db, device)
    town.later(hours=1)
    async with town.db.transaction() as session:
        revoked_at = clock.real_now() - timedelta(minutes=30)
        await session.execute(update(DeviceRow).values(revoked_at=revoked_at))
    phone.driver.start([task_id])
    phone.driver.complete(task_id, "delivered_to_consignee", DOOR)
    await handed_in(phone)
    return device, consignment, task_id, town.now


async def test_work_after_the_revocation_counts_only_when_the_dispatcher_takes_it_in(
    town: Town, web: Web, phone: RealPhone
) -> None:
    device, consignment, task_id, done_at = await work_after_revocation(town, web, phone)
    assert (await town.task(consignment)).state == "assigned"
    assert await town.facts(task_id) == []
    assert await kinds_about(town, device) == ["heard_of_old_phone", "work_of_old_phone"]
    async with office(town, web) as http:
        held = (await http.get(f"/api/devices/{device.device_id}/last-words")).json()
        assert [each["name"] for each in held["items"]] == ["StartTasks", "CompleteTask"]
        assert held["items"][1]["body"]["task_id"] == task_id
        town.later(hours=5)
        taken = await http.post(f"/api/devices/{device.device_id}/last-words/take")
        assert (taken.status_code, taken.json()) == (200, {"left": 0})
        again = await http.post(f"/api/devices/{device.device_id}/last-words/take")
        assert again.json() == {"left": 0}
    assert (await town.task(consignment)).state == "completed"
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
    assert proof.occurred_at == done_at
    assert await kinds_about(town, device) == ["heard_of_old_phone"]


async def test_what_the_dispatcher_does_not_believe_never_counts(
    town: Town, web: Web, phone: RealPhone
) -> None:
    device, consignment, _, _ = await work_after_revocation(town, web, phone)
    async with office(town, web) as http:
        await http.post(f"/api/devices/{device.device_id}/last-words/drop")
        await http.post(f"/api/devices/{device.device_id}/last-words/take")
    assert (await town.task(consignment)).state == "assigned"
    async with town.db.transaction() as session:
        verdicts = set(await session.scalars(select(HeldCommand.verdict)))
    assert verdicts == {"dropped"}


async def test_what_cannot_take_effect_any_more_is_refused_in_words_and_stops_nothing_else(
    town: Town, web: Web, phone: RealPhone
) -> None:
    device, consignment, _, _ = await work_after_revocation(town, web, phone)
    async with town.db.transaction() as session:
        held = (await session.scalars(select(HeldCommand).order_by(HeldCommand.id))).first()
        assert held is not None
        assert held.name == "StartTasks"
        held.body = json.dumps(json.loads(held.body) | {"task_ids": [str(UUID(int=0))]})
    async with office(town, web) as http:
        await http.post(f"/api/devices/{device.device_id}/last-words/take")
    async with town.db.transaction() as session:
        query = select(HeldCommand.verdict, HeldCommand.reason).order_by(HeldCommand.id)
        (first, reason), (second, _) = await session.execute(query)
    assert (first, second) == ("refused", "taken") and "task" in reason
    assert (await town.task(consignment)).state == "completed"


@asynccontextmanager
async def office(town: Town, web: Web) -> AsyncIterator[httpx.AsyncClient]:
    """A dispatcher's browser."""
    _, cookie = await sign_in_cookie(town.db, Role.DISPATCHER)
    headers = {"Cookie": cookie, "Origin": web.url}
    async with httpx.AsyncClient(base_url=web.url, headers=headers) as http:
        http.headers["X-CSRF-Token"] = (await http.get("/api/me")).json()["csrf_token"]
        yield http


async def signed_out(town: Town, web: Web) -> Device:
    device = await pair(town.db, await town.add_driver())
    await revoke(town.db, device)
    return device


async def post(http: httpx.AsyncClient, *said: Envelope) -> httpx.Response:
    return await http.post("/api/driver/last-words", content=encode_batch(list(said)))


def letter() -> Envelope:
    return wrap(SendMessage(text="still here", occurred_at=clock.now() - timedelta(hours=1)))


async def test_door_opens_to_nothing_else(town: Town, web: Web) -> None:
    device = await signed_out(town, web)
    fix = Fix(seq=1, taken_at=clock.now(), lon=9.5, lat=47.1, accuracy_m=5.0)
    async with http_of(web, device) as http:
        asked = await post(
            http, wrap(Hello(protocol=1, app_version="x")), wrap(Fixes(fixes=(fix,)))
        )
        bodies = [each.body for each in decode_batch(asked.content) if isinstance(each, Envelope)]
        assert [type(body) for body in bodies] == [Reject, Reject]
        assert {body.code for body in bodies} == {"live.unknown_frame"}
        for way in ("/api/driver/doors/" + 64 * "0", "/api/driver/blobs/" + 64 * "0" + "/received"):
            assert (await http.get(way)).status_code == 401
        assert (await http.post("/api/driver/envelopes", content=b"{}")).status_code == 401


async def test_same_words_said_again_have_one_effect_and_the_same_answer(
    town: Town, web: Web
) -> None:
    device, said = await signed_out(town, web), letter()
    async with http_of(web, device) as http:
        answers = [await post(http, said) for _ in range(3)]
        at_once = await asyncio.gather(*(post(http, letter()) for _ in range(4)))
    for answer in (*answers, *at_once):
        (heard,) = decode_batch(answer.content)
        assert isinstance(heard, Envelope) and isinstance(heard.body, Ack)
    wrote = [each for each in await town.exceptions() if each.kind == "driver_wrote"]
    assert len(wrote) == 5
    assert await kinds_about(town, device) == ["heard_of_old_phone"]


async def test_time_is_over_by_the_servers_clock_and_what_is_lost_is_told(
    town: Town, web: Web
) -> None:
    device = await signed_out(town, web)
    async with town.db.transaction() as session:
        long_ago = clock.real_now() - timedelta(hours=73)
        await session.execute(update(DeviceRow).values(revoked_at=long_ago))
    async with http_of(web, device) as http:
        refused = await post(http, letter())
        assert (refused.status_code, refused.json()["code"]) == (410, "live.last_words_over")
        for _ in range(2):
            ended = await http.post("/api/driver/last-words/end", json={"lost": 3})
            assert ended.status_code == 204
    (told,) = [each for each in await town.exceptions() if each.kind == "lost_with_phone"]
    assert (told.details["lost"], told.driver_id) == (3, device.driver_id)


async def test_what_is_refused_at_the_door_can_still_be_read_at_the_office(
    town: Town, web: Web, phone: RealPhone
) -> None:
    driver_id = await town.add_driver()
    device = await give_phone(phone, web, driver_id)
    phone.driver.complete(str(UUID(int=7)), "delivered_to_consignee", DOOR)
    town.later(hours=1)
    await revoke(town.db, device)
    await handed_in(phone)
    (told,) = [each for each in await town.exceptions() if each.kind == "lost_with_phone"]
    assert told.details["lost"] == phone.driver.view().lost == 1
    async with office(town, web) as http:
        (held,) = (await http.get(f"/api/devices/{device.device_id}/last-words")).json()["items"]
        assert (held["name"], held["verdict"]) == ("CompleteTask", "refused")
        assert str(UUID(int=7)) in held["reason"]
        await http.post(f"/api/devices/{device.device_id}/last-words/take")
    assert (await town.exceptions()) == [told]


async def test_number_of_words_and_files_is_bounded(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_words, "COMMANDS_MAX", 2)
    monkeypatch.setattr(last_words, "FILES_MAX", 1)
    device = await signed_out(town, web)

    async def bring(http: httpx.AsyncClient, data: bytes) -> int:
        name = hashlib.sha256(data).hexdigest()
        way = f"/api/driver/last-words/blobs/{name}?offset=0&size={len(data)}"
        return (await http.patch(way, content=data)).status_code

    async with http_of(web, device) as http:
        assert [await bring(http, data) for data in (b"one", b"one", b"two")] == [200, 200, 410]
        said = [(await post(http, letter())).status_code for _ in range(3)]
    assert said == [200, 200, 410]


async def test_phone_that_is_signed_in_is_sent_away_and_a_stranger_too(
    town: Town, web: Web
) -> None:
    device = await pair(town.db, await town.add_driver())
    async with http_of(web, device) as http:
        answer = await post(http, letter())
        assert (answer.status_code, answer.json()["code"]) == (409, "live.not_signed_out")
    async with http_of(web, Device(device.driver_id, device.device_id, "pd_guess")) as http:
        assert (await post(http, letter())).status_code == 401
    async with town.db.transaction() as session:
        assert (await session.scalars(select(LastWords))).all() == []


async def test_former_drivers_phone_is_heard_too(town: Town, web: Web) -> None:
    device = await pair(town.db, await town.add_driver())
    async with town.db.transaction() as session:
        await identity.update_person(session, device.driver_id, active=False, by="test")
    async with http_of(web, device) as http:
        assert (await post(http, letter())).status_code == 200
    assert await kinds_about(town, device) == ["heard_of_old_phone"]
