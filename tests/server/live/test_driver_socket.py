"""What a phone may do to us, by socket and by POST: every frame has its answer, every end its
reason, and nothing takes effect twice or by half."""

import asyncio
import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from driver_app.core.https import send_request
from server.identity.access import Role
from server.kit.blobs import MAX_BLOB_BYTES, Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.kit.settings import Settings
from server.live import connections, driver_session, gateway, phone, sockets
from server.protocol import PROTOCOL_VERSION
from server.protocol.codec import decode_batch, encode, encode_batch
from server.protocol.envelope import Envelope
from server.protocol.from_driver import (
    AcceptTasks,
    BlobRef,
    CompleteTask,
    Heartbeat,
    Hello,
    Proof,
    StartTasks,
)
from server.protocol.to_driver import BLOB_MISSING, Ack, Manifest, Reject
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import (
    PATIENCE_S,
    Device,
    Web,
    cable_to,
    calling,
    http_of,
    pair,
    record_of,
    revoke,
    serving,
    sign_in_cookie,
    until,
    wrap,
)

PHOTO = b"a photo"
PHOTO_SHA256 = hashlib.sha256(PHOTO).hexdigest()


def hello() -> Envelope:
    return wrap(Hello(protocol=PROTOCOL_VERSION, app_version="test"))


def accepting(town: Town, *task_ids: str) -> AcceptTasks:
    return AcceptTasks(task_ids=task_ids, occurred_at=town.now)


async def post(client: httpx.AsyncClient, *envelopes: Envelope) -> list[Any]:
    """The bodies of the answers."""
    answer = await client.post("/api/driver/envelopes", content=encode_batch(envelopes))
    assert answer.status_code == 200, answer.text
    return [getattr(item, "body", item) for item in decode_batch(answer.content)]


