"""The pages for people, and the tiles of their map."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from server.identity.access import Role
from server.live import pages


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of the page, as small as one can be."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Live map</title>")
    (folder / "login.html").write_text("<title>Sign in</title>")
    (folder / "assets/index-abc.js").write_text("let x")
    (folder / "secret.js").write_text("not for everybody")
    monkeypatch.setattr(pages, "BUILT", folder)
    return folder


async def test_front_door_leads_to_the_live_map(client: httpx.AsyncClient, built: Path) -> None:
    answer = await client.get("/", follow_redirects=True)
    assert answer.url.path == "/dispatch"
    assert "Live map" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_assets_may_be_kept_for_ever_and_pages_not(
    client: httpx.AsyncClient, built: Path
) -> None:
    asset = await client.get("/dispatch/assets/index-abc.js")
    assert asset.headers["content-type"].startswith("text/javascript")
    assert "immutable" in asset.headers["cache-control"]
    assert (await client.get("/login")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fsecret.js", "%2e%2e", "%2e%2e%2Fsecret.js", "x"]
)
async def test_only_assets_are_given_out(client: httpx.AsyncClient, built: Path, name: str) -> None:
    assert (await client.get(f"/dispatch/assets/{name}")).status_code == 404


async def test_page_that_was_not_built_says_how_to_build_it(
    client: httpx.AsyncClient, built: Path
) -> None:
    (built / "index.html").unlink()
    answer = await client.get("/dispatch")
    assert answer.status_code == 503
    assert "./postrider up" in answer.json()["detail"]


async def test_tiles_are_for_staff_only(client: httpx.AsyncClient, sign_in: Any) -> None:
    assert (await client.get("/tiles/0/0/0")).status_code == 401
    driver = await sign_in(Role.DRIVER)
    assert (await driver.get("/tiles/0/0/0")).status_code == 403


async def test_tile_is_not_sent_again_to_who_has_it(sign_in: Any) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    first = await dispatcher.get("/tiles/3/1/2")
    assert first.status_code == 200 and "max-age" in first.headers["cache-control"]
    again = await dispatcher.get("/tiles/3/1/2", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["15/0/0", "3/8/0", "3/0/-1", "-1/0/0", "99/9/9", f"3/{2**70}/1"])
async def test_tile_outside_of_the_world_is_not_found(sign_in: Any, path: str) -> None:
    dispatcher = await sign_in(Role.DISPATCHER)
    assert (await dispatcher.get(f"/tiles/{path}")).status_code == 404
