"""Whatever the server can say to the console is said in every language of the console."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from playwright.async_api import Route, expect

from server.identity.access import Role
from server.live.pages import DISPATCHER_UI

from .server_words import as_words, codes, explanations, refusals, sentences, things

SOURCES = DISPATCHER_UI / "src"


def words_in(language: str) -> dict[str, str]:
    said = "".join(path.read_text() for path in (SOURCES / "words" / language).rglob("*.ts"))
    pairs = re.findall(r'^  "((?:[^"\\]|\\.)*)": "((?:[^"\\]|\\.)*)",', said, re.MULTILINE)
    assert len(pairs) > 1_000
    twice = {
        english for english, times in Counter(english for english, _ in pairs).items() if times > 1
    }
    assert twice == set(), "which of the two is said depends on the order of files"
    return {json.loads(f'"{english}"'): json.loads(f'"{told}"') for english, told in pairs}


def choices_of_pages() -> set[str]:
    """Codes that pages offer to choose from, such as states in a filter."""
    lists = [
        found
        for path in SOURCES.rglob("*.ts")
        for pattern in (
            r"\[([^\[\]]*)\]\.map\(\((?:\w+)\)[^=]*=> \[\w+, words\(",
            r"stateOptions\(\[([^\]]*)\]",
            r"^const [A-Z_]+(?:STATES|STATES_|CODES|ROLES|GRADES|DISPOSITIONS) = \[([^\]]*)\]",
        )
        for found in re.findall(pattern, path.read_text(), re.MULTILINE)
    ]
    return {code for each in lists for code in re.findall(r'"([a-z_]+)"', each)}


@pytest.mark.parametrize("language", ["de", "es"])
def test_what_the_server_says_is_said_in_every_language(language: str) -> None:
    said = sentences() | things() | {as_words(code) for code in codes() | choices_of_pages()}
    assert len(said) > 300
    assert sorted(said - words_in(language).keys()) == []


@pytest.mark.parametrize("language", ["de", "es"])
def test_every_refusal_that_the_console_can_meet_is_said_in_every_language(language: str) -> None:
    refused = refusals()
    assert len(refused) > 300
    assert sorted(refused - words_in(language).keys()) == []


@pytest.mark.parametrize("language", ["de", "es"])
def test_what_comes_with_its_values_in_it_is_known_by_what_it_looks_like(language: str) -> None:
    known = words_in(language)
    forms = [
        re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(pattern)))
        for pattern in known
        if "{" in pattern
    ]
    told = explanations()
    assert len(told) > 80
    unknown = {
        each
        for each in told
        if each not in known and not any(form.fullmatch(each) for form in forms)
    }
    assert sorted(unknown) == []


@pytest.mark.parametrize("language", ["de", "es"])
def test_no_translation_loses_or_invents_a_value(language: str) -> None:
    for english, told in words_in(language).items():
        names = [{*re.findall(r"\{(\w+)\}", each)} for each in (english, told)]
        assert names[0] == names[1], english


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en-GB", "Every vehicle that could do it is full: {}, Post, fridge and 3 more."),
        ("de-CH", "Jedes Fahrzeug, das es könnte, ist voll: {}, Post, fridge und 3 weitere."),
        (
            "es-ES",
            "Todos los vehículos que podrían hacerlo están llenos: {}, Post, fridge y 3 más.",
        ),
    ],
)
async def test_a_sentence_with_its_values_in_it_is_translated_and_the_values_are_not(
    visit: Any, language: str, told: str
) -> None:
    """One vehicle is called like a code, one has the signs of an expression in its name."""
    name = "van (1) $& {waybill}"

    async def leave_something_out(route: Route) -> None:
        report = await (await route.fetch()).json()
        sentence = f"Every vehicle that could do it is full: {name}, Post, fridge and 3 more."
        report["unassigned"] = [{"waybill": "PR1", "code": "all_full", "sentence": sentence}]
        await route.fulfill(json=report)

    page = await visit("/login", role=Role.ADMIN, locale=language)
    await page.route("**/api/reports/day*", leave_something_out)
    await page.goto("/dispatch/reports")
    await expect(page.get_by_role("cell", name=told.format(name), exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("language", "new", "name", "make", "told"),
    [
        ("en-GB", "New API key", "Name *", "Make the key", "At most 200 characters."),
        ("de-CH", "Neuer API-Schlüssel", "Name *", "Schlüssel erstellen", "Höchstens 200 Zeichen."),
        ("es-ES", "Nueva clave de API", "Nombre *", "Crear la clave", "Como mucho 200 caracteres."),
    ],
)
async def test_what_is_wrong_at_a_field_is_said_there_as_a_person_would(
    visit: Any, language: str, new: str, name: str, make: str, told: str
) -> None:
    page = await visit("/dispatch/keys", role=Role.ADMIN, locale=language)
    await page.get_by_role("button", name=new).click()
    await page.get_by_label(name).fill("x" * 201)
    await page.get_by_role("button", name=make).click()
    await expect(page.locator('[data-field="name"] .fault')).to_have_text(told)
