"""The phone's talk with the server: by socket, by POST, through faults; nothing lost or doubled."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.store import Store
from server.protocol.from_driver import AcceptTasks, CompleteTask, Heartbeat, StartTasks
from server.protocol.to_driver import Manifest, Notice
from tests.driver_app.phones import (
    FAST,
    PATIENCE_S,
    FrozenClock,
    make_stop,
    make_task,
    send_all,
    syncing,
    until,
    with_stops,
)
from tests.driver_app.reference_server import Account, ReferenceServer

DOOR = Evidence(photos=(File(content=b"door"),))


def deliver_everything(driver: Driver) -> None:
    """A small day: three stops with photos, and 120 fixes."""
    driver.accept(["T1", "T2", "T3"])
    for number in (1, 2, 3):
        driver.start([f"T{number}"])
        driver.arrive([f"T{number}"])
        photo = File(content=f"door {number}".encode())
        driver.complete(f"T{number}", "delivered", Evidence(photos=(photo,)))
    for step in range(120):
        driver.record_fix(9.5 + step / 1000, 47.1, 5)


def assert_everything_arrived(driver: Driver, account: Account, server: ReferenceServer) -> None:
    assert len(account.effects) == 12
    for number in (1, 2, 3):
        done = [type(e).__name__ for e in account.effects.values() if f"T{number}" in repr(e)]
        assert done == ["AcceptTasks", "StartTasks", "ArriveAtTasks", "CompleteTask"]
    assert set(server.blobs.values()) == {b"door 1", b"door 2", b"door 3"}
    assert sorted(account.fixes) == list(range(1, 121))
    view = driver.view()
    assert (view.on_its_way, view.needs_attention, view.unsent_fixes) == ((), (), 0)
    assert [stop.state for stop in view.stops] == ["completed"] * 3


async def test_a_day_goes_through_one_socket(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    deliver_everything(driver)
    await send_all(store)
    assert_everything_arrived(driver, account, server)
    assert server.requests.count("GET /ws/driver") == 1
    assert "POST /api/driver/envelopes" not in server.requests
    assert account.repeats == 0
    assert list(store.blob_folder.iterdir()) == []


async def test_a_day_goes_by_post_where_sockets_are_refused(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    deliver_everything(driver)
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await sync.wait_until_sent()
        assert driver.view().link == "post"
    assert_everything_arrived(driver, account, server)


async def test_a_day_goes_by_post_where_sockets_are_swallowed(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.swallow_sockets = True
    deliver_everything(driver)
    await send_all(store, pace=replace(FAST, answer_s=0.5, socket_retry_s=60))
    assert_everything_arrived(driver, account, server)


async def test_socket_is_taken_again_when_it_is_let_through(
    driver: Driver, store: Store, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    async with syncing(store):
        await until(lambda: driver.view().link == "post")
        server.faults.refuse_sockets = False
        await until(lambda: driver.view().link == "socket")


async def test_a_day_without_network_is_sent_afterwards_in_its_own_times(
    driver: Driver,
    store: Store,
    account: Account,
    server: ReferenceServer,
    clock: FrozenClock,
) -> None:
    await server.stop()
    async with syncing(store, clock=clock) as sync, asyncio.timeout(PATIENCE_S):
        morning = clock.now
        deliver_everything(driver)
        clock.forward(hours=9)
        assert driver.view().link == "none"
        assert [stop.state for stop in driver.view().stops] == ["completed"] * 3
        await server.start()
        await sync.wait_until_sent()
    assert_everything_arrived(driver, account, server)
    assert {effect.occurred_at for effect in account.effects.values()} == {morning}
    assert account.hellos[0].unsent_commands == 12


@pytest.mark.parametrize("by_post", [False, True])
async def test_lost_answers_and_broken_requests_double_nothing(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, by_post: bool
) -> None:
    server.faults.refuse_sockets = by_post
    deliver_everything(driver)
    server.faults.fail_requests = 5
    server.faults.lose_answers = 7
    # What a broken connection left unanswered goes again at once, not when its lease runs out.
    await send_all(store, pace=replace(FAST, lease_s=60))
    assert_everything_arrived(driver, account, server)
    assert (server.faults.fail_requests, server.faults.lose_answers) == (0, 0)


async def test_two_syncs_at_once_double_nothing(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    deliver_everything(driver)
    async with syncing(Store(store.folder)):
        await send_all(store)
    assert_everything_arrived(driver, account, server)


async def test_tap_in_the_other_process_is_sent_without_being_told(
    driver: Driver, store: Store, account: Account
) -> None:
    async with syncing(store):
        await until(lambda: bool(account.heartbeats))
        Driver(Store(store.folder)).complete("T1", "delivered", DOOR)
        await until(lambda: len(account.effects) == 1)


async def test_new_manifest_is_stored_shown_and_confirmed(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, manifest: Manifest
) -> None:
    newer = with_stops(manifest, make_stop("S9", make_task("T9")))
    async with syncing(store):
        await until(lambda: 1 in account.confirmed)
        server.push(account, newer)
        await until(lambda: 2 in account.confirmed)
        assert [stop.stop.id for stop in driver.view().stops] == ["S9"]
        server.push(account, manifest)
        server.push(account, Notice(message="Stop S9 moved."))
        await until(lambda: bool(driver.view().notices))
        assert store.get_manifest_version() == 2
    assert set(account.confirmed) == {1, 2}
    assert driver.view().notices[0].message == "Stop S9 moved."


async def test_new_manifest_comes_by_post_too(
    driver: Driver, store: Store, account: Account, server: ReferenceServer, manifest: Manifest
) -> None:
    server.faults.refuse_sockets = True
    async with syncing(store):
        await until(lambda: driver.view().link == "post")
        account.manifest = with_stops(manifest, make_stop("S9", make_task("T9")))
        await until(lambda: 2 in account.confirmed)
    assert [stop.stop.id for stop in driver.view().stops] == ["S9"]


async def test_manifest_that_was_stored_before_a_kill_is_still_confirmed(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    async with syncing(store):
        await until(lambda: account.confirmed == [1])


async def test_socket_is_tried_at_once_when_post_fails_too(
    driver: Driver, store: Store, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    async with syncing(store, pace=replace(FAST, socket_retry_s=60)):
        await until(lambda: driver.view().link == "post")
        server.faults.refuse_sockets = False
        link = "post"
        async with asyncio.timeout(PATIENCE_S):
            # Once more when the server came back between a refused socket and the POST after it:
            # then POST is right. A phone that stays with POST for good never gets out of here.
            while link != "socket":
                await server.stop()
                await until(lambda: driver.view().link == "none")
                await server.start()
                await until(lambda: driver.view().link != "none")
                link = driver.view().link


async def test_idle_phone_on_post_says_hello_seldom(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    async with syncing(store, pace=replace(FAST, post_every_s=60, socket_retry_s=60)):
        await until(lambda: len(account.hellos) >= 1 and driver.view().link == "post")
        said = len(account.hellos)
        driver.complete("T1", "delivered")
        await until(lambda: len(account.effects) == 1 and not driver.view().on_its_way)
        assert len(account.hellos) == said + 1


async def test_rejected_command_lets_the_others_through(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.reject = ["dispatch.unknown_task"]
    driver.start(["T1"])
    driver.complete("T1", "delivered")
    await send_all(store)
    assert [type(effect) for effect in account.effects.values()] == [CompleteTask]
    (attention,) = driver.view().needs_attention
    assert isinstance(attention.body, StartTasks)
    driver.send_again(attention.id)
    await send_all(store)
    assert len(account.effects) == 2
    assert driver.view().needs_attention == ()


async def test_login_page_of_a_wifi_is_taken_for_no_answer(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    server.faults.login_page = True
    driver.complete("T1", "delivered", DOOR)
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(server.requests) > 6)
        assert not driver.view().revoked
        assert len(driver.view().on_its_way) == 1
        server.faults.login_page = False
        await sync.wait_until_sent()
    assert len(account.effects) == 1
    assert account.refused == {}
    assert list(server.blobs.values()) == [b"door"]


async def test_command_that_makes_the_server_stumble_holds_up_only_its_stop(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_sockets = True
    stumbling = driver.complete("T1", "delivered")
    server.faults.stumble_over.add(stumbling)
    driver.accept(["T2", "T3"])
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(account.effects) == 2)
        assert {type(effect) for effect in account.effects.values()} == {AcceptTasks}
        server.faults.stumble_over.clear()
        await sync.wait_until_sent()
    assert stumbling in account.effects


async def test_one_bad_fix_does_not_hold_up_the_others(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.bad_fixes = {77}
    for _ in range(150):
        driver.record_fix(9.5, 47.1, 5)
    await send_all(store)
    assert sorted(account.fixes) == [seq for seq in range(1, 151) if seq != 77]


async def test_fix_that_was_never_sent_is_not_forgotten_whatever_the_server_says(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.ack_too_far = 1000
    for _ in range(150):
        driver.record_fix(9.5, 47.1, 5)
    await send_all(store)
    assert len(account.fixes) == 150


async def test_fixes_wait_for_company_but_not_for_ever(
    driver: Driver, store: Store, account: Account, clock: FrozenClock
) -> None:
    for_long = replace(FAST, fix_wait_s=600, fix_batch=50)
    async with syncing(store, pace=for_long, clock=clock):
        await until(lambda: bool(account.heartbeats))
        for _ in range(49):
            driver.record_fix(9.5, 47.1, 5)
        driver.accept(["T1"])
        await until(lambda: len(account.effects) == 1)
        assert account.fixes == {}, "an act went without them"
    async with syncing(store, pace=replace(for_long, fix_wait_s=0.15), clock=clock):
        await until(lambda: len(account.fixes) == 49)
    async with syncing(store, pace=for_long, clock=clock):
        for _ in range(50):
            driver.record_fix(9.5, 47.1, 5)
        await until(lambda: len(account.fixes) == 99)


async def test_fixes_that_have_waited_in_the_receiver_go_at_once_and_the_heartbeat_with_them(
    driver: Driver, store: Store, account: Account, clock: FrozenClock
) -> None:
    pace = replace(FAST, fix_wait_s=60, heartbeat_s=60)
    async with syncing(store, pace=pace, clock=clock):
        await until(lambda: len(account.heartbeats) == 1)
        driver.record_fix(9.5, 47.1, 5, taken_at=clock.now - timedelta(seconds=61))
        await until(lambda: len(account.fixes) == 1)
        await until(lambda: len(account.heartbeats) == 2)


async def test_heartbeat_tells_the_devices_state_and_what_is_unsent(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.upload_status = 503
    driver.complete("T1", "delivered", DOOR)
    health = Heartbeat(battery_percent=55, gps="denied")
    pace = replace(FAST, heartbeat_s=0.01)
    async with syncing(store, pace=pace, read_health=lambda: health):
        await until(lambda: len(account.heartbeats) >= 3)
    assert account.heartbeats[-1] == replace(health, unsent_commands=1)


async def test_app_that_is_too_old_says_so_once_and_keeps_its_work(
    driver: Driver, store: Store, account: Account, server: ReferenceServer
) -> None:
    server.faults.refuse_hello = True
    driver.complete("T1", "delivered")
    async with syncing(store) as sync, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(account.hellos) >= 4)
        (notice,) = driver.view().notices
        assert notice.message == "Update the app to go on."
        server.faults.refuse_hello = False
        await sync.wait_until_sent()
