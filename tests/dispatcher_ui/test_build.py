"""The page is built by Python alone, from sources that name no registry."""

import json

from server.app.pages import build_pages
from server.live.pages import BUILT, DISPATCHER_UI


def test_page_is_built_once_for_the_same_sources(built_pages: None) -> None:
    said: list[str] = []
    before = (BUILT / "index.html").stat().st_mtime_ns
    build_pages(said.append)
    assert said == []
    assert (BUILT / "index.html").stat().st_mtime_ns == before


def test_build_checks_the_types_first() -> None:
    scripts = json.loads((DISPATCHER_UI / "package.json").read_text())["scripts"]
    assert scripts["build"].startswith("tsc --noEmit &&")


def test_lock_holds_hashes_and_no_addresses() -> None:
    packages = json.loads((DISPATCHER_UI / "package-lock.json").read_text())["packages"]
    fetched = {path: package for path, package in packages.items() if path}
    assert fetched
    assert [path for path, package in fetched.items() if "resolved" in package] == []
    assert [path for path, package in fetched.items() if "integrity" not in package] == []
    assert "omit-lockfile-registry-resolved=true" in (DISPATCHER_UI / ".npmrc").read_text()
