"""A phone that was signed out: it hands in what it had not sent, then it is empty."""

import asyncio
import hashlib
import random
from dataclasses import replace
from pathlib import Path

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.outbox import Outbox
from driver_app.core.store import Store
from server.protocol.from_driver import CompleteTask, Heartbeat
from tests.driver_app.phones import (
    FrozenClock,
    pairing_with,
    send_all,
    syncing,
    until,
)
from tests.driver_app.reference_server import Account, ReferenceServer

DOOR = Evidence(photos=(File(content=b"door"),))
FULL, SMALL = random.Random(3).randbytes(200_000), b"the small door"


def read_all(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def wiped(store: Store, driver: Driver, **given: object) -> None:
    async with syncing(store, **given):
        await until(lambda: not driver.view().paired)


@pytest.mark.parametrize("noticed", ["socket closed", "next request", "while uploading"])
async def test_revoked_phone_hands_in_what_it_has_not_sent_and_is_wiped_to_the_last_byte(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, noticed: str
) -> None:
    driver.start(["T2"])
    driver.take_note_of_run()
    await send_all(store)
    store.put_setting("look_language", "de")
    if noticed == "socket closed":
        async with syncing(store):
            await until(lambda: driver.view().link == "socket")
            await server.stop()
            await until(lambda: driver.view().link == "none")
            driver.complete("T1", "delivered", DOOR)
            account.revoked = True
            await server.start()
            await until(lambda: not driver.view().paired)
    else:
        photo = Evidence(photos=(File(content=FULL, small=SMALL),))
        driver.complete("T1", "delivered", photo if noticed == "while uploading" else DOOR)
        account.revoked = True
        await wiped(store, driver, read_health=lambda: Heartbeat(network="cellular"))
    (said,) = account.last_words.values()
    assert isinstance(said, CompleteTask) and said.task_id == "T1"
    for photo_ref in said.proof.photos:
        assert {photo_ref.sha256, photo_ref.small_sha256 or photo_ref.sha256} <= set(server.blobs)
    assert account.wiped_with == [0]
    left = read_all(store.folder)
    for secret in (b"Ada", b"High Street", b"secret-token", b"T1", b"T2", b"door"):
        assert secret not in left, secret
    assert (store.get_pairing(), driver.view().lost) == (None, 0)
    assert store.get_setting("look_language") == "de"


async def test_day_is_gone_at_once_while_the_last_words_still_wait(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    assert driver.record_fix(9.5, 47.1, 5) is not None
    account.revoked = True
    server.faults.upload_status = 503
    async with syncing(store):
        await until(lambda: driver.view().revoked)
        view = driver.view()
        assert (len(view.on_its_way), view.manifest, view.shift) == (1, None, "off")
        assert driver.record_fix(9.5, 47.1, 5) is None, "nobody follows who was signed out"
        # It speaks at that one door only, once what was on its way has been answered.
        await until(lambda: all("/last-words" in each for each in server.requests[-9:]))
        server.faults.upload_status = None
        await until(lambda: not driver.view().paired)
    assert len(account.last_words) == 1
    assert account.fixes == {}, "where it was is told no more"


@pytest.mark.parametrize("fault", ["lose_answers", "fail_requests"])
async def test_broken_connections_and_a_kill_in_the_middle_lose_and_double_nothing(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, fault: str
) -> None:
    for number in (1, 2, 3):
        photo = File(content=FULL + bytes([number]), small=SMALL + bytes([number]))
        driver.complete(f"T{number}", "delivered", Evidence(photos=(photo,)))
    account.revoked = True
    setattr(server.faults, fault, 6)
    server.faults.break_uploads_after = [150_000]
    async with syncing(store):
        await until(lambda: getattr(server.faults, fault) < 4)
    await wiped(store, driver)
    assert [body.task_id for body in account.last_words.values()] == ["T1", "T2", "T3"]
    assert len(server.blobs) == 6
    assert server.begun_anew == 0
    assert set(account.wiped_with) == {0}


async def test_who_comes_too_late_is_wiped_all_the_same_and_says_how_much_was_lost(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    driver.complete("T2", "delivered")
    account.revoked = True
    server.faults.last_words_over = True
    await wiped(store, driver)
    assert (account.last_words, account.wiped_with, driver.view().lost) == ({}, [2], 2)
    assert list(store.blob_folder.iterdir()) == []


async def test_who_never_gets_through_is_wiped_after_a_week_by_its_own_clock(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, clock: FrozenClock
) -> None:
    driver.complete("T1", "delivered")
    store.mark_revoked(pairing_with(server.url, account.token))
    await server.stop()
    async with syncing(store, clock=clock):
        await until(lambda: store.get_setting("last_words_until") is not None)
        clock.forward(days=6.9)
        assert driver.view().paired
        clock.forward(days=0.2)
        await until(lambda: not driver.view().paired)
    assert driver.view().lost == 1


async def test_phone_that_was_never_signed_out_goes_on_whatever_somebody_on_the_way_said(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    store.mark_revoked(pairing_with(server.url, account.token))
    async with syncing(store) as sync:
        await until(lambda: not driver.view().revoked)
        await sync.wait_until_sent()
        await until(lambda: len(driver.view().stops) == 3)
    assert (len(account.effects), account.last_words, account.wiped_with) == (1, {}, [])


async def test_phone_that_the_server_does_not_know_at_all_is_not_wiped_by_that(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    known = server.accounts.pop(account.token)
    async with syncing(store):
        await until(lambda: sum("last-words" in request for request in server.requests) > 3)
        assert len(driver.view().on_its_way) == 1
        server.accounts[account.token] = known
        known.revoked = True
        await until(lambda: not driver.view().paired)
    assert len(account.last_words) == 1


@pytest.mark.parametrize("noticed_before", [False, True])
async def test_damaged_photo_does_not_keep_the_fact_from_being_handed_in(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, noticed_before: bool
) -> None:
    two = Evidence(photos=(File(content=b"damaged"), File(content=b"sound")))
    driver.complete("T1", "delivered", two)
    damaged = Outbox(store).path_of(hashlib.sha256(b"damaged").hexdigest())
    damaged.write_bytes(b"rubbish")
    if noticed_before:
        server.faults.upload_status = 503
        async with syncing(store):
            await until(lambda: bool(driver.view().needs_attention))
        server.faults.upload_status = None
    account.revoked = True
    await wiped(store, driver)
    (said,) = account.last_words.values()
    assert [photo.sha256 for photo in said.proof.photos] == [hashlib.sha256(b"sound").hexdigest()]
    assert account.wiped_with == [0]


async def test_phone_that_is_paired_again_meanwhile_is_not_wiped(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    driver.complete("T1", "delivered", DOOR)
    account.revoked = True
    server.faults.upload_status = 503
    async with syncing(store):
        await until(lambda: driver.view().revoked)
        again = server.add_driver("another-token", account.manifest)
        pairing = pairing_with(server.url, "another-token")
        await asyncio.to_thread(
            store.save_pairing, replace(pairing, driver_id="driver-secret-token")
        )
        server.faults.upload_status = None
        # What was on its way by the one door does not go by the other, too.
        await until(lambda: len(again.effects) + len(account.last_words) == 1)
        await until(lambda: len(driver.view().stops) == 3 and not driver.view().on_its_way)
    assert driver.view().paired and driver.view().lost is None
    assert len(again.effects) + len(account.last_words) == 1
