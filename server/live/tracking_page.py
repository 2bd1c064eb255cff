"""The public tracking page as one small HTML document, and the news that keeps it current.

It works without JavaScript (it loads itself again), loads nothing from anywhere, and may run only
the one script and style beside this file, named by their hashes in the Content-Security-Policy.
"""

import base64
import hashlib
from datetime import datetime, tzinfo
from html import escape
from pathlib import Path

import msgspec

from server.accounts.service import Brand
from server.live.day_words import say_day
from server.live.public_tracking import PublicView, StreetView
from server.live.tracking_texts import LANGUAGES, TEXTS
from server.places.service import SKETCH_WIDTH

STYLE = Path(__file__).with_name("tracking_page.css").read_text()
SCRIPT = Path(__file__).with_name("tracking_page.js").read_text()

RELOAD_S = 20
PATH_ORDER = ("green", "water", "stream", "rail", "minor", "secondary", "primary", "motorway")
"""What is drawn first lies below."""


def source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_hash(STYLE)}; script-src {source_hash(SCRIPT)}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """What the page offers beside the news. link: its own address, without a query.
    stars: given already; None where nothing is to be rated yet if not may_rate."""

    link: str
    brand: Brand | None = None
    may_change: bool = False
    may_return: bool = False
    may_rate: bool = False
    has_proof: bool = False
    stars: int | None = None
    problem: str = ""


class TrackingStatus(msgspec.Struct, frozen=True):
    """What changes often on the page. courier: "x,y" in pixels of the sketch, at the time `seen`.

    revision: differs when the page itself has to be loaded again.
    """

    revision: str
    when: str
    stops: str
    courier: str | None
    seen: str
    updated: str


def status_of(view: PublicView, zone: tzinfo, language: str = "en") -> TrackingStatus:
    """The words and numbers of the page that change while somebody looks at it."""
    streets = view.streets
    shown = (
        view.step,
        view.is_next,
        view.is_planned,
        view.is_late,
        len(view.milestones),
        streets and (streets.sketch.half_m, streets.courier is None),
    )
    return TrackingStatus(
        revision=hashlib.sha256(repr(shown).encode()).hexdigest()[:12],
        when=_when(view, zone, TEXTS[language]),
        stops=_stops(view, TEXTS[language]),
        courier=f"{streets.courier[0]},{streets.courier[1]}"
        if streets and streets.courier
        else None,
        seen=_time(streets.courier_at, zone) if streets and streets.courier_at else "",
        updated=_time(view.seen_at, zone),
    )


def render_view(
    view: PublicView, zone: tzinfo, language: str = "en", offers: Offers | None = None
) -> str:
    """The page of a link that is valid."""
    offers = offers or Offers(link="")
    texts = TEXTS[language]
    status = status_of(view, zone, language)
    parts = [
        _head_of(offers.brand),
        f'<p class="dim">{_town(view, texts)}</p>',
        f"<h1>{_headline(view, texts)}</h1>",
    ]
    if note := texts.get(f"next_step_{view.step}"):
        parts.append(f"<p>{note}</p>")
    if status.when:
        label = texts["expected" if view.is_planned else "agreed"]
        parts.append(f'<p class="dim">{label}</p><p class="when" id="when">{status.when}</p>')
    if view.is_late:
        parts.append(f"<p>{texts['late']}</p>")
    if status.stops:
        parts.append(f'<p id="stops" role="status">{status.stops}</p>')
    parts.append(_offers(offers, texts))
    if view.streets:
        parts.append(_figure(view.streets, status, texts))
    parts.append(_timeline(view, zone, texts))
    parts.append(
        f'<p class="dim small">{texts["updated"]} <span id="updated">{status.updated}</span></p>'
        f'<p class="problem" id="problem" role="alert" hidden>{texts["not_updated"]}</p>'
    )
    parts.append(render_foot(offers, language))
    return _document(texts, "".join(parts), language, None if view.is_over else status.revision)


def _head_of(brand: Brand | None) -> str:
    """Whose parcel it is, in the colour of the account."""
    if brand is None:
        return ""
    return (
        f'<p class="brand"><svg viewBox="0 0 4 4" fill="{escape(brand.colour)}" aria-hidden="true">'
        f'<rect width="4" height="4"/></svg>{escape(brand.name)}</p>'
    )


def _offers(offers: Offers, texts: dict[str, str]) -> str:
    """What can be done now: change it, send it back, say how it was."""
    parts = []
    if offers.may_change:
        parts.append(
            f'<p><a class="act" href="{offers.link}/change">{texts["change"]}</a></p>'
            f'<p class="dim small">{texts["change_hint"]}</p>'
        )
    if offers.has_proof:
        parts.append(f'<p><a class="act" href="{offers.link}/proof">{texts["proof"]}</a></p>')
    if offers.stars is not None:
        parts.append(f'<p role="status">{texts["rated"].format(stars=offers.stars)}</p>')
    elif offers.may_rate:
        stars = "".join(
            f'<a class="act" href="{offers.link}/rating?stars={each}" '
            f'aria-label="{texts[f"stars_{each}"]}">{each} ★</a>'
            for each in range(1, 6)
        )
        parts.append(f'<h2>{texts["rate"]}</h2><p class="stars">{stars}</p>')
    if offers.may_return:
        parts.append(f'<p><a href="{offers.link}/return">{texts["return_goods"]}</a></p>')
    return "".join(parts)