async def refusal_of(
    web: Web, headers: dict[str, str], path: str = "/ws/driver"
) -> tuple[int, str]:
    """Status and sentence with which the server refuses to open a socket."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{web.socket_url}{path}", additional_headers=headers):
            pass
    problem = json.loads(refused.value.response.body or b"{}")
    return refused.value.response.status_code, problem["detail"]


# One command, one effect


async def test_command_has_taken_effect_when_its_acknowledgement_comes(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    async with calling(web, await pair(town.db, driver_id)) as line:
        command = await line.say(accepting(town, task_id))
        assert await line.answer() == Ack(envelope_ids=(command.id,))
    assert (await town.task(consignment)).state == "accepted"


async def test_same_command_at_once_over_two_phones_has_one_effect_and_two_acknowledgements(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    one, other = await pair(town.db, driver_id), await pair(town.db, driver_id)
    command = CompleteTask(
        task_id=task_id, outcome_code="delivered_to_consignee", occurred_at=town.now
    )
    async with calling(web, one) as first, calling(web, other) as second:
        command_id = str(new_id())
        await asyncio.gather(first.say(command, id=command_id), second.say(command, id=command_id))
        answers = await asyncio.gather(first.answer(), second.answer())
    assert set(answers) == {Ack(envelope_ids=(command_id,))}
    assert await town.facts(task_id) == [("CompleteTask", True)]
    assert await town.proofs(consignment) == 1
    record = await record_of(town.db, command_id)
    assert record is not None and record.repeats == 1


async def test_refusal_is_remembered_even_when_its_cause_has_gone(
    town: Town, web: Web, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    photo = BlobRef(sha256=PHOTO_SHA256, size_bytes=len(PHOTO), content_type="image/jpeg")
    command = CompleteTask(
        task_id=task_id,
        outcome_code="delivered_to_consignee",
        occurred_at=town.now,
        proof=Proof(signature=photo),
    )
    async with calling(web, device) as line, http_of(web, device) as client:
        first = await line.say(command)
        refused = await line.answer()
        assert (refused.envelope_id, refused.code) == (first.id, BLOB_MISSING)
        assert await town.proofs(consignment) == 0
        assert await town.facts(task_id) == []
        await client.put(f"/api/driver/blobs/{PHOTO_SHA256}", content=PHOTO)
        await line.say(command, id=first.id)
        assert await line.answer() == refused
        again = await line.say(command)
        assert await line.answer() == Ack(envelope_ids=(again.id,))
    assert await town.proofs(consignment) == 1


async def test_acknowledged_command_is_acknowledged_again_when_its_file_was_lost_since(
    town: Town, web: Web, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    photo = BlobRef(sha256=PHOTO_SHA256, size_bytes=len(PHOTO), content_type="image/jpeg")
    command = CompleteTask(
        task_id=task_id,
        outcome_code="delivered_to_consignee",
        occurred_at=town.now,
        proof=Proof(photos=(photo,)),
    )
    async with calling(web, device) as line, http_of(web, device) as client:
        await client.put(f"/api/driver/blobs/{PHOTO_SHA256}", content=PHOTO)
        sent = await line.say(command)
        assert await line.answer() == Ack(envelope_ids=(sent.id,))
        blobs.path(PHOTO_SHA256).unlink()
        await line.say(command, id=sent.id)
        assert await line.answer() == Ack(envelope_ids=(sent.id,))


async def test_small_photo_is_enough_for_the_command_and_the_full_one_follows(
    town: Town, web: Web, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    full = "f" * 64
    photo = BlobRef(
        sha256=full, size_bytes=10**6, content_type="image/jpeg", small_sha256=PHOTO_SHA256
    )
    command = CompleteTask(
        task_id=task_id,
        outcome_code="delivered_to_consignee",
        occurred_at=town.now,
        proof=Proof(photos=(photo,)),
    )
    async with calling(web, device) as line, http_of(web, device) as client:
        await line.say(command)
        refused = await line.answer()
        assert refused.code == BLOB_MISSING and PHOTO_SHA256 in refused.message
        await client.put(f"/api/driver/blobs/{PHOTO_SHA256}", content=PHOTO)
        again = await line.say(command)
        assert await line.answer() == Ack(envelope_ids=(again.id,))
        outside = replace(photo, small_sha256="../" * 20)
        await line.say(replace(command, proof=Proof(photos=(outside,))))
        assert isinstance(await line.answer(), Reject)
    assert await town.proofs(consignment) == 1


# Frames that make no sense


async def test_one_malformed_envelope_in_a_batch_is_rejected_and_the_others_take_effect(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    command = wrap(StartTasks(task_ids=(task_id,), occurred_at=town.now))
    spoilt = wrap(accepting(town, task_id))
    texts = [encode(hello()), encode(spoilt).replace("task_ids", "task"), encode(command)]
    async with http_of(web, await pair(town.db, driver_id)) as client:
        answer = await client.post(
            "/api/driver/envelopes", content=f'{{"envelopes":[{",".join(texts)}]}}'
        )
    manifest, rejected, acked = [
        item.body for item in decode_batch(answer.content) if isinstance(item, Envelope)
    ]
    assert isinstance(manifest, Manifest)
    assert (rejected.envelope_id, rejected.code) == (spoilt.id, "live.malformed")
    assert rejected.message == "body.task_ids: missing"
    assert acked == Ack(envelope_ids=(command.id,))
    assert (await town.task(consignment)).state == "en_route"


async def test_post_repeats_the_manifest_only_to_a_phone_that_has_an_older_one(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    await town.assign(corner(1, 1))
    held = (await town.manifest(driver_id)).version
    async with http_of(web, await pair(town.db, driver_id)) as client:
        for version, answers in ((held - 1, 1), (held, 0)):
            greeting = Hello(
                protocol=PROTOCOL_VERSION, app_version="test", manifest_version=version
            )
            assert len(await post(client, wrap(greeting))) == answers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("no json", "live.malformed_batch"),
        ("[]", "live.malformed_batch"),
        ('{"envelopes": {}}', "live.malformed_batch"),
        ("[" * 100_000, "live.malformed_batch"),
        (b'{"envelopes": ["\xff"]}', "live.malformed_batch"),
        (encode_batch([hello()] * 201), "live.batch_too_long"),
        (encode_batch([wrap(Heartbeat())]), "live.hello_first"),
    ],
    ids=["text", "list", "object", "deep", "latin1", "long", "unannounced"],
)
async def test_unusable_batch_is_refused_with_a_sentence(
    any_town: Town, any_web: Web, body: str | bytes, code: str
) -> None:
    async with http_of(any_web, await pair(any_town.db, await any_town.add_driver())) as client:
        answer = await client.post("/api/driver/envelopes", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_batch_of_more_than_a_mebibyte_is_refused(any_town: Town, any_web: Web) -> None:
    async with http_of(any_web, await pair(any_town.db, await any_town.add_driver())) as client:
        answer = await client.post("/api/driver/envelopes", content=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413


async def test_phone_with_another_protocol_is_told_to_update_and_nothing_else_is_heard(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    old = wrap(Hello(protocol=PROTOCOL_VERSION + 1, app_version="next"))
    async with http_of(web, device) as client:
        (answer,) = await post(client, old, wrap(accepting(town, task_id)))
    assert (answer.envelope_id, answer.code) == (old.id, "live.app_too_old")
    async with calling(web, device, greet=False) as line:
        await line.say(old.body)
        assert (await line.answer()).code == "live.app_too_old"
        await line.say(accepting(town, task_id))
        assert await line.ending() == (4400, "A phone says Hello before anything else.")
    assert (await town.task(consignment)).state == "assigned"


async def test_rubbish_on_the_socket_is_rejected_and_the_talk_goes_on(
    any_town: Town, any_web: Web
) -> None:
    driver_id = await any_town.add_driver()
    rubbish: list[str | bytes] = ["", "{", '"\\ud800"', b"\xff\xfe", "[" * 50_000, "{}"]
    async with calling(any_web, await pair(any_town.db, driver_id)) as line:
        for frame in rubbish:
            await line.socket.send(frame)
            rejected = await line.answer()
            assert isinstance(rejected, Reject) and rejected.code == "live.malformed", frame
        await line.greet()


# How a socket ends


async def test_frame_that_is_too_large_ends_the_socket(any_town: Town, any_web: Web) -> None:
    async with calling(any_web, await pair(any_town.db, await any_town.add_driver())) as line:
        await line.socket.send("x" * (256 * 1024 + 1))
        code, _ = await line.ending()
    assert code == 1009


async def test_phone_that_says_nothing_is_not_waited_for(
    any_town: Town, any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone, "HELLO_WITHIN_S", 0)
    device = await pair(any_town.db, await any_town.add_driver())
    async with calling(any_web, device, greet=False) as line:
        assert await line.ending() == (4408, "No Hello came in time.")


async def test_second_connection_of_a_phone_replaces_the_first(town: Town, web: Web) -> None:
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    async with calling(web, device) as first, calling(web, device) as second:
        assert await first.ending() == (4409, "This phone has opened another connection.")
        command = await second.say(accepting(town, task_id))
        assert await second.answer() == Ack(envelope_ids=(command.id,))


async def test_command_that_was_under_way_when_its_connection_was_replaced_takes_effect_once(
    town: Town, web: Web
) -> None:
    driver_id = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    async with calling(web, device) as first, town.db.transaction() as session:
        await session.execute(text("select 1 from depot for update"))
        command = await first.say(accepting(town, task_id))
        await somebody_waits_for_a_lock(town.db)
        async with calling(web, device) as second:
            assert (await first.ending())[0] == 4409
            await second.say(command.body, id=command.id)
            await somebody_waits_for_a_lock(town.db)
            await session.rollback()
            assert await second.answer() == Ack(envelope_ids=(command.id,))
    assert await town.facts(task_id) == [("AcceptTasks", True)]


async def somebody_waits_for_a_lock(db: Database) -> None:
    query = text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with db.transaction() as session:
                if await session.scalar(query):
                    return
            await asyncio.sleep(0.005)


async def test_phone_that_reads_nothing_delays_nobody_and_is_dropped(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", 0.02)
    monkeypatch.setattr(sockets, "SEND_TIMEOUT_S", 0)
    monkeypatch.setattr(sockets, "WRITE_BUFFER_BYTES", 1024)
    monkeypatch.setattr(gateway, "TICK_S", 0.05)
    driver_id = await town.add_driver()
    device, other = await pair(town.db, driver_id), await pair(town.db, driver_id)
    async with calling(web, device) as stuck, calling(web, other) as line:
        stuck.socket.transport.pause_reading()
        (held,) = [
            each
            for each in web.gateway.connections.phones()
            if each.session.device_id == device.device_id
        ]
        held.send(" " * 16 * 1024 * 1024)
        _, task_id = await town.assign(corner(1, 1))
        manifest = await line.manifest()
        assert [task.id for stop in manifest.stops for task in stop.tasks] == [task_id]
        await until(lambda: held not in web.gateway.connections.phones())


@pytest.mark.parametrize("sweep_s", [0.02, 3600.0], ids=["sweep", "news"])
async def test_revoked_phone_is_disconnected_and_let_in_no_more(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch, sweep_s: float
) -> None:
    monkeypatch.setattr(connections, "SWEEP_S", sweep_s)
    device = await pair(town.db, await town.add_driver())
    async with calling(web, device) as line:
        await revoke(town.db, device)
        await relay_pending(town.db)
        assert await line.ending() == (4401, "This phone was revoked.")
    assert (await refusal_of(web, device.headers))[0] == 401
    async with http_of(web, device) as client:
        answer = await client.post("/api/driver/envelopes", content=encode_batch([hello()]))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_phones_are_told_when_the_process_stops(town: Town, web: Web) -> None:
    async with calling(web, await pair(town.db, await town.add_driver())) as line:
        await web.gateway.drain()
        assert await line.ending() == (1012, "This server stops; connect again.")


async def test_defect_of_ours_is_not_answered_and_ends_the_socket_with_a_reason(
    any_town: Town, any_web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def stumble(*_: object, **__: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setitem(driver_session.EFFECTS, AcceptTasks, stumble)
    driver_id = await any_town.add_driver()
    async with calling(any_web, await pair(any_town.db, driver_id)) as line:
        command = await line.say(accepting(any_town, "any"))
        code, reason = await line.ending()
    assert code == 1011 and reason.startswith("Something broke on our side")
    assert await record_of(any_town.db, command.id) is None
    assert "a defect" in caplog.text


# Who may open one


async def test_socket_is_refused_with_the_status_that_tells_why(
    any_town: Town, any_web: Web
) -> None:
    _, cookie = await sign_in_cookie(any_town.db)
    device = await pair(any_town.db, await any_town.add_driver())
    assert (await refusal_of(any_web, {}))[0] == 401
    assert (await refusal_of(any_web, {"Authorization": "Bearer pd_wrong"}))[0] == 401
    status, sentence = await refusal_of(any_web, {"Cookie": cookie, "Origin": any_web.url})
    assert status == 403 and "driver" in sentence
    assert (await refusal_of(any_web, device.headers, "/ws/dispatch"))[0] == 403


# Without the database


async def test_without_the_database_nothing_is_answered_and_nothing_is_lost(
    town: Town, settings: Settings, feed: Feed, blobs: Blobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    driver_id = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    device = await pair(town.db, driver_id)
    plain = town.db.engine.url.render_as_string(hide_password=False)
    async with cable_to(plain) as (cable, url):
        db = Database(url, feed=feed)
        async with serving(settings, db, feed, blobs) as web, http_of(web, device) as client:
            async with calling(web, device) as line:
                cable.pull()
                command = await line.say(accepting(town, task_id))
                assert await line.ending() == (1013, "Try again later.")
            assert (await refusal_of(web, device.headers))[0] == 503
            answer = await client.post("/api/driver/envelopes", content=encode_batch([hello()]))
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            cable.plug()
            async with calling(web, device) as line:
                await line.say(command.body, id=command.id)
                assert await line.answer() == Ack(envelope_ids=(command.id,))
        await db.close()
    assert (await town.task(consignment)).state == "accepted"
    assert await town.facts(task_id) == [("AcceptTasks", True)]


# Files


async def test_file_that_came_in_part_is_gone_on_with(any_town: Town, any_web: Web) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    content = b"a photo in parts" * 1000
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"/api/driver/blobs/{sha256}"

    async def send(offset: int, until: int) -> httpx.Response:
        where = {"offset": offset, "size": len(content)}
        return await client.patch(path, params=where, content=content[offset:until])

    async with http_of(any_web, device) as client:
        assert (await client.get(f"{path}/received")).json()["received_bytes"] == 0
        assert (await send(0, 6000)).json()["received_bytes"] == 6000
        gap = await send(7000, len(content))
        assert (gap.status_code, gap.json()["code"]) == (409, "blobs.wrong_offset")
        assert (await client.get(f"{path}/received")).json()["received_bytes"] == 6000
        again = await send(5000, 9000)  # what came twice is the same
        assert again.json()["received_bytes"] == 9000
        await send(9000, len(content))
        assert (await client.get(f"{path}/received")).json()["received_bytes"] == len(content)
    kept: Blobs = any_web.app.state.blobs
    assert kept.read(sha256) == content
    assert {each.name for each in kept.path(sha256).parent.iterdir()} == {sha256}


async def test_half_of_a_file_that_is_not_what_its_name_says_begins_anew(
    any_town: Town, any_web: Web
) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    path = f"/api/driver/blobs/{hashlib.sha256(b'the right one').hexdigest()}"
    async with http_of(any_web, device) as client:
        wrong = await client.patch(path, params={"offset": 0, "size": 13}, content=b"the wrong one")
        assert (wrong.status_code, wrong.json()["code"]) == (422, "blobs.mismatch")
        assert (await client.get(f"{path}/received")).json()["received_bytes"] == 0
        too_much = await client.patch(path, params={"offset": 0, "size": 3}, content=b"too much")
        assert too_much.status_code == 422
        right = await client.patch(path, params={"offset": 0, "size": 13}, content=b"the right one")
        assert right.json()["received_bytes"] == 13


async def test_file_is_kept_once_however_often_it_comes(any_town: Town, any_web: Web) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    path = f"/api/driver/blobs/{PHOTO_SHA256}"
    async with http_of(any_web, device) as client:
        first = await client.put(path, content=PHOTO)
        second = await client.put(path, content=PHOTO)
        other = await client.put(path, content=b"another photo")
    assert (first.status_code, first.json()["is_new"]) == (201, True)
    assert (second.status_code, second.json()["is_new"]) == (200, False)
    assert (other.status_code, other.json()["code"]) == (422, "blobs.mismatch")
    kept: Blobs = any_web.app.state.blobs
    assert kept.read(PHOTO_SHA256) == PHOTO
    assert {path.name for path in kept.path(PHOTO_SHA256).parent.iterdir()} == {PHOTO_SHA256}


@pytest.mark.parametrize("name", ["..", "0" * 63, "G" * 64, "%00" * 8, "x" * 5000])
async def test_file_with_an_impossible_name_is_refused(
    any_town: Town, any_web: Web, name: str
) -> None:
    async with http_of(any_web, await pair(any_town.db, await any_town.add_driver())) as client:
        answer = await client.put(f"/api/driver/blobs/{name}", content=PHOTO)
    assert answer.status_code in (404, 405, 422)
    assert answer.json()["code"]


async def test_file_from_nobody_is_refused(any_web: Web) -> None:
    async with httpx.AsyncClient(base_url=any_web.url) as client:
        answer = await client.put(f"/api/driver/blobs/{PHOTO_SHA256}", content=PHOTO)
    assert answer.status_code == 401


@pytest.mark.parametrize("size", [MAX_BLOB_BYTES + 1, 25 * 1024 * 1024])
async def test_file_that_is_too_large_is_refused_so_that_the_phone_hears_it(
    any_town: Town, any_web: Web, tmp_path: Path, size: int
) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    file = tmp_path / "large"
    with file.open("wb") as writing:
        writing.truncate(size)
    answer = await asyncio.to_thread(_upload, any_web, device, file)
    assert answer.status == 413
    code, sentence = answer.read_problem()
    assert code in ("too_large", "http.413") and sentence
    kept: Blobs = any_web.app.state.blobs
    assert not any(kept.path(PHOTO_SHA256).parents[1].rglob("*.part"))


def _upload(any_web: Web, device: Device, file: Path) -> Any:
    """As the phone does it."""
    return send_request(
        "PUT",
        f"{any_web.url}/api/driver/blobs/{PHOTO_SHA256}",
        file,
        content_type="image/jpeg",
        token=device.token,
        timeout_s=20,
    )


# People's sockets are for screens only


async def test_pairing_is_the_only_way_to_be_a_phone(any_town: Town, any_web: Web) -> None:
    _, cookie = await sign_in_cookie(any_town.db, Role.DRIVER)
    status, _ = await refusal_of(any_web, {"Cookie": cookie, "Origin": any_web.url})
    assert status == 403
