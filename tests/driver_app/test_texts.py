"""The tables of texts, the script from right to left, and the colours: all without Kivy."""

import re

import pytest

from driver_app.core import errors
from driver_app.core.outcomes import FAILURES, SUCCESSES
from driver_app.screens.design.tokens import PALETTES, contrast
from driver_app.texts import LANGUAGES, Speaker, english, find_language
from driver_app.texts.script import join_letters, to_drawn, turn_lines, wrap
from server.dispatch.outcomes import OUTCOMES


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_every_language_says_everything_with_the_same_facts(language: object) -> None:
    def facts(text: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", text))

    texts = language.texts  # type: ignore[attr-defined]
    assert texts.keys() == english.TEXTS.keys()
    assert [key for key in texts if facts(texts[key]) != facts(english.TEXTS[key])] == []
    assert [key for key, text in texts.items() if not text.strip()] == []


def test_every_outcome_of_the_server_is_offered_and_said() -> None:
    known = {
        (code, kind, success)
        for success, table in ((True, SUCCESSES), (False, FAILURES))
        for kind, codes in table.items()
        for code in codes
    }
    wanted = {(o.code, kind, o.success) for o in OUTCOMES for kind in o.kinds}
    assert known == wanted
    assert {f"outcome.{outcome.code}" for outcome in OUTCOMES} <= english.TEXTS.keys()


def test_what_the_phone_refuses_is_said_in_the_drivers_language() -> None:
    say = Speaker(find_language("de_AT"))
    assert say.explain(errors.StorageFull()).startswith("Der Speicher ist voll")
    refused = errors.PairingRefused(detail="This code is used up.")
    assert say.explain(refused) == "This code is used up."


def test_arabic_letters_take_the_form_that_their_neighbours_ask_for() -> None:
    assert join_letters("بيت") == "\ufe91\ufef4\ufe96"
    assert join_letters("لا") == "\ufefb"
    assert join_letters("دار") == "\ufea9\ufe8d\ufead"
    assert join_letters("A-Strasse 7") == "A-Strasse 7"


def test_a_line_from_right_to_left_keeps_its_numbers_and_names_readable() -> None:
    assert to_drawn("Schaan 12:30") == "Schaan 12:30"
    assert to_drawn("שלום 12:30 km") == "km 12:30 םולש", "as any browser draws it"
    assert to_drawn("שלום (3)") == "(3) םולש"


def test_a_line_that_begins_in_latin_stays_one_and_turns_only_the_words_in_it() -> None:
    assert to_drawn("Bring it to שלום גל today") == "Bring it to לג םולש today"
    assert to_drawn("To שלום 12, 9490 Vaduz") == "To 9490 ,12 םולש Vaduz"
    assert to_drawn("To שלום.") == "To םולש."
    assert to_drawn("Vaduz שלום", right_to_left=True) == "םולש Vaduz"


def test_an_address_that_is_wrapped_inside_a_text_from_right_to_left_stays_one() -> None:
    assert turn_lines(["אב Landstrasse 112,", "9494 Schaan גד"]) == [
        "Landstrasse 112, בא",
        "דג 9494 Schaan",
    ]


def test_lines_are_broken_before_they_are_turned() -> None:
    lines = wrap("אחת שתיים שלוש", 9, len)
    assert lines == ["אחת שתיים", "שלוש"]


@pytest.mark.parametrize("name", PALETTES)
def test_every_text_is_readable_on_its_ground(name: str) -> None:
    palette = PALETTES[name]
    least = 7.0 if name == "sunlight" else 4.5
    pairs = [
        ("ink", "ground"), ("ink", "surface"), ("ink_2", "ground"), ("ink_2", "surface"),
        ("on_primary", "primary"), ("primary", "surface"), ("primary", "primary_soft"),
        ("good", "good_soft"), ("warn", "warn_soft"), ("bad", "bad_soft"), ("on_bad", "bad"),
        ("idle", "idle_soft"), ("ink", "warn_soft"), ("ink_2", "idle_soft"),
    ]  # fmt: skip
    weak = {
        (ink, ground): round(value, 1)
        for ink, ground in pairs
        if (value := contrast(getattr(palette, ink), getattr(palette, ground))) < least
    }
    assert weak == {}
