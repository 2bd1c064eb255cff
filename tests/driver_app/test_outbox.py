"""Commands and files between the tap and the Ack."""

import os
from pathlib import Path

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.errors import UnknownCommand
from driver_app.core.outbox import Outbox, list_files
from driver_app.core.store import Store
from server.protocol.to_driver import Manifest
from tests.driver_app.phones import FrozenClock, make_stop, make_task, pairing_with, with_stops


@pytest.fixture
def driver(store: Store, manifest: Manifest, clock: FrozenClock) -> Driver:
    store.save_pairing(pairing_with("https://post.example", "one"))
    store.save_manifest(manifest)
    return Driver(store, clock=clock)


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


def lease(outbox: Outbox, owner: str = "sync", now_s: float = 1000.0) -> list[str]:
    return [command.id for command in outbox.lease(owner, now_s=now_s, lease_s=30, limit=50)]


def names(driver: Driver) -> list[str]:
    return [type(command.body).__name__ for command in driver.view().on_its_way]


def photo(content: bytes) -> Evidence:
    return Evidence(photos=(File(content=content),))


def test_commands_of_one_stop_go_one_by_one_and_stops_do_not_wait_for_each_other(
    driver: Driver, outbox: Outbox
) -> None:
    driver.accept(["T1", "T2"])
    driver.start(["T1"])
    first, second, third = (command.id for command in driver.view().on_its_way)
    assert lease(outbox) == [first, second]
    assert lease(outbox) == []
    outbox.acknowledge([second])
    assert lease(outbox) == []
    outbox.acknowledge([first])
    assert lease(outbox) == [third]


def test_lease_of_a_killed_process_runs_out(driver: Driver, outbox: Outbox) -> None:
    command_id = driver.complete("T1", "delivered")
    assert lease(outbox, "killed", 1000) == [command_id]
    assert lease(outbox, "next", 1029) == []
    assert lease(outbox, "next", 1030) == [command_id]


def test_lease_from_before_a_restart_of_the_phone_holds_nothing_up(
    driver: Driver, outbox: Outbox
) -> None:
    command_id = driver.complete("T1", "delivered")
    assert lease(outbox, "before", 900_000) == [command_id]
    assert lease(outbox, "after", 12) == [command_id]


def test_release_gives_back_only_the_owners_leases(driver: Driver, outbox: Outbox) -> None:
    driver.accept(["T1"])
    (mine,) = lease(outbox, "me")
    driver.accept(["T2"])
    lease(outbox, "other")
    outbox.release("me")
    assert lease(outbox, "me") == [mine]


def test_rejected_command_needs_attention_and_does_not_block_its_lane(
    driver: Driver, outbox: Outbox
) -> None:
    driver.start(["T1"])
    done = driver.complete("T1", "delivered")
    (start,) = lease(outbox)
    outbox.reject(start, "dispatch.unknown_task", "There is no such task.")
    assert lease(outbox) == [done]
    (attention,) = driver.view().needs_attention
    assert (attention.id, attention.reject_code) == (start, "dispatch.unknown_task")
    assert attention.place == "S1 High Street"


def test_rejected_command_goes_again_under_a_new_id_or_is_dismissed(
    driver: Driver, outbox: Outbox
) -> None:
    command_id = driver.complete("T1", "delivered", photo(b"door"))
    with pytest.raises(UnknownCommand):
        driver.dismiss(command_id)
    outbox.reject(command_id, "some.code", "No.")
    driver.send_again(command_id)
    (command,) = driver.view().on_its_way
    assert command.id != command_id
    outbox.reject(command.id, "some.code", "No.")
    driver.dismiss(command.id)
    assert driver.view().needs_attention == ()
    assert list(outbox.path_of("x").parent.iterdir()) == []


def test_command_waits_for_all_its_files(driver: Driver, outbox: Outbox) -> None:
    evidence = Evidence(
        photos=(File(content=b"one"), File(content=b"two")),
        signature=File(content=b"<svg/>", content_type="image/svg+xml"),
    )
    command_id = driver.complete("T1", "delivered", evidence)
    files = list_files(driver.view().on_its_way[0].body)
    assert [file.content_type for file in files] == ["image/jpeg", "image/jpeg", "image/svg+xml"]
    for file in files:
        assert lease(outbox) == []
        outbox.mark_uploaded(file.sha256)
    assert lease(outbox) == [command_id]


