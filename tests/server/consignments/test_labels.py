"""Labels, read back as a scanner and a printer would."""

import re
import sys
from collections.abc import Sequence

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageChops

from server.consignments.labels import Label, label_pdf
from server.consignments.labels_zpl import HEIGHT, MARGIN, WIDTH, escape, label_zpl, width_of

A6_POINTS = (297.6, 419.5)
SSCC = "395012345000000011"

LONG_GERMAN = (
    "Österreichische Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamten"
    "gesellschaft mbH & Co. Kommanditgesellschaft auf Aktien "
) * 3
LONG_ARABIC = "محمد عبد الرحمن بن عبد الله آل سعود القحطاني " * 8

HOSTILE = (
    '#set page(width: 1cm) #panic("x") $x$ *b* _i_ `c` \\ // /* <label> @ref [ ] { } "',
    "^XZ^XA^FO0,0^GB999,999,999^FS~JA_5E",
    "\x00\x1b\u202egnp.exe\u2066\n\r\t\u2028",
    "مرحبا\u202e <svg onload=alert(1)> &amp;",
    "中文 ไทย हिन्दी 😀 \ud83d",
)


def a_label(**details: object) -> Label:
    values: dict[str, object] = {
        "barcode": "PR0000000017001",
        "waybill": "PR0000000017",
        "piece": 1,
        "pieces": 3,
        "consignee": "Ada Lovelace",
        "place_line": "Hauptstrasse 12, 9490 Vaduz",
        "phone": "+423 123 45 67",
        "weight_g": 1200,
        "sender": "Acme",
    }
    return Label(**(values | details))  # type: ignore[arg-type]


async def pages_of(labels: Sequence[Label], *, dpi: int = 203) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(await label_pdf(labels))
    for page in document:
        assert page.get_size() == pytest.approx(A6_POINTS, abs=1)
    return [page.render(scale=dpi / 72).to_pil().convert("RGB") for page in document]


async def text_of(label: Label) -> str:
    (page,) = pypdfium2.PdfDocument(await label_pdf([label]))
    shown: str = page.get_textpage().get_text_range()
    return shown


def codes_on(page: Image.Image) -> dict[str, str]:
    """Symbology identifier -> what it says."""
    return {each.symbology_identifier: each.text for each in zxingcpp.read_barcodes(page)}


async def test_every_code_on_a_label_is_read_back_at_a_label_printers_resolution() -> None:
    labels = [a_label(barcode=f"PR00000000{number:02d}001") for number in range(20)]
    pages = await pages_of(labels)
    for label, page in zip(labels, pages, strict=True):
        assert codes_on(page) == {"]C0": label.barcode, "]Q1": label.barcode}


async def test_an_sscc_is_a_gs1_128_and_the_square_code_still_names_the_parcel() -> None:
    (page,) = await pages_of([a_label(sscc=SSCC)])
    assert codes_on(page) == {"]C1": f"(00){SSCC}", "]Q1": "PR0000000017001"}


@pytest.mark.parametrize("barcode", ["x" * 200, "Ünïcode-7", "a>b^c~d_e", "包裹1"])
async def test_a_barcode_that_no_line_code_can_hold_is_in_the_square_one(barcode: str) -> None:
    (page,) = await pages_of([a_label(barcode=barcode)], dpi=300)
    codes = codes_on(page)
    assert barcode in codes.values()
    assert set(codes.values()) == {barcode}


@pytest.mark.parametrize("words", HOSTILE)
async def test_whatever_a_person_typed_is_printed_and_not_obeyed(words: str) -> None:
    fields = ("consignee", "place_line", "phone", "instructions", "sender", "run", "service_level")
    words = words.encode("utf-8", "ignore").decode()
    labels = [a_label(**dict.fromkeys(fields, words), cash=words), a_label()]
    pages = await pages_of(labels)
    assert len(pages) == 2
    for page in pages:
        assert codes_on(page) == {"]C0": "PR0000000017001", "]Q1": "PR0000000017001"}


async def test_template_code_in_a_name_is_text() -> None:
    name = "#set page(fill: red) *Ada*"
    assert name in await text_of(a_label(consignee=name))


@pytest.mark.parametrize("words", [LONG_GERMAN, LONG_ARABIC, "W" * 300, "i" * 900])
async def test_long_names_are_cut_with_a_sign_and_stay_on_the_label(words: str) -> None:
    names = ("consignee", "place_line", "phone", "instructions", "sender", "from_line")
    boxes = ("window", "run", "depot", "stop", "cash", "service_level")
    label = a_label(**dict.fromkeys((*names, *boxes), words), is_return=True)
    (page,) = await pages_of([label])
    assert set(codes_on(page).values()) == {label.barcode}
    white = Image.new("RGB", page.size, "white")
    inked = ImageChops.difference(page, white).getbbox()
    assert inked is not None
    margin = round(3.5 / 25.4 * 203)
    assert margin <= inked[0] and inked[2] <= page.width - margin
    assert margin <= inked[1] and inked[3] <= page.height - margin
    shown = await text_of(label)
    cut = shown.replace("...", "…").count("…")  # right to left, it is read as three dots
    assert cut >= len(names) + len(boxes) - 2


async def test_what_fits_is_not_cut() -> None:
    shown = await text_of(a_label(consignee="Bauunternehmung Maximilian Hohenwarter & Söhne"))
    assert "…" not in shown
    assert "Hohenwarter" in shown