def render_foot(offers: Offers, language: str) -> str:
    """Whom to ask, and the other languages."""
    texts = TEXTS[language]
    contact = ""
    if offers.brand and offers.brand.contact:
        told = texts["contact"].format(contact=escape(offers.brand.contact))
        contact = f'<p class="small">{told}</p>'
    links = " ".join(
        f'<a href="?lang={code}" lang="{code}">{name}</a>'
        for code, name in LANGUAGES.items()
        if code != language
    )
    return f'{contact}<nav class="small" aria-label="{texts["languages"]}">{links}</nav>'


def render_not_valid(language: str = "en") -> str:
    """One and the same page for a link that never was, has ended or was revoked."""
    return _notice("not_valid", language)


def render_slow_down(language: str = "en") -> str:
    return _notice("slow_down", language)


def _notice(name: str, language: str) -> str:
    texts = TEXTS[language]
    content = f"<h1>{texts[f'{name}_title']}</h1><p>{texts[name]}</p>"
    return _document(texts, content, language, None)


def _document(texts: dict[str, str], content: str, language: str, revision: str | None) -> str:
    """revision: of a page that keeps itself current; None for one that stays as it is."""
    refresh = f'<noscript><meta http-equiv="refresh" content="{RELOAD_S}"></noscript>'
    is_live = revision is not None
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><link rel="icon" href="data:,">'
        f"<title>{texts['title']}</title>{refresh if is_live else ''}<style>{STYLE}</style></head>"
        f'<body data-revision="{revision or ""}"><main>{content}</main>'
        f"{f'<script>{SCRIPT}</script>' if is_live else ''}</body></html>"
    )


def _headline(view: PublicView, texts: dict[str, str]) -> str:
    kind = "return" if view.is_return else "headline"
    step = "next" if view.is_next else view.step
    return texts.get(f"{kind}_{step}") or texts[f"headline_{step}"]


def _town(view: PublicView, texts: dict[str, str]) -> str:
    title = texts["title_return" if view.is_return else "title"]
    if not view.town:
        return title
    town = texts["town_return" if view.is_return else "town"].format(town=escape(view.town))
    return f"{title} · {town}"


def _when(view: PublicView, zone: tzinfo, texts: dict[str, str]) -> str:
    """The window in the company's time; the day only when it is another one than today."""
    if view.expected_from_at is None or view.expected_until_at is None:
        return ""
    start, end = view.expected_from_at.astimezone(zone), view.expected_until_at.astimezone(zone)
    first, last = _rounded(start), _rounded(end)
    times = first if first == last else f"{first}–{last}"
    today = view.seen_at.astimezone(zone).date()
    return times if start.date() == today else f"{say_day(start, texts)}, {times}"


def _time(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _rounded(at: datetime) -> str:
    """To five minutes: nobody can promise more."""
    minutes = (at.hour * 60 + at.minute + 2) // 5 * 5 % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _stops(view: PublicView, texts: dict[str, str]) -> str:
    if view.is_over or view.stops_before is None:
        return ""
    key = f"stops_{view.stops_before}"
    return texts.get(key) or texts["stops_n"].format(count=view.stops_before)


def _figure(streets: StreetView, status: TrackingStatus, texts: dict[str, str]) -> str:
    paths = "".join(
        f'<path class="{name}" d="{streets.sketch.paths[name]}"/>'
        for name in PATH_ORDER
        if name in streets.sketch.paths
    )
    x, y = streets.door
    marks = f'<circle id="door" cx="{x}" cy="{y}" r="9"/>'
    keys = f"<li>{texts['door']}</li>"
    if status.courier:
        marks += (
            f'<g id="courier" transform="translate({status.courier})">'
            '<circle class="about" r="26"/><circle class="van" r="9"/></g>'
        )
        keys += f'<li class="away">{texts["courier"]} <span id="seen">{status.seen}</span></li>'
    label = texts["map_with_courier" if status.courier else "map"]
    return (
        f'<figure><svg viewBox="0 0 {SKETCH_WIDTH} {SKETCH_WIDTH}" role="img" '
        f'aria-label="{label}">{paths}{marks}</svg><ul class="keys small">{keys}</ul>'
        f'<figcaption class="dim small">{texts["map_credit"]}</figcaption></figure>'
    )


def _timeline(view: PublicView, zone: tzinfo, texts: dict[str, str]) -> str:
    if not view.milestones:
        return ""
    items = ""
    for each in reversed(view.milestones):
        at = each.occurred_at.astimezone(zone)
        items += (
            f"<li>{texts[f'step_{each.step}']}"
            f'<time datetime="{each.occurred_at:%Y-%m-%dT%H:%MZ}">'
            f"{say_day(at, texts)}, {at:%H:%M}</time></li>"
        )
    return f"<h2>{texts['timeline']}</h2><ol>{items}</ol>"
