"""The battery falls out: what the disk had not been told to keep is gone.

The phone's folder lies on a file system in a file. That file is what the disk holds: what waits in
the memory of the system is not in it. So a copy of it, taken while the app writes, is what is found
after the power was cut at that moment. Needs root, for mounting; the app's own rules about what is
flushed before what (`fsync`, then the name, then the row) are also watched without it.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.outbox import Outbox, list_files
from driver_app.core.store import Store
from tests.driver_app.phones import make_manifest, pairing_with

REPO = Path(__file__).parents[2]
DISK_BYTES = 24 * 2**20
CUTS = 3

APP = """
import os, sys
from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.store import Store
driver = Driver(Store(sys.argv[1], fsync=sys.argv[2] == "careful"))
for number in range(10**6):
    photo = File(content=os.urandom(20_000))
    print(driver.complete(f"T{number}", "delivered", Evidence(photos=(photo,))), flush=True)
"""


def can_mount() -> bool:
    return (
        os.geteuid() == 0
        and shutil.which("mkfs.ext4") is not None
        and Path("/dev/loop-control").exists()
    )


@contextmanager
def mounted(disk: Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-o", "loop", str(disk), str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A new file system with a paired phone on it."""
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
    with mounted(disk, tmp_path / "new") as folder:
        store = Store(folder / "phone")
        store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
        store.save_manifest(make_manifest(version=1, stops=5))
        store.close()
    return disk


def cut_power(disk: Path, home: Path, *, careful: bool, cuts: int) -> list[int]:
    """Acts that the app had told of and that were not there after the power came back, for each
    cut."""
    lost = []
    with mounted(disk, home / "working") as folder:
        app = subprocess.Popen(
            [sys.executable, "-c", APP, str(folder / "phone"), "careful" if careful else "hasty"],
            cwd=REPO,
            env={**os.environ, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
        )
        assert app.stdout is not None
        told: list[str] = []
        try:
            for number in range(cuts):
                told += [app.stdout.readline().decode().strip() for _ in range(3 + 2 * number)]
                app.send_signal(signal.SIGSTOP)
                shutil.copy(disk, home / f"cut-{number}")
                app.send_signal(signal.SIGCONT)
                with mounted(home / f"cut-{number}", home / f"after-{number}") as after:
                    lost.append(count_lost(after / "phone", told))
        finally:
            app.kill()
            app.wait()
            app.stdout.close()
    return lost


def count_lost(folder: Path, told: list[str]) -> int:
    """Acts without their row or without their photo; the file itself is sound."""
    store = Store(folder)
    assert store.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    outbox, waiting = Outbox(store), Driver(store).view().on_its_way
    whole = {
        command.id
        for command in waiting
        if all(outbox.is_intact(file) for file in list_files(command.body))
    }
    store.close()
    return len(set(told) - whole)


@pytest.mark.skipif(not can_mount(), reason="a file system of its own needs root")
def test_power_cut_at_any_moment_loses_nothing_that_the_app_had_told_of(
    disk: Path, tmp_path: Path
) -> None:
    assert cut_power(disk, tmp_path, careful=True, cuts=CUTS) == [0] * CUTS


@pytest.mark.skipif(not can_mount(), reason="a file system of its own needs root")
def test_the_same_cut_would_be_felt_by_an_app_that_flushes_nothing(
    disk: Path, tmp_path: Path
) -> None:
    assert max(cut_power(disk, tmp_path, careful=False, cuts=2)) > 0


def test_photo_is_flushed_then_named_then_its_folder_is_flushed_then_its_row_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        done.append("folder flushed" if name == "blobs" else "photo flushed")
        fsync(descriptor)

    def watched_replace(path: Path, target: Path) -> Path:
        done.append("named")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    store.db.set_trace_callback(
        lambda statement: done.append("row") if "INTO blobs" in statement else None
    )
    Driver(store).complete("T1", "delivered", Evidence(photos=(File(content=b"door"),)))
    store.close()
    assert done == ["photo flushed", "named", "folder flushed", "row"]