async def test_a_script_that_our_fonts_lack_is_seen_to_be_missing() -> None:
    empty, chinese = await pages_of([a_label(consignee=""), a_label(consignee="王小明")])
    assert ImageChops.difference(empty, chinese).getbbox() is not None


async def test_the_same_label_is_the_same_file() -> None:
    assert await label_pdf([a_label()]) == await label_pdf([a_label()])


class Printed(list[tuple[int, int, str, str]]):
    """What a label printer would make of it: x, y, font or code, data."""


def run_zpl(zpl: str) -> list[Printed]:
    """A printer that knows the commands we use, and no others."""
    assert zpl.isascii()
    formats: list[Printed] = []
    x = y = 0
    font, in_hex, data, reading = "", False, "", False
    for command in re.findall(r"[\^~][^\^~]*", zpl):
        name, rest = command[:3], command[3:].rstrip("\n")
        assert name[0] == "^", f"a control command: {command}"
        if name == "^XA":
            formats.append(Printed())
        elif name == "^FO":
            x, y = map(int, rest.split(","))
            font, in_hex, data, reading = "", False, "", False
        elif name in ("^BC", "^BQ", "^GB") or name.startswith("^A"):
            font = command.split("\n")[0]
        elif name == "^FH":
            in_hex = True
        elif name == "^FD":
            data, reading = rest, True
        elif name == "^FS":
            if reading:
                assert in_hex
                raw = re.sub(
                    rb"_([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), data.encode()
                )
                formats[-1].append((x, y, font, raw.decode()))
        else:
            assert name in ("^CI", "^CW", "^PA", "^PW", "^LL", "^LH", "^BY", "^FR", "^XZ"), command
    return formats


def code_128(data: str) -> str:
    """What a Code 128 of this field data reads as; FNC1 as <F>."""
    meanings = {">;": "", ">8": "<F>", ">0": ">"}
    return re.sub(">.", lambda found: meanings[found[0]], data)


def test_the_printers_language_says_the_same() -> None:
    (printed,) = run_zpl(label_zpl([a_label(cash="12.50 EUR", stop="7", run="Bo")]))
    said = [data for *_, data in printed]
    for expected in ("Ada Lovelace", "+423 123 45 67", "1/3", "1.2 kg", "12.50 EUR", "7", "Bo"):
        assert expected in said
    codes = {font[:3]: data for _, _, font, data in printed if font.startswith("^B")}
    assert codes == {"^BQ": "QA,PR0000000017001", "^BC": "PR0000000017001"}


def test_gs1_128_begins_with_fnc1_for_the_printer() -> None:
    (printed,) = run_zpl(label_zpl([a_label(sscc=SSCC)]))
    (data,) = [data for _, _, font, data in printed if font.startswith("^BC")]
    assert data == f">;>800{SSCC}"
    assert code_128(data) == f"<F>00{SSCC}"


@pytest.mark.parametrize("letters", [5, 15, 20, 30, 60, 200])
def test_the_printers_line_code_has_its_quiet_zones_or_is_left_out(letters: int) -> None:
    zpl = label_zpl([a_label(barcode="x" * letters)])
    found = re.search(r"\^FO(\d+),\d+\^BY(\d)\^BCN", zpl)
    if letters > 27:
        assert found is None
        return
    assert found is not None
    left, dots = int(found[1]), int(found[2])
    width = (11 * (letters + 2) + 13) * dots
    assert left >= 10 * dots and left + width + 10 * dots <= WIDTH


def test_an_escape_of_the_printers_code_128_is_escaped() -> None:
    (printed,) = run_zpl(label_zpl([a_label(barcode="A>8^~_B")]))
    codes = {font[:3]: data for _, _, font, data in printed if font.startswith("^B")}
    assert code_128(codes["^BC"]) == "A>8^~_B"
    assert codes["^BQ"] == "QA,A>8^~_B"


@pytest.mark.parametrize("words", [*HOSTILE, LONG_GERMAN, LONG_ARABIC, "W" * 300])
def test_no_words_become_a_command_or_leave_the_label(words: str) -> None:
    words = words.encode("utf-8", "ignore").decode()
    names = ("consignee", "place_line", "phone", "instructions", "sender", "from_line", "access")
    boxes = ("window", "run", "depot", "stop", "cash", "service_level")
    zpl = label_zpl([a_label(**dict.fromkeys((*names, *boxes), words)), a_label()])
    formats = run_zpl(zpl)
    assert len(formats) == 2
    plain = run_zpl(label_zpl([a_label()]))
    assert formats[1] == plain[0]
    for x, y, font, data in formats[0]:
        assert MARGIN <= x < WIDTH and 0 < y < HEIGHT
        if font.startswith("^A"):
            size = int(font.split(",")[1])
            assert x + width_of(data, size) <= WIDTH - MARGIN + 10, data
            assert y + size <= HEIGHT
    for (_, y, font, _), (_, below, other, _) in zip(formats[0], formats[0][1:], strict=False):
        if font.startswith("^A") and other == font and y < below < y + 60:
            assert below - y >= int(font.split(",")[1])


def test_every_byte_beyond_the_printable_is_hexadecimal() -> None:
    for code in range(0x110):
        if code in range(0xD800, 0xE000) or code > sys.maxunicode:
            continue
        escaped = escape(chr(code))
        assert re.fullmatch(r"(_[0-9A-F]{2})+|[ -~]", escaped)
        assert not set(escaped) & set("^~")