def test_file_stays_until_its_last_command_is_acknowledged(driver: Driver, outbox: Outbox) -> None:
    first = driver.complete("T1", "delivered", photo(b"same door"))
    second = driver.complete("T2", "delivered", photo(b"same door"))
    (file,) = list_files(driver.view().on_its_way[0].body)
    path = outbox.path_of(file.sha256)
    outbox.mark_uploaded(file.sha256)
    assert path.read_bytes() == b"same door"
    outbox.acknowledge([first])
    assert path.exists()
    outbox.acknowledge([second, second, "unknown"])
    assert not path.exists()
    assert outbox.find_next_upload() is None


def test_file_may_come_as_a_path(driver: Driver, outbox: Outbox, tmp_path: Path) -> None:
    shot = tmp_path / "camera.jpg"
    shot.write_bytes(b"shot")
    driver.fail("T1", "not_home", Evidence(photos=(File(content=shot),)))
    (file,) = list_files(driver.view().on_its_way[0].body)
    assert outbox.path_of(file.sha256).read_bytes() == b"shot"
    assert shot.exists()


def test_strays_of_a_killed_process_are_swept_but_nothing_that_is_needed(
    driver: Driver, outbox: Outbox, store: Store
) -> None:
    driver.complete("T1", "delivered", photo(b"needed"))
    stray = store.blob_folder / "half.written.tmp"
    fresh = store.blob_folder / "fresh.tmp"
    for path in (stray, fresh):
        path.write_bytes(b"")
    for path in store.blob_folder.iterdir():
        if path != fresh:
            os.utime(path, (1000, 1000))
    outbox.sweep_strays(older_than_s=3600, now_s=fresh.stat().st_mtime)
    assert not stray.exists()
    assert fresh.exists()
    (file,) = list_files(driver.view().on_its_way[0].body)
    assert outbox.path_of(file.sha256).exists()


def test_damaged_file_can_be_left_out_so_that_the_fact_arrives(
    driver: Driver, outbox: Outbox
) -> None:
    evidence = Evidence(photos=(File(content=b"good"), File(content=b"bad")), note="at the gate")
    command_id = driver.complete("T1", "delivered", evidence)
    good, bad = list_files(driver.view().on_its_way[0].body)
    outbox.mark_uploaded(good.sha256)
    outbox.reject_file(bad.sha256, "phone.file_damaged", "Damaged.")
    assert lease(outbox) == []
    driver.send_again(command_id, without_files=True)
    (command,) = outbox.lease("sync", now_s=1, lease_s=30, limit=9)
    assert command.body.proof.photos == (good,)
    assert command.body.proof.note == "at the gate"
    assert outbox.path_of(good.sha256).exists()
    assert not outbox.path_of(bad.sha256).exists()


def test_order_is_kept_when_the_plan_moves_a_task_to_another_stop(
    driver: Driver, outbox: Outbox, store: Store, manifest: Manifest
) -> None:
    driver.start(["T1"])
    store.save_manifest(with_stops(manifest, make_stop("S7", make_task("T1"))))
    driver.complete("T1", "delivered")
    (start,) = lease(outbox)
    assert lease(outbox) == []
    outbox.acknowledge([start])
    assert len(lease(outbox)) == 1


def test_command_that_the_server_stumbles_over_goes_last(driver: Driver, outbox: Outbox) -> None:
    stumbled = driver.complete("T1", "delivered")
    lease(outbox)
    outbox.release("sync")
    fine = driver.complete("T2", "delivered")
    assert lease(outbox) == [fine, stumbled]


def test_text_that_cannot_be_sent_is_refused_at_once(driver: Driver) -> None:
    with pytest.raises(ValueError, match="NUL"):
        driver.complete("T1", "delivered", Evidence(recipient_name="A\0da"))
    assert names(driver) == []
