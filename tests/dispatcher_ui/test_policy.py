"""No page may run or load what is not ours, and each says so to the browser."""

import re
from typing import Any

import httpx
from litestar.routes import HTTPRoute

from server.app.web import create_app
from server.kit.blobs import Blobs

ALLOWED = re.compile(r"'none'|'self'|data:|blob:|'sha256-[A-Za-z0-9+/]+=*'")


async def test_every_page_forbids_scripts_and_styles_that_are_not_ours(company: Any) -> None:
    task = (await company.tasks(company.drivers["Nora Frei"]))[0]
    token = await company.tracking_link((await company.consignment_of(task)).id)
    values = {"token": token, "name": "none.js", "account": "none"}
    app = create_app(company.settings, company.db, company.feed, Blobs(company.settings.blobs_dir))
    paths = {
        re.sub(r"\{(\w+):\w+\}", lambda found: values.get(found[1], "1"), route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods
        if not route.path.startswith("/api/") and not route.path.endswith("/events")
    }
    pages = {}
    async with httpx.AsyncClient(base_url=company.base_url) as client:
        for path in sorted(paths):
            answer = await client.get(path)
            if answer.headers.get("content-type", "").startswith("text/html"):
                pages[path] = answer.headers
    assert {"/login", "/dispatch", f"/t/{token}", f"/t/{token}/change"} <= pages.keys()
    for path, headers in pages.items():
        policy = headers["content-security-policy"]
        rules = dict(each.strip().split(" ", 1) for each in policy.split(";"))
        assert rules["default-src"] == "'none'", path
        # Only the question for a parcel is made to stand in a shop's own page.
        framed_by = rules.pop("frame-ancestors")
        assert framed_by == ("*" if path.startswith("/embed/") else "'none'"), path
        for name, sources in rules.items():
            assert all(ALLOWED.fullmatch(each) for each in sources.split()), (path, name, sources)
        assert headers["x-content-type-options"] == "nosniff", path
        assert "referrer-policy" in headers, path
