"""The addresses behind a tracking link under which a customer changes the delivery and rates it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import TrackingLinkUnknown
from server.identity.access import OFFICE, allow, public
from server.kit.errors import PostriderError, TooMany
from server.kit.settings import Settings
from server.live import change_page, tracking_page
from server.live.delivery_photos import delivery_photos
from server.live.guess_limit import GuessLimit
from server.live.html import html_response
from server.live.tracking_page import Offers
from server.live.tracking_texts import language_of
from server.live.wishes import (
    CustomerSaid,
    make_wish,
    rate,
    read_choices,
    stars_of,
    what_customer_said,
)
from server.returns import service as returns

FORM_BYTES_MAX = 16 * 1024

Language = Annotated[str, QueryParameter(name="lang", max_length=10)]
Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody with a link, and the language that they chose, if any."""

    request: Request[Any, Any, Any]
    session: AsyncSession
    settings: Settings
    token: str
    lang: str


@get("/t/{token:str}/change", guards=[public], include_in_schema=False)
async def show_change(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    saved: FromQuery[bool] = False,
    lang: Language = "",
) -> Response[bytes]:
    """What may still be changed about one delivery, for whoever has the link."""
    return await _change(Guest(request, session, settings, token, lang), is_saved=saved)


@post(
    "/t/{token:str}/change",
    guards=[public],
    include_in_schema=False,
    status_code=200,
    request_max_body_size=FORM_BYTES_MAX,
)
async def take_change(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> Response[Any]:
    """What the customer wishes. Refused, the page says why and keeps what was entered."""
    fields = await _read_form(request)
    try:
        limit_of(request).admit(address_of(request), token)
        async with session.begin_nested():
            await make_wish(session, token, fields, settings.timezone)
    except (TrackingLinkUnknown, TooMany):
        return await _change(Guest(request, session, settings, token, lang))
    except PostriderError as refusal:
        return await _change(
            Guest(request, session, settings, token, lang), refusal=refusal, entered=fields
        )
    more = _query(lang).replace("?", "&")
    return Redirect(f"/t/{token}/change?saved=true{more}", status_code=303)


@get("/t/{token:str}/rating", guards=[public], include_in_schema=False)
async def show_rating(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    stars: Annotated[str, QueryParameter(max_length=1)] = "",
    lang: Language = "",
) -> Response[bytes]:
    """How the customer found the delivery."""
    return await _rating(Guest(request, session, settings, token, lang), entered={"stars": stars})


@post(
    "/t/{token:str}/rating",
    guards=[public],
    include_in_schema=False,
    status_code=200,
    request_max_body_size=FORM_BYTES_MAX,
)
async def take_rating(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    lang: Language = "",
) -> Response[Any]:
    """Keep it, and go back to the parcel."""
    fields = await _read_form(request)
    try:
        limit_of(request).admit(address_of(request), token)
        async with session.begin_nested():
            await rate(session, token, fields)
    except (TrackingLinkUnknown, TooMany):
        return await _rating(Guest(request, session, settings, token, lang))
    except PostriderError as refusal:
        return await _rating(
            Guest(request, session, settings, token, lang), refusal=refusal, entered=fields
        )
    return Redirect(f"/t/{token}{_query(lang)}", status_code=303)


@get("/api/consignments/{consignment_id:uuid}/customer", guards=[allow(*OFFICE)])
async def get_customer_said(
    consignment_id: FromPath[UUID], session: NamedDependency[AsyncSession]
) -> CustomerSaid:
    """What the customer behind the tracking link wished, and how they rated the delivery."""
    return await what_customer_said(session, consignment_id)


async def read_offers(
    session: AsyncSession, token: str, settings: Settings, *, problem: str = ""
) -> Offers:
    """What can be done about the consignment behind a link, and in whose name.

    Raises
    ------
    TrackingLinkUnknown
    """
    consignment_id = await consignments.consignment_of_token(session, token)
    consignment = await consignments.get_consignment(session, consignment_id)
    is_delivered = consignment.state == "delivered" and consignment.kind != "return"
    goods = await returns.returnable_of(session, consignment_id) if is_delivered else []
    return Offers(
        link=f"/t/{token}",
        brand=await accounts.get_brand(session, consignment.account_id),
        may_change=(await read_choices(session, token, settings.timezone)).is_open,
        may_return=any(each.free for each in goods),
        may_rate=is_delivered,
        has_proof=is_delivered and bool(await delivery_photos(session, consignment_id)),
        stars=await stars_of(session, consignment_id) if is_delivered else None,
        problem=problem,
    )


async def _change(
    guest: Guest,
    *,
    refusal: PostriderError | None = None,
    entered: Fields | None = None,
    is_saved: bool = False,
) -> Response[bytes]:
    async def render(offers: Offers, language: str) -> str:
        zone = guest.settings.timezone
        choices = await read_choices(guest.session, guest.token, zone)
        return change_page.render_change(
            choices, offers, zone, language, entered=entered, is_saved=is_saved
        )

    return await _answer(guest, refusal, render)


async def _rating(
    guest: Guest,
    *,
    refusal: PostriderError | None = None,
    entered: Fields | None = None,
) -> Response[bytes]:
    typed = entered or {}

    async def render(offers: Offers, language: str) -> str:
        stars, comment = typed.get("stars", ""), typed.get("comment", "")
        return change_page.render_rating(offers, language, stars=stars, comment=comment)

    return await _answer(guest, refusal, render)


async def _answer(
    guest: Guest,
    refusal: PostriderError | None,
    render: Callable[[Offers, str], Awaitable[str]],
) -> Response[bytes]:
    """A page of a link that is valid; else the same one for every link that is not."""
    accepted = guest.request.headers.get("accept-language", "")
    language = language_of(accepted, guest.lang)
    limit, address = limit_of(guest.request), address_of(guest.request)
    try:
        limit.admit(address, guest.token)
        problem = refusal.code if refusal else ""
        offers = await read_offers(guest.session, guest.token, guest.settings, problem=problem)
    except TrackingLinkUnknown:
        limit.count_wrong_guess(address, guest.token)
        page = tracking_page.render_not_valid(language)
        return html_response(guest.request, page, tracking_page.HEADERS, 404)
    except TooMany as slow_down:
        page = tracking_page.render_slow_down(language)
        headers = tracking_page.HEADERS | slow_down.headers
        return html_response(guest.request, page, headers, slow_down.status)
    status = refusal.status if refusal else 200
    page = await render(offers, language)
    return html_response(guest.request, page, change_page.HEADERS, status)


def _query(lang: str) -> str:
    return f"?lang={language_of('', lang)}" if lang else ""


async def _read_form(request: Request[Any, Any, Any]) -> Fields:
    """The first value of each field; files are left alone."""
    form = await request.form()
    return msgspec.convert(
        {name: value for name, value in form.items() if isinstance(value, str)}, Fields
    )


def limit_of(request: Request[Any, Any, Any]) -> GuessLimit:
    limit: GuessLimit = request.app.state.guess_limit
    return limit


def address_of(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else "unknown"


CUSTOMER_PAGES = [show_change, take_change, show_rating, take_rating, get_customer_said]
