"""The pages for people: the dispatcher's console, signing in, and public tracking."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.service import TrackingLinkUnknown
from server.identity.access import Role, allow, public
from server.kit.db import Database
from server.kit.errors import NotFound, TooMany, Unavailable
from server.kit.settings import ROOT, Settings
from server.live import tracking_page
from server.live.customer_pages import (
    CUSTOMER_PAGES,
    Language,
    address_of,
    limit_of,
    read_offers,
)
from server.live.followers import Followers, follow
from server.live.html import HTML, PACKED, VARY, html_response, takes_gzip
from server.live.public_tracking import PublicView, public_view
from server.live.tracking_page import TrackingStatus
from server.live.tracking_texts import language_of
from server.places import service as places

DISPATCHER_UI = ROOT / "dispatcher_ui"
BUILT = DISPATCHER_UI / "dist"

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TILE_LIFETIME_S = 3600
FOREVER = "public, max-age=31536000, immutable"

CONSOLE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class PagesNotBuilt(Unavailable):
    """The dispatcher's page has not been built. `./postrider up` builds it on its first start."""

    code = "live.pages_not_built"


class UnknownAsset(NotFound):
    """There is no file {name} here. Load the page again."""

    code = "live.unknown_asset"


@get("/", guards=[public], include_in_schema=False)
async def go_to_console() -> Redirect:
    return Redirect("/dispatch")


@get(
    [
        "/dispatch",
        "/dispatch/{room:str}",
        "/dispatch/{room:str}/{part:str}",
        "/dispatch/{room:str}/{part:str}/{thing:str}",
    ],
    guards=[public],
    include_in_schema=False,
)
async def show_console() -> Response[bytes]:
    """The same empty page for every room: the script reads from the URL which one is meant, and
    asks for all that it shows as whoever is signed in."""
    return _built_page("index.html")


@get("/login", guards=[public], include_in_schema=False)
async def show_login() -> Response[bytes]:
    return _built_page("login.html")


@get("/dispatch/assets/{name:str}", guards=[public], include_in_schema=False)
async def send_asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Scripts and styles. Their names change with their content."""
    path = BUILT / "assets" / name
    if path.suffix not in MEDIA_TYPES or path.parent != BUILT / "assets" or not path.is_file():
        raise UnknownAsset(name=name)
    media_type = MEDIA_TYPES[path.suffix]
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", **VARY}
    packed = path.with_name(f"{name}.gz")
    if takes_gzip(request) and packed.is_file():
        return Response(packed.read_bytes(), media_type=media_type, headers=headers | PACKED)
    return Response(path.read_bytes(), media_type=media_type, headers=headers)


@get(
    "/tiles/{z:int}/{x:int}/{y:int}",
    guards=[allow(Role.ADMIN, Role.DISPATCHER, Role.CLERK, Role.WAREHOUSE)],
    include_in_schema=False,
)
async def send_tile(
    z: FromPath[int],
    x: FromPath[int],
    y: FromPath[int],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
) -> Response[bytes]:
    """A vector tile of the drawn map, for staff: customers get a sketch on their page."""
    tile = await places.read_tile(session, z, x, y)
    tag = f'"{hashlib.sha256(tile).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={TILE_LIFETIME_S}"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(tile, media_type="application/vnd.mapbox-vector-tile", headers=headers)


@get("/t/{token:str}", guards=[public], include_in_schema=False)
async def show_tracking(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> Response[bytes]:
    """One consignment, for whoever has the link."""
    language = language_of(request.headers.get("accept-language", ""), lang)
    try:
        view = await _look_up(session, token, request)
    except TrackingLinkUnknown:
        page = tracking_page.render_not_valid(language)
        return html_response(request, page, tracking_page.HEADERS, 404)
    except TooMany as refusal:
        page = tracking_page.render_slow_down(language)
        headers = tracking_page.HEADERS | refusal.headers
        return html_response(request, page, headers, refusal.status)
    offers = await read_offers(session, token, settings)
    page = tracking_page.render_view(view, settings.timezone, language, offers)
    return html_response(request, page, tracking_page.HEADERS)


@get("/t/{token:str}/status", guards=[public], include_in_schema=False)
async def send_tracking_status(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> Response[TrackingStatus]:
    """What has changed since the page was loaded."""
    view = await _look_up(session, token, request)
    language = language_of(request.headers.get("accept-language", ""), lang)
    status = tracking_page.status_of(view, settings.timezone, language)
    return Response(status, headers=tracking_page.HEADERS)


@get("/t/{token:str}/events", guards=[public], include_in_schema=False)
async def send_tracking_events(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> ServerSentEvent:
    """The same as it changes, for browsers whose network lets no socket through."""
    followers: Followers = request.app.state.followers
    followers.admit(token)
    async with db.transaction() as session:
        await _look_up(session, token, request)
    language = language_of(request.headers.get("accept-language", ""), lang)

    async def tell() -> AsyncIterator[str]:
        with followers.held(token):
            async for status in follow(db, token, settings.timezone, language):
                yield msgspec.json.encode(status).decode()

    return ServerSentEvent(tell(), retry_duration=5000, headers=tracking_page.HEADERS)


async def _look_up(
    session: AsyncSession, token: str, request: Request[Any, Any, Any]
) -> PublicView:
    guess_limit, address = limit_of(request), address_of(request)
    guess_limit.admit(address, token)
    try:
        view = await public_view(session, token)
    except TrackingLinkUnknown:
        guess_limit.count_wrong_guess(address, token)
        raise
    guess_limit.count_right(token)
    return view


def _built_page(name: str) -> Response[bytes]:
    page = BUILT / name
    if not page.is_file():
        raise PagesNotBuilt
    return Response(page.read_bytes(), media_type=HTML, headers=CONSOLE_HEADERS)


ROUTES = [
    go_to_console,
    show_console,
    show_login,
    send_asset,
    send_tile,
    show_tracking,
    send_tracking_status,
    send_tracking_events,
    *CUSTOMER_PAGES,
]
