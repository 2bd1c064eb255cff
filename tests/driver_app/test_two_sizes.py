"""A photo goes in a small size before its command, and in full when the network is good."""

import asyncio
import hashlib

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.outbox import Outbox
from driver_app.core.store import Store
from server.protocol.from_driver import CompleteTask, Heartbeat
from tests.driver_app.phones import pairing_with, send_all, syncing, until
from tests.driver_app.reference_server import Account, ReferenceServer

FULL, SMALL = b"every brick of the door" * 100, b"the door"
PHOTO = Evidence(photos=(File(content=FULL, small=SMALL),))


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def by_cellular() -> Heartbeat:
    return Heartbeat(network="cellular")


def by_wifi() -> Heartbeat:
    return Heartbeat(network="wifi")


async def test_on_the_road_the_small_one_goes_and_the_command_behind_it(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", PHOTO)
    await send_all(store, read_health=by_cellular)
    (body,) = account.effects.values()
    assert isinstance(body, CompleteTask)
    (photo,) = body.proof.photos
    assert (photo.sha256, photo.small_sha256) == (name_of(FULL), name_of(SMALL))
    assert list(server.blobs.values()) == [SMALL]
    assert driver.view().full_photos == 1
    assert [path.read_bytes() for path in store.blob_folder.iterdir()] == [FULL]


@pytest.mark.parametrize("reason", ["wifi", "end of the shift", "break"])
async def test_the_full_one_follows_over_wifi_or_when_nobody_drives_and_leaves_the_phone(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, reason: str
) -> None:
    driver.complete("T1", "delivered", PHOTO)
    await send_all(store, read_health=by_cellular)
    if reason != "wifi":
        driver.set_shift("end" if reason == "end of the shift" else "break_start")
    health = by_wifi if reason == "wifi" else by_cellular
    async with syncing(store, read_health=health):
        await until(lambda: not driver.view().full_photos)
    assert set(server.blobs.values()) == {SMALL, FULL}
    assert list(store.blob_folder.iterdir()) == []


async def test_full_one_goes_after_everything_that_a_command_waits_for(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", PHOTO)
    driver.complete("T2", "delivered", Evidence(photos=(File(content=b"two", small=b"2"),)))
    driver.complete("T3", "delivered", Evidence(photos=(File(content=b"plain"),)))
    async with syncing(store, read_health=by_wifi):
        await until(lambda: not driver.view().full_photos)
    assert list(server.blobs.values())[:3] == [SMALL, b"2", b"plain"]


async def test_full_one_that_is_damaged_or_refused_does_not_call_the_proof_into_question(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", PHOTO)
    await send_all(store, read_health=by_cellular)
    Outbox(store).path_of(name_of(FULL)).write_bytes(b"rubbish")
    async with syncing(store, read_health=by_wifi):
        await until(lambda: not driver.view().full_photos)
    assert driver.view().needs_attention == ()
    assert list(server.blobs.values()) == [SMALL]
    assert list(store.blob_folder.iterdir()) == []


async def test_photo_of_a_driver_does_not_go_from_the_phone_of_the_next_one(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", PHOTO)
    await send_all(store, read_health=by_cellular)
    other = server.add_driver("other", account.manifest)
    store.save_pairing(pairing_with(server.url, "other"))
    async with syncing(store, read_health=by_wifi):
        await until(lambda: bool(other.hellos))
        await asyncio.sleep(0.05)
    assert list(server.blobs.values()) == [SMALL]
    assert len(list(store.blob_folder.iterdir())) == 1


async def test_proof_that_was_settled_by_hand_leaves_nothing_behind(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.reject = ["dispatch.no"]
    driver.complete("T1", "delivered", PHOTO)
    await send_all(store, read_health=by_cellular)
    (attention,) = driver.view().needs_attention
    driver.dismiss(attention.id)
    assert list(store.blob_folder.iterdir()) == []
    assert driver.view().full_photos == 0


async def test_photo_that_is_small_already_goes_once(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    tiny = Evidence(photos=(File(content=b"tiny", small=b"larger than tiny"),))
    driver.complete("T1", "delivered", tiny)
    await send_all(store, read_health=by_cellular)
    assert list(server.blobs.values()) == [b"tiny"]
