"""Papers are set in whatever script a person writes, or say which letters they lack."""

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
import typst
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.kit import typeset
from server.kit.typeset import FONTS_DIR, name_letters, set_in_type

UNHEARD_OF = "\N{ETHIOPIC SYLLABLE HA}\N{THAI CHARACTER KO KAI}\N{HANGUL SYLLABLE GA}"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "words.typ"
    path.write_text('#set text(font: "DejaVu Sans")\n#json(bytes(sys.inputs.data)).words\n')
    return path


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without fonts of its own, which has looked for no letter yet."""
    monkeypatch.setattr(typeset, "_all_fonts", typeset._our_fonts)
    monkeypatch.setattr(typeset, "_lacking_here", set())
    yield


def words_on(pdf: bytes) -> str:
    (page,) = pypdfium2.PdfDocument(pdf)
    return str(page.get_textpage().get_text_range()).replace("\r\n", " ")


def set_words(template: Path, words: str) -> str:
    return words_on(set_in_type(template, {"words": words}))


@pytest.mark.parametrize("words", ["Ærø Łódź ẞ", "Ωμέγα Жук", "Երևան თბილისი", "€5 – “x” → ½"])
def test_the_scripts_of_our_fonts_are_printed_as_they_are(template: Path, words: str) -> None:
    assert set_words(template, words) == words


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("王小明 Ltd", "[CJK letters] Ltd"),
        ("東京 ラジオ", "[CJK and Katakana letters]"),
        ("ถนนสุขุมวิท 12", "[Thai letters] 12"),
        ("서울 Seoul 부산", "[Hangul letters] Seoul [Hangul letters]"),
        ("a \N{LEDGER}", "a [symbol]"),
    ],
)
def test_letters_that_no_font_has_are_named_and_never_boxes(
    template: Path, words: str, printed: str
) -> None:
    assert set_words(template, words) == printed
    assert set_words(template, words) == printed  # also when it is known that they lack


def test_a_font_of_the_machine_is_used_where_ours_lack_a_letter(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_font_with("中", tmp_path / "machine.ttf")
    both = typst.Fonts(include_system_fonts=False, font_paths=[FONTS_DIR, tmp_path])
    monkeypatch.setattr(typeset, "_all_fonts", lambda: both)
    assert set_words(template, "Müller 中 แ") == "Müller 中 [Thai letters]"


def test_a_mistake_of_the_template_is_not_taken_for_a_letter(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.typ"
    wrong.write_text("#nothing")
    with pytest.raises(typst.TypstError, match="unknown variable"):
        set_in_type(wrong, {})


@given(st.text(max_size=40))
@example("é" * 3 + "\u0e31" * 3 + '"\u1dc4\\\u1dc4')
@example(UNHEARD_OF + "\u200d\u200b" + UNHEARD_OF)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_text_at_all_is_printed(template: Path, text: str) -> None:
    assert set_in_type(template, {"words": typeset.printed(text).text}).startswith(b"%PDF")


def test_a_western_letter_loses_only_the_marks_that_it_cannot_bear() -> None:
    assert name_letters("x\u1dc4y", lacking={"x\u1dc4"}) == "xy"
    assert name_letters("as it is", lacking={"中"}) == "as it is"


def a_font_with(letter: str, path: Path) -> None:
    """A font with a square for one letter."""
    pen = TTGlyphPen(None)
    for at, to in ((pen.moveTo, (0, 0)), (pen.lineTo, (0, 700)), (pen.lineTo, (700, 700))):
        at(to)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "letter"])
    font.setupCharacterMap({ord(letter): "letter"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "letter": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "letter": (800, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    names = {"familyName": "Machine", "styleName": "Regular", "psName": "Machine-Regular"}
    font.setupNameTable(names)
    font.setupOS2()
    font.setupPost()
    font.save(path)
