"""Photos of doors come while there is network, and are there when there is none."""

import hashlib
from dataclasses import replace

import pytest

from driver_app.core.doors import Doors
from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.store import Store
from driver_app.device.picture import encode_png
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import syncing, until, with_stops
from tests.driver_app.reference_server import Account, ReferenceServer

GREEN, RED = (encode_png([bytes([shade]) * 8] * 8) for shade in (90, 200))


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_doors(manifest: Manifest, *photos: str) -> Manifest:
    first, *others = manifest.stops
    return with_stops(manifest, replace(first, photos=photos), *others)


@pytest.fixture
def doors(store: Store) -> Doors:
    return Doors(store)


async def test_photo_of_a_door_is_fetched_and_goes_with_its_stop(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, doors: Doors
) -> None:
    server.doors = {name_of(each): each for each in (GREEN, RED)}
    account.manifest = with_doors(account.manifest, name_of(GREEN), name_of(RED))
    async with syncing(store):
        await until(lambda: all(map(doors.find, server.doors)))
        found = doors.find(name_of(GREEN))
        assert found is not None and found.read_bytes() == GREEN and found.suffix == ".png"
        account.manifest = with_doors(account.manifest, name_of(RED))
        server.push(account, account.manifest)
        await until(lambda: doors.find(name_of(GREEN)) is None)
        assert doors.find(name_of(RED)) is not None


async def test_proofs_go_before_the_photos_of_doors_are_fetched(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, doors: Doors
) -> None:
    server.doors = {name_of(GREEN): GREEN}
    account.manifest = with_doors(account.manifest, name_of(GREEN))
    store.save_manifest(account.manifest)
    driver.complete("T1", "delivered", Evidence(photos=(File(content=b"door"),)))
    async with syncing(store):
        await until(lambda: doors.find(name_of(GREEN)) is not None)
    files = [each for each in server.requests if "blobs" in each or "doors" in each]
    assert [each.split("/")[3] for each in files] == ["blobs", "doors"]


@pytest.mark.parametrize("given", [None, b"<html>", RED])
async def test_what_is_not_that_photo_is_asked_for_once_and_not_shown(
    store: Store,
    driver: Driver,
    account: Account,
    server: ReferenceServer,
    doors: Doors,
    given: bytes | None,
) -> None:
    server.doors = {name_of(GREEN): given} if given else {}
    account.manifest = with_doors(account.manifest, name_of(GREEN))
    async with syncing(store):
        await until(lambda: any("doors" in each for each in server.requests))
        driver.complete("T1", "delivered", Evidence(photos=(File(content=b"door"),)))
        await until(lambda: len(account.effects) == 1)
    assert sum("doors" in each for each in server.requests) == 1
    assert doors.find(name_of(GREEN)) is None


async def test_phone_that_was_signed_out_shows_nobody_a_door(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, doors: Doors
) -> None:
    server.doors = {name_of(GREEN): GREEN}
    account.manifest = with_doors(account.manifest, name_of(GREEN))
    async with syncing(store):
        await until(lambda: doors.find(name_of(GREEN)) is not None)
        server.revoke(account)
        await until(lambda: driver.view().revoked)
    assert list(store.door_folder.iterdir()) == []
