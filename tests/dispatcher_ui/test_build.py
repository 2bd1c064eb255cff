"""The page is built by Python alone, from sources that name no registry."""

import gzip
import json
import re
from typing import Any

import httpx

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


def test_shell_is_small_before_the_map_is_loaded(built_pages: None) -> None:
    """What the first page loads, by its tags: under 60 kB gzipped."""
    page = (BUILT / "index.html").read_text()
    names = re.findall(r'(?:src|href)="/dispatch/assets/([^"]+\.js)"', page)
    assert names
    sizes = {name: len(gzip.compress((BUILT / "assets" / name).read_bytes())) for name in names}
    print(sizes)
    assert sum(sizes.values()) < 60_000, sizes


async def test_scripts_and_pages_go_packed_to_browsers_that_take_it(company: Any) -> None:
    page = (BUILT / "index.html").read_text()
    script = re.findall(r'src="(/dispatch/assets/[^"]+\.js)"', page)[0]
    async with httpx.AsyncClient(base_url=company.base_url) as client:
        for path in (script, "/t/never-was"):
            packed, plain = [
                await client.get(path, headers={"Accept-Encoding": each})
                for each in ("gzip, br", "identity")
            ]
            assert packed.headers["content-encoding"] == "gzip"
            assert "content-encoding" not in plain.headers
            assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
            assert packed.content == plain.content
            sizes = [int(each.headers["content-length"]) for each in (packed, plain)]
            assert 2 * sizes[0] < sizes[1], (path, sizes)


def sentences_in(code: str) -> set[str]:
    """Those of t("...") and both of tn(n, "...", "...")."""
    quoted = r'"((?:[^"\\]|\\.)*)"'
    counted = re.findall(rf'\btn\([^"]*?{quoted}, {quoted}', code)
    return {*re.findall(rf"\bt\({quoted}", code), *(each for both in counted for each in both)}


def test_every_sentence_of_the_code_is_known_in_every_language() -> None:
    sources = DISPATCHER_UI / "src"
    said = {
        sentence
        for path in sources.rglob("*.ts")
        if "words" not in path.relative_to(sources).parts
        for sentence in sentences_in(path.read_text())
    }
    for page in DISPATCHER_UI.glob("*.html"):
        said.update(re.findall(r"\bdata-t>([^<]+)<", page.read_text()))
    for language in ("de", "es"):
        words = "".join(path.read_text() for path in (sources / "words" / language).rglob("*.ts"))
        known = set(re.findall(r'^  "((?:[^"\\]|\\.)*)": ', words, re.MULTILINE))
        assert said - known == set(), language
