"""A small page for a shop's own site: who knows a parcel's number and postcode sees how far it is.

It needs no script. The frame may stand on any site, because it shows nothing private and has no
button that does anything.
"""

from datetime import tzinfo
from html import escape
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.accounts.service import Brand
from server.identity.access import public
from server.kit.errors import TooMany
from server.kit.inputs import ONE_LINE
from server.kit.settings import Settings
from server.live.customer_pages import Language, address_of, limit_of
from server.live.day_words import say_day
from server.live.html import html_response
from server.live.lookup import Answer, NothingKnown, look_up
from server.live.return_page import STYLE
from server.live.tracking_page import source_hash
from server.live.tracking_texts import TEXTS, language_of

SCRIPT = Path(__file__).with_name("lookup_script.js").read_text()

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_hash(STYLE)}; img-src data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors *"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
SCRIPT_HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}

Typed = Annotated[str, QueryParameter(max_length=60, pattern=ONE_LINE)]
Code = Annotated[str, PathParameter(max_length=40, pattern=ONE_LINE)]


@get("/embed/lookup.js", guards=[public], include_in_schema=False)
async def get_lookup_script() -> Response[str]:
    """What a shop puts into its page; see the script itself."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8", headers=SCRIPT_HEADERS)


@get("/embed/{account:str}", guards=[public], include_in_schema=False)
async def show_lookup(
    account: Code,
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    settings: NamedDependency[Settings],
    *,
    number: Typed = "",
    postcode: Typed = "",
    lang: Language = "",
) -> Response[bytes]:
    """The form, and under it what is known."""
    language = language_of(request.headers.get("accept-language", ""), lang)
    texts = TEXTS[language]
    found = await accounts.account_of_code(session, account.upper())
    if found is None:
        page = _page([f"<p>{texts['lookup_nothing']}</p>"], language)
        return html_response(request, page, HEADERS, 404)
    status = 200
    told = ""
    if number and postcode:
        limit, address, word = limit_of(request), address_of(request), f"{account} {number}"
        try:
            limit.admit(address, word)
            answer = await look_up(session, found.id, number=number, postcode=postcode)
            limit.count_right(word)
            told = _told(answer, settings.timezone, texts)
        except NothingKnown:
            limit.count_wrong_guess(address, word)
            status, told = 404, f'<p class="problem" role="alert">{texts["lookup_nothing"]}</p>'
        except TooMany as slow_down:
            told = f'<p class="problem" role="alert">{texts["lookup_slow_down"]}</p>'
            status = slow_down.status
    brand = await accounts.get_brand(session, found.id)
    parts = [_head(brand), _form(texts, number, postcode, lang), told]
    return html_response(request, _page(parts, language), HEADERS, status)


def _head(brand: Brand | None) -> str:
    if brand is None:
        return ""
    return (
        f'<p class="brand"><svg viewBox="0 0 4 4" fill="{escape(brand.colour)}" aria-hidden="true">'
        f'<rect width="4" height="4"/></svg>{escape(brand.name)}</p>'
    )


def _form(texts: dict[str, str], number: str, postcode: str, lang: str) -> str:
    kept = f'<input type="hidden" name="lang" value="{language_of("", lang)}">' if lang else ""
    fields = "".join(
        f'<label for="{name}">{texts[f"lookup_{name}"]}</label>'
        f'<input type="text" id="{name}" name="{name}" value="{escape(value)}" required '
        'maxlength="60" autocomplete="off">'
        for name, value in (("number", number), ("postcode", postcode))
    )
    title = texts["lookup_title"]
    return f"<h1>{title}</h1><form>{kept}{fields}<button>{texts['lookup_show']}</button></form>"


def _told(answer: Answer, zone: tzinfo, texts: dict[str, str]) -> str:
    kind = "return" if answer.is_return else "headline"
    headline = texts.get(f"{kind}_{answer.step}") or texts[f"headline_{answer.step}"]
    parts = [f'<div class="card" role="status"><h2>{headline}</h2>']
    if answer.expected_from_at and answer.expected_until_at:
        start = answer.expected_from_at.astimezone(zone)
        end = answer.expected_until_at.astimezone(zone)
        times = f"{say_day(start, texts)}, {start:%H:%M}–{end:%H:%M}"
        parts.append(f"<p>{texts['expected']}: {times}</p>")
    parts.append(f'<p class="dim small">{texts["updated"]} ')
    parts.append(f"{answer.seen_at.astimezone(zone):%H:%M}</p></div>")
    return "".join(parts)


def _page(parts: list[str], language: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><link rel="icon" href="data:,">'
        f"<title>{TEXTS[language]['lookup_title']}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


LOOKUP_PAGES = [get_lookup_script, show_lookup]
