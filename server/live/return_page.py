"""The return page as one small HTML document of plain forms: it runs no script at all, loads
nothing from anywhere, and sends only to itself."""

from datetime import datetime, tzinfo
from html import escape
from pathlib import Path

from server.kit.money import Money
from server.live.return_texts import TEXTS
from server.live.self_service import NOTE_MAX, PHOTOS_MAX, OwnReturn, SelfService
from server.live.tracking_page import HEADERS as TRACKING_HEADERS
from server.live.tracking_page import STYLE as TRACKING_STYLE
from server.live.tracking_page import source_hash
from server.returns.service import ReturnableGoods, ReturnReason

STYLE = TRACKING_STYLE + Path(__file__).with_name("return_page.css").read_text()

HEADERS = {
    **TRACKING_HEADERS,
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {source_hash(STYLE)}; img-src data:; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    # The forms send to this address alone, and say so to us; nobody else learns of it.
    "Referrer-Policy": "same-origin",
}

Fields = dict[str, str]


def render_return_page(
    found: SelfService,
    zone: tzinfo,
    language: str,
    *,
    key: str,
    entered: Fields | None = None,
    problem: str = "",
    is_sent: bool = False,
) -> str:
    """key: makes sending this form twice one request. entered: what the customer filled in before
    `problem` (the code of a refusal) arose."""
    texts, entered = TEXTS[language], entered or {}
    parts = [f"<h1>{texts['title']}</h1>"]
    if problem:
        sentence = texts.get(problem, texts["other"])
        parts.append(
            f'<div class="problem" role="alert"><strong>{texts["problem"]}</strong>'
            f"<p>{sentence}</p></div>"
        )
    elif is_sent:
        parts.append(f'<p class="thanks" role="status">{texts["sent"]}</p>')
    if found.returns:
        parts.append(f"<h2>{texts['yours']}</h2>")
        parts += [_card(each, found, zone, texts) for each in found.returns]
    if found.goods:
        parts.append(_form(found, texts, language, key, entered))
    elif not found.returns:
        parts.append(f"<p>{texts['nothing']}</p><p class='dim'>{texts['nothing_hint']}</p>")
    return _document(texts, "".join(parts), language)


def render_notice(name: str, language: str) -> str:
    """name: not_valid or slow_down."""
    texts = TEXTS[language]
    content = f"<h1>{texts[f'{name}_title']}</h1><p>{texts[name]}</p>"
    return _document(texts, content, language)


def _document(texts: dict[str, str], content: str, language: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><link rel="icon" href="data:,">'
        f"<title>{texts['title']}</title><style>{STYLE}</style></head>"
        f"<body><main>{content}</main></body></html>"
    )


def _form(
    found: SelfService, texts: dict[str, str], language: str, key: str, entered: Fields
) -> str:
    lines = "".join(_line(each, found.reasons, texts, language, entered) for each in found.goods)
    with_photo = [_text(each, language) for each in found.reasons if each.photo_required]
    hint = texts["photo_hint"].format(reasons=escape(", ".join(with_photo)))
    described = ' aria-describedby="photo-hint"' if with_photo else ""
    return (
        f'<form method="post" enctype="multipart/form-data"><p>{texts["intro"]}</p>'
        f'<input type="hidden" name="key" value="{escape(key)}">{lines}'
        f'<label for="note">{texts["note"]} <span class="dim">({texts["optional"]})</span></label>'
        f'<textarea id="note" name="note" rows="3" maxlength="{NOTE_MAX}">'
        f"{escape(entered.get('note', ''))}</textarea>"
        f'<label for="photos">{texts["photos"].format(most=PHOTOS_MAX)}</label>'
        f'<input id="photos" name="photos" type="file" multiple{described}'
        ' accept="image/jpeg,image/png,image/webp">'
        f"{f'<p class="dim small" id="photo-hint">{hint}</p>' if with_photo else ''}"
        f"<button>{texts['send']}</button></form>"
    )


