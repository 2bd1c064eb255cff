"""The return page: what whoever has the link may see and do, and what hostile input comes to."""

import re
from datetime import timedelta
from html import unescape

import httpx
import pypdfium2
import pytest
import zxingcpp

from server.consignments import service as consignments
from server.kit import clock
from server.kit.db import Database
from server.live.return_texts import EN
from server.live.return_texts_de import DE
from server.live.return_texts_es import ES
from server.returns import service as returns
from server.returns.service import ReturnReason
from tests.server.returns.conftest import Trade

PNG = b"\x89PNG\r\n\x1a\n and some pixels"


@pytest.fixture
async def trade(db: Database):
    trade = Trade(db)
    with clock.running(lambda: trade.now):
        await trade.open()
        yield trade
        await trade.prove()


async def link(trade: Trade, consignment_id) -> str:
    async with trade.db.transaction() as session:
        token = await consignments.open_tracking_link(
            session, consignment_id, expires_at=trade.now + timedelta(days=60)
        )
    return f"/t/{token}/return"


async def set_reason(trade: Trade, **fields) -> None:
    rule = {"code": "wrong_size", "text_en": "Too <small>", "text_de": "Zu klein"}
    async with trade.db.transaction() as session:
        reason = ReturnReason(**(rule | {"auto_approve": True} | fields))
        await returns.save_reason(session, reason, account_id=trade.account_id, by="test")


async def send(client: httpx.AsyncClient, url: str, fields: dict, files=()) -> httpx.Response:
    form = {"units-1": "1", "reason-1": "wrong_size"} | fields
    parts = [("photos", (f"{n}.png", content)) for n, content in enumerate(files)]
    return await client.post(url, data=form, files=parts or None)


async def test_goods_are_sent_back_without_any_script(trade, client):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=2, CUP=1)
    url = await link(trade, sent.id)
    page = await client.get(url)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    key = re.findall('name="key" value="([0-9a-f]+)"', page.text)[0]
    for _ in range(2):  # the button was pressed twice
        done = await send(client, url, {"units-1": "2", "key": key, "note": "it is\ntoo big"})
        assert (done.status_code, done.headers["location"]) == (303, f"{url}?sent=true")
    page = await client.get(f"{url}?sent=true")
    assert "Thank you" in page.text and "2 × TEA" in page.text
    assert "units-1" not in page.text and "units-2" in page.text, "nothing of line 1 is left"
    (rma,) = set(re.findall(r"RMA-\d+", page.text))
    (way, *_) = re.findall(r'name="way" required value="(2026[^"]+)"', page.text)
    booked = await client.post(url, data={"rma": rma, "way": unescape(way)})
    assert booked.status_code == 303
    assert "We collect it Tue 24 Nov, 08:00–13:00" in (await client.get(url)).text
    async with trade.db.transaction() as session:
        (made,) = await returns.list_returns(session, account_id=trade.account_id)
    assert (made.state, made.reason) == ("booked", "it is\ntoo big")


async def test_the_page_speaks_german_to_those_who_ask_for_it(trade, client):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=1)
    url = await link(trade, sent.id)
    german = await client.get(url, headers={"Accept-Language": "de-LI,de;q=0.9,en;q=0.1"})
    assert '<html lang="de">' in german.text and "Ware zurücksenden" in german.text
    assert "Zu klein" in german.text
    english = await client.get(url, headers={"Accept-Language": "x" * 5000})
    assert '<html lang="en">' in english.text and "Too &lt;small&gt;" in english.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es-MX", ("Devolver artículos", "No es de mi talla", "Elija, por favor")),
        ("de", ("Ware zurücksenden", "Passt nicht", "Bitte wählen")),
        ("fr", ("Return goods", "It does not fit", "Please choose")),
    ],
)
async def test_the_companys_own_reasons_are_told_in_the_readers_language(
    trade, client, language, words
):
    _, sent = await trade.sold(TEA=1)
    page = await client.get(await link(trade, sent.id), headers={"Accept-Language": language})
    for said in words:
        assert said in page.text


async def test_a_reason_without_a_spanish_text_is_told_in_english(trade, client):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=1)
    page = await client.get(await link(trade, sent.id), headers={"Accept-Language": "es"})
    assert "Too &lt;small&gt;" in page.text


def test_every_language_of_the_page_has_every_sentence():
    for words in (DE, ES):
        assert words.keys() == EN.keys()
    for name, english in EN.items():
        for words in (DE, ES):
            assert set(re.findall(r"{\w+}", words[name])) <= set(re.findall(r"{\w+}", english))
    for words in (EN, DE, ES):
        assert (len(words["weekdays"].split()), len(words["months"].split())) == (7, 12)


