"""The pages on which a customer changes a delivery and rates it: plain forms, no script, sent only
to themselves."""

from datetime import tzinfo
from html import escape

from server.live.day_words import say_day
from server.live.return_page import HEADERS, STYLE
from server.live.tracking_page import Offers, render_foot
from server.live.tracking_texts import TEXTS
from server.live.wishes import DETAIL_MAX, NOTE_MAX, Choices

__all__ = ["HEADERS", "render_change", "render_document", "render_rating"]

Fields = dict[str, str]


def render_change(
    choices: Choices,
    offers: Offers,
    zone: tzinfo,
    language: str,
    *,
    entered: Fields | None = None,
    is_saved: bool = False,
) -> str:
    """entered: what the customer filled in before offers.problem arose."""
    texts = TEXTS[language]
    parts = [f"<h1>{texts['change_title']}</h1>"]
    if offers.problem:
        sentence = texts.get(offers.problem, texts["other"])
        parts.append(f'<p class="problem" role="alert">{sentence}</p>')
    elif is_saved:
        parts.append(f'<p class="thanks" role="status">{texts["saved"]}</p>')
    if choices.is_open:
        parts.append(_form(choices, zone, texts, entered or _entered(choices)))
    elif not offers.problem:
        parts.append(f"<p>{texts['too_late']}</p>")
    return render_document(parts, offers, language, texts["change_title"])


def render_rating(offers: Offers, language: str, *, stars: str = "", comment: str = "") -> str:
    """stars: chosen already, "1" to "5"."""
    texts = TEXTS[language]
    parts = [f'<h1 id="rate">{texts["rate"]}</h1>']
    if offers.problem or not offers.may_rate:
        sentence = texts.get(offers.problem or "not_delivered", texts["other"])
        parts.append(f'<p class="problem" role="alert">{sentence}</p>')
    if offers.may_rate:
        radios = "".join(
            f'<label class="choice"><input type="radio" name="stars" value="{each}"'
            f"{' checked' if str(each) == stars else ''}>{texts[f'stars_{each}']}</label>"
            for each in range(1, 6)
        )
        parts.append(
            f'<form method="post"><fieldset aria-labelledby="rate">{radios}</fieldset>'
            f'<label for="comment">{texts["comment"]}</label>'
            f'<textarea id="comment" name="comment" rows="2" maxlength="{NOTE_MAX}">'
            f"{escape(comment)}</textarea><button>{texts['rate_send']}</button></form>"
        )
    return render_document(parts, offers, language, texts["rate"])


def _entered(choices: Choices) -> Fields:
    """What was wished last stands in the form."""
    wish = choices.wish
    if wish is None:
        return {}
    window = wish.window[0].isoformat() if wish.window else ""
    point = str(wish.pickup_point_id or "")
    detail = "" if point else wish.detail
    return {
        "place": wish.place,
        "detail": detail,
        "note": wish.note,
        "window": window,
        "point": point,
    }


def _form(choices: Choices, zone: tzinfo, texts: dict[str, str], entered: Fields) -> str:
    return (
        f'<form method="post">{_days(choices, zone, texts, entered)}'
        f"{_places(choices, texts, entered)}"
        f'<label for="note">{texts["note"]}</label>'
        f'<textarea id="note" name="note" rows="2" maxlength="{NOTE_MAX}">'
        f"{escape(entered.get('note', ''))}</textarea>"
        f"<button>{texts['save']}</button></form>"
    )


def _days(choices: Choices, zone: tzinfo, texts: dict[str, str], entered: Fields) -> str:
    if not choices.windows:
        return f'<p class="dim">{texts["day_settled"]}</p>'
    offered = [("", texts["day_kept"])]
    for start_at, end_at in choices.windows:
        start, end = start_at.astimezone(zone), end_at.astimezone(zone)
        day = say_day(start, texts)
        offered.append((start_at.isoformat(), f"{day}, {start:%H:%M}–{end:%H:%M}"))
    chosen = entered.get("window", "")
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{label}</option>'
        for value, label in offered
    )
    return (
        f'<label for="window">{texts["day"]}</label>'
        f'<select id="window" name="window">{options}</select>'
    )


def _places(choices: Choices, texts: dict[str, str], entered: Fields) -> str:
    if choices.places == ("door",):
        return f'<p class="dim">{texts["in_person"]}</p>'
    chosen = entered.get("place") or "door"
    radios = "".join(
        f'<label class="choice"><input type="radio" name="place" value="{place}"'
        f"{' checked' if place == chosen else ''}>{texts[f'place_{place}']}</label>"
        for place in choices.places
    )
    return (
        f"<fieldset><legend>{texts['where']}</legend>{radios}{_points(choices, texts, entered)}"
        f'<label for="detail">{texts["detail"]}</label>'
        f'<input type="text" id="detail" name="detail" maxlength="{DETAIL_MAX}" '
        f'value="{escape(entered.get("detail", ""))}"></fieldset>'
    )


def _points(choices: Choices, texts: dict[str, str], entered: Fields) -> str:
    if not choices.points:
        return ""
    chosen = entered.get("point", "")
    options = "".join(
        f'<option value="{point.id}"{" selected" if str(point.id) == chosen else ""}>'
        f"{escape(', '.join(filter(None, (point.name, point.line, point.hours))))}</option>"
        for point in choices.points
    )
    return (
        f'<label for="point">{texts["which_point"]}</label>'
        f'<select id="point" name="point">{options}</select>'
    )


def render_document(parts: list[str], offers: Offers, language: str, title: str) -> str:
    content = "".join(parts)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{content}"
        f'<p><a href="{offers.link}">{TEXTS[language]["back"]}</a></p>'
        f"{render_foot(offers, language)}</main></body></html>"
    )
