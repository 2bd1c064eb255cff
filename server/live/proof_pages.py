"""The proof of a delivery for whoever has the link: when it was, and the photos of it."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import TrackingLinkUnknown
from server.identity.access import public
from server.kit.blobs import Blobs
from server.kit.errors import TooMany
from server.kit.pictures import show_picture
from server.kit.settings import Settings
from server.live import tracking_page
from server.live.change_page import render_document
from server.live.customer_pages import Language, address_of, limit_of, read_offers
from server.live.day_words import say_day
from server.live.delivery_photos import DeliveryPhoto, delivery_photos
from server.live.html import html_response
from server.live.return_page import STYLE
from server.live.tracking_page import Offers, source_hash
from server.live.tracking_texts import TEXTS, language_of

NOT_TO_BE_FOUND = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
HEADERS = {
    **NOT_TO_BE_FOUND,
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_hash(STYLE)}; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


@get("/t/{token:str}/proof", guards=[public], include_in_schema=False)
async def show_proof(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> Response[bytes]:
    language = language_of(request.headers.get("accept-language", ""), lang)
    limit, address = limit_of(request), address_of(request)
    try:
        limit.admit(address, token)
        offers = await read_offers(session, token, settings)
        consignment_id = await consignments.consignment_of_token(session, token)
    except TrackingLinkUnknown:
        limit.count_wrong_guess(address, token)
        page = tracking_page.render_not_valid(language)
        return html_response(request, page, tracking_page.HEADERS, 404)
    except TooMany as slow_down:
        page = tracking_page.render_slow_down(language)
        headers = tracking_page.HEADERS | slow_down.headers
        return html_response(request, page, headers, slow_down.status)
    photos = await delivery_photos(session, consignment_id)
    page = _render(photos.values(), offers, settings.timezone, language)
    return html_response(request, page, HEADERS)


@get("/t/{token:str}/proof/{sha256:str}", guards=[public], include_in_schema=False)
async def show_proof_photo(
    token: FromPath[str],
    sha256: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$")],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    blobs: NamedDependency[Blobs],
) -> Response[bytes]:
    """One photo, only by way of a link to its own parcel."""
    limit, address = limit_of(request), address_of(request)
    limit.admit(address, token)
    try:
        consignment_id = await consignments.consignment_of_token(session, token)
    except TrackingLinkUnknown:
        limit.count_wrong_guess(address, token)
        raise
    photo = (await delivery_photos(session, consignment_id)).get(sha256)
    if photo is None:
        raise TrackingLinkUnknown
    shown = show_picture(consignments.read_proof_file(blobs, photo.file))
    shown.headers.update(NOT_TO_BE_FOUND)
    return shown


def _render(photos: Iterable[DeliveryPhoto], offers: Offers, zone: tzinfo, language: str) -> str:
    texts = TEXTS[language]
    parts = [f"<h1>{texts['proof']}</h1>"]
    for photo in photos:
        at = photo.occurred_at.astimezone(zone)
        source, label = f"{offers.link}/proof/{photo.file.sha256}", texts["proof_photo"]
        day = say_day(at, texts)
        parts.append(f"<p>{texts['step_delivered']}: {day}, {at:%H:%M}</p>")
        parts.append(f'<p><img class="proof" src="{source}" alt="{label}"></p>')
    if not photos:
        parts.append(f"<p>{texts['no_proof']}</p>")
    return render_document(parts, offers, language, texts["proof"])


PROOF_PAGES = [show_proof, show_proof_photo]