def _line(
    line: ReturnableGoods,
    reasons: tuple[ReturnReason, ...],
    texts: dict[str, str],
    language: str,
    entered: Fields,
) -> str:
    number = line.order_line
    units = entered.get(f"units-{number}", "0")
    units = units if units.isascii() and units.isdecimal() and len(units) < 7 else "0"
    chosen = entered.get(f"reason-{number}", "")
    options = "".join(
        f'<option value="{each.code}"{" selected" if each.code == chosen else ""}>'
        f"{escape(_text(each, language))}</option>"
        for each in reasons
    )
    return (
        f"<fieldset><legend>{escape(line.description or line.sku)}</legend>"
        f'<label for="units-{number}">{texts["units"].format(free=line.free)}</label>'
        f'<input id="units-{number}" name="units-{number}" type="number" inputmode="numeric" '
        f'min="0" max="{line.free}" value="{units}">'
        f'<label for="reason-{number}">{texts["reason"]}</label>'
        f'<select id="reason-{number}" name="reason-{number}">'
        f'<option value="">{texts["choose"]}</option>{options}</select></fieldset>'
    )


def _card(each: OwnReturn, found: SelfService, zone: tzinfo, texts: dict[str, str]) -> str:
    contents = "".join(f"<li>{escape(line)}</li>" for line in each.contents)
    told = texts[f"state_{each.state}"]
    more = ""
    if each.state == "approved":
        more = _ways(each, found, zone, texts)
    elif each.state == "booked" and each.pickup:
        window = _window(*each.pickup, zone, texts)
        more = f"<p>{texts['pickup_at'].format(window=window)}</p>{_label(each, texts)}"
    elif each.state == "booked" and each.is_drop_off:
        told_rma = texts["drop_off_booked"].format(rma=_whole(each.rma))
        more = f"<p>{told_rma}</p>{_label(each, texts)}"
    elif each.state == "resolved" and each.refund_minor and each.currency:
        amount = str(Money(each.refund_minor, each.currency)).replace(".", texts["decimal"])
        more = f"<p>{texts['refund'].format(amount=amount)}</p>"
    return (
        f'<section class="card"><h3>{escape(each.rma)}</h3><p>{told}</p>'
        f"{f'<ul>{contents}</ul>' if contents else ''}{more}</section>"
    )


def _label(each: OwnReturn, texts: dict[str, str]) -> str:
    """The link is relative to the page's own address."""
    return (
        f'<p><a class="button" href="return/{escape(each.rma)}/label.pdf" target="_blank" '
        'rel="noopener">'
        f"{texts['label']}</a></p>"
        f'<p class="dim small">{texts["label_hint"].format(rma=_whole(each.rma))}</p>'
    )


def _whole(words: str) -> str:
    """Never broken at the end of a line."""
    return f'<span class="whole">{escape(words)}</span>'


def _ways(each: OwnReturn, found: SelfService, zone: tzinfo, texts: dict[str, str]) -> str:
    pickups = "".join(
        _choice(start_at.isoformat(), _window(start_at, end_at, zone, texts))
        for start_at, end_at in (found.windows if found.can_collect else ())
    )
    return (
        f'<form method="post"><fieldset><legend>{texts["way"]}</legend>'
        f'<input type="hidden" name="rma" value="{escape(each.rma)}">'
        f"{f'<p>{texts["way_pickup"]}:</p>{pickups}<hr>' if pickups else ''}"
        f"{_choice('drop_off', texts['way_drop_off'])}</fieldset>"
        f"<button>{texts['book']}</button></form>"
    )


def _choice(value: str, words: str) -> str:
    return (
        '<label class="choice"><input type="radio" name="way" required '
        f'value="{value}">{words}</label>'
    )


def _window(start_at: datetime, end_at: datetime, zone: tzinfo, texts: dict[str, str]) -> str:
    start, end = start_at.astimezone(zone), end_at.astimezone(zone)
    return texts["window"].format(
        weekday=texts["weekdays"].split()[start.weekday()],
        day=start.day,
        month=texts["months"].split()[start.month - 1],
        start=f"{start:%H:%M}",
        end=f"{end:%H:%M}",
    )


def _text(reason: ReturnReason, language: str) -> str:
    said = {"de": reason.text_de, "es": reason.text_es}
    return said.get(language) or reason.text_en
