"""The address of the return page: a tracking link, and `/return` behind it."""

import secrets
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.service import TrackingLinkUnknown, label_pdf
from server.identity.access import public
from server.kit.blobs import Blobs
from server.kit.errors import Invalid, PostriderError, TooMany
from server.kit.settings import Settings
from server.live.guess_limit import GuessLimit
from server.live.html import html_response
from server.live.return_page import HEADERS, render_notice, render_return_page
from server.live.self_service import (
    PHOTOS_MAX,
    NotOfThisParcel,
    ask,
    choose_way,
    return_labels,
    self_service,
)
from server.live.tracking_texts import language_of
from server.returns import service as returns

PDF = "application/pdf"
FIELDS_MAX = 500
PHOTO_BYTES_MAX = 8 * 1024 * 1024

Form = dict[str, str]


class TooManyPhotos(Invalid):
    """At most 5 photos of 8 MB each."""

    code = "too_many_photos"


@get("/t/{token:str}/return", guards=[public], include_in_schema=False)
async def show_return_page(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    sent: FromQuery[bool] = False,
) -> Response[bytes]:
    """The goods of one consignment, for whoever has the link."""
    return await _answer(request, session, settings, token, is_sent=sent)


@post("/t/{token:str}/return", guards=[public], include_in_schema=False, status_code=200)
async def take_return_form(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    blobs: NamedDependency[Blobs],
) -> Response[Any]:
    """What the customer sends: which goods come back, or how. Refused, the page says why."""
    fields: Form = {}
    try:
        _limit(request).admit(_address(request))
        async with session.begin_nested():
            await self_service(session, token, settings.timezone)  # before anything is read or kept
            fields, files = await _read_form(request)
            if "rma" in fields:
                way = fields.get("way", "")
                await choose_way(session, token, fields["rma"], way, settings.timezone)
            else:
                photos = [await returns.keep_photo(blobs, content) for content in files]
                await ask(session, token, fields, photos)
    except (TrackingLinkUnknown, TooMany):
        return await _answer(request, session, settings, token)
    except PostriderError as refusal:
        _limit(request).count_wrong_guess(_address(request))
        return await _answer(request, session, settings, token, refusal=refusal, entered=fields)
    return Redirect(f"/t/{token}/return?sent=true", status_code=303)


@get("/t/{token:str}/return/{rma:str}/label.pdf", guards=[public], include_in_schema=False)
async def show_return_label(
    token: FromPath[str],
    rma: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """The label of a return that was arranged behind this link, to be stuck on its parcel."""
    try:
        _limit(request).admit(_address(request), token)
        labels = await return_labels(session, token, rma, settings)
    except (TrackingLinkUnknown, TooMany):
        return await _answer(request, session, settings, token)
    except NotOfThisParcel as refusal:
        _limit(request).count_wrong_guess(_address(request))
        return await _answer(request, session, settings, token, refusal=refusal)
    return Response(await label_pdf(labels), media_type=PDF, headers=HEADERS)


async def _answer(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    settings: Settings,
    token: str,
    *,
    refusal: PostriderError | None = None,
    entered: Form | None = None,
    is_sent: bool = False,
) -> Response[bytes]:
    language = language_of(request.headers.get("accept-language", ""))
    try:
        _limit(request).admit(_address(request), token)
        found = await self_service(session, token, settings.timezone)
    except TrackingLinkUnknown:
        _limit(request).count_wrong_guess(_address(request), token)
        return html_response(request, render_notice("not_valid", language), HEADERS, 404)
    except TooMany as slow_down:
        notice = render_notice("slow_down", language)
        return html_response(request, notice, HEADERS | slow_down.headers, slow_down.status)
    page = render_return_page(
        found,
        settings.timezone,
        language,
        key=secrets.token_hex(16),
        entered=entered,
        problem=refusal.code if refusal else "",
        is_sent=is_sent,
    )
    return html_response(request, page, HEADERS, refusal.status if refusal else 200)


async def _read_form(request: Request[Any, Any, Any]) -> tuple[Form, list[bytes]]:
    """The fields, and the bytes of the files that are not empty. An empty file input sends one."""
    form = await request.form()
    fields: Form = {}
    files: list[bytes] = []
    for name, value in list(form.multi_items())[:FIELDS_MAX]:
        if isinstance(value, UploadFile):
            content = await value.read(PHOTO_BYTES_MAX + 1)
            if content:
                files.append(content)
        elif isinstance(value, str):
            fields[str(name)] = value
    if len(files) > PHOTOS_MAX or any(len(each) > PHOTO_BYTES_MAX for each in files):
        raise TooManyPhotos
    return fields, files


def _limit(request: Request[Any, Any, Any]) -> GuessLimit:
    limit: GuessLimit = request.app.state.guess_limit
    return limit


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else "unknown"


RETURN_PAGES = [show_return_page, take_return_form, show_return_label]
