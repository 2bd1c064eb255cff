"""What the project keeps out of its files."""

import json
import re
import subprocess
import tomllib
from itertools import chain

import pytest

from server.kit.settings import ROOT

TEXT_ENDINGS = {".py", ".md", ".toml", ".lock", ".json", ".yaml", ".yml", ".ts", ".css", ".html"}


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    return [name for name in listed if name and (ROOT / name).is_file()]


def test_lock_holds_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock and "--index-url" not in lock
    pinned = re.findall(r"^[a-z0-9].*==", lock, re.M)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)


NPM_LOCKS = [name for name in tracked_files() if name.endswith("package-lock.json")]


@pytest.mark.parametrize("name", NPM_LOCKS or ["dispatcher_ui/package-lock.json"])
def test_npm_lock_holds_hashes_and_no_addresses(name: str) -> None:
    """npm writes `funding` addresses into it; take them out again after an update."""
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    packages = json.loads(lock)["packages"]
    assert [path for path, each in packages.items() if path and "integrity" not in each] == []


def test_lock_pins_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    lock = (ROOT / "requirements.lock").read_text()
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", lock, re.M))
    missing = [
        name
        for name in (re.split(r"[^A-Za-z0-9_.-]", w)[0] for w in wanted)
        if name.lower().replace("_", "-") not in pinned
    ]
    assert missing == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    folder = str(ROOT)
    if folder.count("/") < 2:
        return  # a project in the root of a disk has no telling path
    found = [
        name
        for name in tracked_files()
        if (ROOT / name).suffix in TEXT_ENDINGS and f"{folder}/" in (ROOT / name).read_text()
    ]
    assert found == []


def test_every_decision_says_what_enforces_it() -> None:
    pages = list((ROOT / "server/decisions").glob("[0-9]*.md"))
    assert pages
    assert [path.name for path in pages if "Enforced by:" not in path.read_text()] == []
