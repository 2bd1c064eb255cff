"""Photos and signatures on their way to the server, and what may befall them."""

import asyncio
import hashlib
import random

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.outbox import Outbox, list_files
from driver_app.core.store import Store
from server.protocol.from_driver import StartTasks
from tests.driver_app.phones import (
    PATIENCE_S,
    send_all,
    syncing,
    until,
)
from tests.driver_app.reference_server import Account, ReferenceServer

DOOR = Evidence(photos=(File(content=b"door"),))


async def test_server_that_lost_a_file_gets_it_again(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.lose_blobs = 1
    driver.complete("T1", "delivered", DOOR)
    await send_all(store)
    assert len(account.effects) == 1
    assert list(server.blobs.values()) == [b"door"]
    assert driver.view().needs_attention == ()


async def test_server_that_never_keeps_a_file_is_not_asked_for_ever(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.lose_blobs = 1000
    driver.complete("T1", "delivered", DOOR)
    await send_all(store)
    (attention,) = driver.view().needs_attention
    assert attention.reject_code == "driver.blob_missing"
    assert server.faults.lose_blobs == 1000 - 5


async def test_file_damaged_on_the_way_is_sent_again(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.damage_uploads = 2
    driver.complete("T1", "delivered", DOOR)
    await send_all(store)
    assert list(server.blobs.values()) == [b"door"]


@pytest.mark.parametrize("deleted", [True, False])
async def test_file_damaged_on_the_phone_needs_attention(
    driver: Driver, store: Store, account: Account, deleted: bool
) -> None:
    driver.complete("T1", "delivered", DOOR)
    driver.complete("T2", "delivered", Evidence(photos=(File(content=b"other"),)))
    (file,) = list_files(driver.view().on_its_way[0].body)
    path = Outbox(store).path_of(file.sha256)
    if deleted:
        path.unlink()
    else:
        path.write_bytes(b"rubbish")
    await send_all(store)
    (attention,) = driver.view().needs_attention
    assert attention.reject_code == "phone.file_damaged"
    driver.send_again(attention.id, without_files=True)
    await send_all(store)
    assert len(account.effects) == 2


async def test_file_that_the_server_refuses_needs_attention_with_its_words(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.upload_status = 413
    driver.complete("T1", "delivered", DOOR)
    driver.start(["T2"])
    await send_all(store)
    (attention,) = driver.view().needs_attention
    assert attention.reject_message == "This file is too large."
    assert len(account.effects) == 1


async def test_file_that_does_not_go_up_holds_up_only_its_own_command(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.upload_status = 503
    driver.complete("T1", "delivered", DOOR)
    driver.start(["T2"])
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(driver.view().on_its_way) == 1)
        assert [type(effect) for effect in account.effects.values()] == [StartTasks]
        server.faults.upload_status = None
        await sync.wait_until_sent()
    assert len(account.effects) == 2


async def test_file_that_the_server_stumbles_over_does_not_hold_up_the_others(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    (file,) = list_files(driver.view().on_its_way[0].body)
    server.faults.stumble_over.add(file.sha256)
    driver.complete("T2", "delivered", Evidence(photos=(File(content=b"other"),)))
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(account.effects) == 1)
        server.faults.stumble_over.clear()
        await sync.wait_until_sent()
    assert len(account.effects) == 2


PHOTO = random.Random(6).randbytes(400_000)


async def test_photo_goes_on_where_the_connection_broke(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.break_uploads_after = [150_000, 100_000, 149_999]
    driver.complete("T1", "delivered", Evidence(photos=(File(content=PHOTO),)))
    await send_all(store)
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    assert server.blobs[sha256] == PHOTO
    assert server.begun_at[sha256] == [0, 150_000, 250_000, 399_999]
    assert len(account.effects) == 1


async def test_photo_goes_on_after_the_background_was_killed_in_the_middle(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.break_uploads_after = [300_000] + [0] * 1000
    driver.complete("T1", "delivered", Evidence(photos=(File(content=PHOTO),)))
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    async with syncing(store):
        await until(lambda: len(server.begun_at.get(sha256, [])) > 1)
    server.faults.break_uploads_after = []
    await send_all(store)
    assert server.blobs[sha256] == PHOTO
    assert set(server.begun_at[sha256]) == {0, 300_000}


async def test_signature_does_not_wait_behind_large_photos(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", Evidence(photos=(File(content=PHOTO),)))
    driver.complete("T2", "delivered", Evidence(signature=File(content=b"signed")))
    await send_all(store)
    bodies = list(account.effects.values())
    assert [body.task_id for body in bodies] == ["T2", "T1"]
