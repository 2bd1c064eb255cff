"""The phone's file: migrations, pairings, manifests, fixes, and who may read it."""

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from driver_app.core import store as store_module
from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.errors import NotPaired, StoreTooNew
from driver_app.core.store import MIGRATIONS, ChangeWatch, Store
from server.protocol.to_driver import Manifest, Notice
from tests.driver_app.phones import (
    START_AT,
    FrozenClock,
    make_manifest,
    make_stop,
    make_task,
    pairing_with,
    with_stops,
)


@pytest.fixture
def driver(store: Store, manifest: Manifest, clock: FrozenClock) -> Driver:
    store.save_pairing(pairing_with("https://post.example", "one"))
    store.save_manifest(manifest)
    store.put_setting("shift", "on")
    return Driver(store, clock=clock)


def test_only_the_owner_of_the_phone_can_read_the_token(store: Store, driver: Driver) -> None:
    for path in store.folder.glob("app.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.blob_folder.stat().st_mode) == 0o700


def test_token_is_not_in_the_text_of_a_pairing() -> None:
    pairing = replace(pairing_with("https://post.example", "x"), token="secret")
    assert "secret" not in repr(pairing)


def test_migration_keeps_yesterdays_unsent_work(
    store: Store, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.complete("T1", "delivered", Evidence(photos=(File(content=b"door"),)))
    driver.record_fix(9.5, 47.1, 5)
    before = driver.view()
    store.close()
    newer = (*MIGRATIONS, ("ALTER TABLE outbox ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",))
    monkeypatch.setattr(store_module, "MIGRATIONS", newer)
    again = Store(store.folder)
    assert again.db.execute("SELECT colour FROM outbox").fetchall()[0][0] == "red"
    assert Driver(again).view() == before
    assert len(again.list_unsent_fixes(10)) == 1


def test_broken_migration_leaves_the_file_as_it_was(store: Store, driver: Driver) -> None:
    driver.accept(["T1"])
    with pytest.raises(sqlite3.OperationalError):
        store.migrate((*MIGRATIONS, ("ALTER TABLE outbox ADD COLUMN colour TEXT", "nonsense")))
    columns = [row["name"] for row in store.db.execute("PRAGMA table_info(outbox)")]
    assert "colour" not in columns
    assert store.db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert len(driver.view().on_its_way) == 1


def test_older_app_does_not_touch_a_newer_file(store: Store) -> None:
    store.db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreTooNew, match="Update the app"):
        Store(store.folder)


def test_fix_seq_is_never_used_again(store: Store, driver: Driver) -> None:
    seqs = []
    for _ in range(3):
        fix = driver.record_fix(9.5, 47.1, 5)
        assert fix is not None
        seqs.append(fix.seq)
        store.forget_fixes(fix.seq)
    store.close()
    again = Store(store.folder)
    fix = Driver(again).record_fix(9.5, 47.1, 5)
    assert fix is not None
    assert [*seqs, fix.seq] == [1, 2, 3, 4]


def test_phone_restored_from_a_backup_goes_on_above_what_the_server_has(
    store: Store, driver: Driver
) -> None:
    assert (fix := driver.record_fix(9.5, 47.1, 5)) is not None and fix.seq == 1
    store.count_fixes_from(40)
    assert (fix := driver.record_fix(9.5, 47.1, 5)) is not None and fix.seq == 41
    store.count_fixes_from(7)
    assert (fix := driver.record_fix(9.5, 47.1, 5)) is not None and fix.seq == 42


def test_other_process_is_noticed(store: Store) -> None:
    other = Store(store.folder)
    watch = ChangeWatch(store)
    assert watch.has_changed()
    assert not watch.has_changed()
    other.put_setting("link", "socket")
    assert watch.has_changed()
    assert not watch.has_changed()
    store.put_setting("link", "none")
    assert watch.has_changed()


def test_lower_manifest_is_ignored_and_equal_one_confirmed_again(
    store: Store, driver: Driver, manifest: Manifest
) -> None:
    newer = with_stops(manifest, make_stop("S9", make_task("T9")))
    assert store.save_manifest(newer)
    assert not store.save_manifest(manifest)
    assert store.get_manifest() == newer
    assert store.save_manifest(newer)


def test_manifest_that_this_app_cannot_read_is_replaced_even_at_the_same_version(
    store: Store, manifest: Manifest
) -> None:
    store.save_manifest(manifest)
    store.db.execute("""UPDATE manifest SET body = '{"version":1}'""")
    assert store.get_manifest() is None
    assert store.save_manifest(manifest)
    assert store.get_manifest() == manifest


def test_other_drivers_unsent_work_never_goes_out_under_my_name(
    store: Store, driver: Driver, clock: FrozenClock
) -> None:
    command_id = driver.complete("T1", "delivered")
    driver.record_fix(9.5, 47.1, 5)
    store.save_pairing(pairing_with("https://post.example", "two"))
    view = driver.view()
    assert (view.on_its_way, view.unsent_fixes, view.manifest, view.shift) == ((), 0, None, "off")
    assert store.list_unsent_fixes(10) == []
    store.save_pairing(pairing_with("https://post.example", "one"))
    assert [command.id for command in driver.view().on_its_way] == [command_id]
    assert len(store.list_unsent_fixes(10)) == 1


def test_pairing_again_takes_any_manifest_but_shows_the_held_one_until_then(
    store: Store, driver: Driver, manifest: Manifest
) -> None:
    store.save_manifest(replace(manifest, version=50))
    store.save_pairing(pairing_with("https://restored.example", "one"))
    assert len(driver.view().stops) == 3
    assert store.save_manifest(make_manifest(version=2, stops=1))
    assert len(driver.view().stops) == 1


def test_same_manifest_after_pairing_again_is_not_asked_for_again_and_again(
    store: Store, manifest: Manifest
) -> None:
    store.save_manifest(manifest)
    store.save_pairing(pairing_with("https://post.example", "one"))
    assert store.get_manifest_version() == 0
    assert store.save_manifest(manifest)
    assert store.get_manifest_version() == manifest.version


def test_late_news_that_the_pairing_before_was_revoked_changes_nothing(store: Store) -> None:
    before = pairing_with("https://post.example", "one")
    store.save_pairing(before)
    store.save_pairing(replace(before, token="newer"))
    store.mark_revoked(before)
    pairing = store.get_pairing()
    assert pairing is not None
    assert not pairing.revoked


def test_nothing_can_be_done_on_a_phone_of_nobody(store: Store) -> None:
    with pytest.raises(NotPaired, match="pairing code"):
        Driver(store).set_shift("start")
    assert not Driver(store).view().paired
    assert Driver(store).view().shift == "off"


def test_only_the_newest_notices_are_kept(store: Store) -> None:
    for number in range(60):
        store.add_notice(Notice(message=f"note {number}"), START_AT)
    notices = store.list_notices()
    assert len(notices) == 50
    assert notices[0].message == "note 59"


def test_failed_act_leaves_nothing_behind(store: Store, driver: Driver, tmp_path: Path) -> None:
    missing = File(content=tmp_path / "never taken.jpg")
    with pytest.raises(FileNotFoundError):
        driver.complete("T1", "delivered", Evidence(photos=(File(content=b"door"), missing)))
    assert driver.view().on_its_way == ()
    assert store.db.execute("SELECT count(*) FROM blobs").fetchone()[0] == 0