@pytest.mark.parametrize("way", ["drop_off", "pickup"])
async def test_an_arranged_return_has_a_label_that_a_scanner_reads(trade, client, way):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=1)
    url = await link(trade, sent.id)
    await send(client, url, {})
    page = (await client.get(url)).text
    (rma,) = set(re.findall(r"RMA-\d+", page))
    not_yet = await client.get(f"{url}/{rma}/label.pdf")
    assert (not_yet.status_code, not_yet.headers["content-type"][:9]) == (404, "text/html")
    if way == "pickup":
        way = unescape(re.findall(r'name="way" required value="(2026[^"]+)"', page)[0])
    await client.post(url, data={"rma": rma, "way": way})
    page = (await client.get(url)).text
    (link_to_label,) = re.findall(r'href="(return/[^"]+)"', page)
    label = await client.get(httpx.URL(f"http://testserver{url}").join(link_to_label))
    assert (label.status_code, label.headers["content-type"]) == (200, "application/pdf")
    assert label.headers["cache-control"] == "no-store"
    (sheet,) = pypdfium2.PdfDocument(label.content)
    text = sheet.get_textpage().get_text_range()
    assert "RETURN" in text and rma in text
    async with trade.db.transaction() as session:
        (made,) = await returns.list_returns(session, account_id=trade.account_id)
        coming = await consignments.get_consignment(session, made.consignment_id)
    read = {each.text for each in zxingcpp.read_barcodes(sheet.render(scale=3).to_pil())}
    assert read == {coming.parcels[0].barcode}


async def test_a_label_is_shown_to_nobody_but_who_has_the_link_of_its_parcel(trade, client):
    await set_reason(trade)
    _, mine = await trade.sold(TEA=1)
    theirs_order, _ = await trade.sold(CUP=1)
    other = await trade.send_back(theirs_order, (1, 1))
    url = await link(trade, mine.id)
    for address in (f"{url}/{other.rma}/label.pdf", f"/t/wrong/return/{other.rma}/label.pdf"):
        answer = await client.get(address)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (404, "text/html")


async def test_photos_are_kept_when_they_are_photos(trade, client, blobs):
    await set_reason(trade, photo_required=True)
    _, sent = await trade.sold(TEA=3)
    url = await link(trade, sent.id)
    assert "add a photo" in (await send(client, url, {})).text
    refused = await send(client, url, {}, files=[b"<svg onload=alert(1)>"])
    assert refused.status_code == 422 and "is no photo" in refused.text
    assert "too many photos" in (await send(client, url, {}, files=[PNG] * 6)).text
    assert (await send(client, url, {}, files=[PNG])).status_code == 303
    async with trade.db.transaction() as session:
        (made,) = await returns.list_returns(session, account_id=trade.account_id)
    (photo,) = made.lines[0].photos
    assert blobs.read(photo) == PNG


@pytest.mark.parametrize(
    "fields",
    [
        {"units-1": "0"},
        {"units-1": "-1"},
        {"units-1": "1e9"},
        {"units-1": "²"},
        {"units-1": "9" * 400},
        {"units-1": "99"},
        {"units-7": "1", "units-1": ""},
        {"reason-1": ""},
        {"reason-1": "' or 1=1 --"},
        {"reason-1": "x" * 10_000},
        {"rma": "RMA-000000", "way": "drop_off"},
        {"rma": "\x00", "way": "\x00"},
    ],
)
async def test_hostile_fields_are_refused_with_a_sentence_and_change_nothing(trade, client, fields):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=2)
    answer = await send(client, await link(trade, sent.id), fields)
    assert answer.status_code in (404, 409, 422), answer.text
    assert 'role="alert"' in answer.text
    async with trade.db.transaction() as session:
        assert await returns.list_returns(session, account_id=trade.account_id) == []


async def test_what_is_typed_is_shown_as_text_and_nul_is_left_out(trade, client):
    await set_reason(trade)
    _, sent = await trade.sold(TEA=1)
    url = await link(trade, sent.id)
    wild = '</textarea><script>alert("1")</script>\x00\u202e'
    refused = await send(client, url, {"units-1": "5", "note": wild})
    assert "<script" not in refused.text
    assert (await send(client, url, {"note": wild})).status_code == 303
    async with trade.db.transaction() as session:
        (made,) = await returns.list_returns(session, account_id=trade.account_id)
    assert "\x00" not in made.reason and "\u202e" not in made.reason


@pytest.mark.parametrize("body", [b"", b"--x", b"\xff\xfe", b"units-1=%ff&reason-1=%00"])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "image/png"])
async def test_bodies_that_are_no_form_do_no_harm(trade, client, body, kind):
    _, sent = await trade.sold(TEA=1)
    url = await link(trade, sent.id)
    answer = await client.post(url, content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500


async def test_a_link_shows_only_the_goods_and_returns_of_its_own_parcel(trade, client):
    await set_reason(trade)
    _, mine = await trade.sold(TEA=1)
    theirs_order, theirs = await trade.sold(CUP=1)
    other = await trade.send_back(theirs_order, (1, 1))
    url = await link(trade, mine.id)
    page = await client.get(url)
    assert "TEA" in page.text and "CUP" not in page.text and other.rma not in page.text
    answer = await client.post(url, data={"rma": other.rma, "way": "drop_off"})
    assert answer.status_code == 404
    assert theirs.waybill not in page.text


async def test_guessed_and_wrong_links_learn_nothing_and_are_slowed_down(trade, client):
    _, sent = await trade.went_out("out_for_delivery", TEA=1)
    page = await client.get(await link(trade, sent.id))
    assert "nothing of this parcel to send back" in page.text
    for method in ("GET", "POST"):
        answer = await client.request(method, "/t/wrong/return")
        assert (answer.status_code, "not valid" in answer.text) == (404, True)
    statuses = {(await client.get("/t/wrong/return")).status_code for _ in range(25)}
    assert statuses == {404, 429}
