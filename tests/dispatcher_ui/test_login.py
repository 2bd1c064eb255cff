"""Signing in through the page."""

from typing import Any

import pytest
from playwright.async_api import expect

from server.identity.access import Role
from server.identity.passwords import SHORTEST

PASSWORD = "correct horse battery staple"


async def test_signing_in_leads_to_the_live_map_and_out_again(visit: Any, company: Any) -> None:
    person = await company.add_person(Role.DISPATCHER)
    page = await visit("/")
    await page.wait_for_url("**/login")
    await page.get_by_label("Email").fill(person.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dispatch")
    await expect(page.locator("#person")).to_have_text(person.name)
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/login")


async def test_who_had_to_sign_in_first_comes_to_the_page_that_was_wanted(
    visit: Any, company: Any
) -> None:
    person = await company.add_person(Role.ADMIN)
    page = await visit("/dispatch/orders/new?from=a-link")
    await page.wait_for_url("**/login")
    await page.get_by_label("Email").fill(person.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dispatch/orders/new?from=a-link")


async def test_wrong_password_is_told_in_words(visit: Any, company: Any) -> None:
    person = await company.add_person(Role.DISPATCHER)
    page = await visit("/login")
    await page.get_by_label("Email").fill(person.email)
    await page.get_by_label("Password", exact=True).fill("not it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("alert")).not_to_be_empty()


@pytest.mark.parametrize(
    ("language", "title", "email", "password", "refusal"),
    [
        ("de-CH", "Anmelden", "E-Mail", "Passwort", "Die E-Mail-Adresse oder das Passwort ist"),
        ("es-ES", "Entrar", "Correo", "Contraseña", "El correo o la contraseña son incorrectos."),
    ],
)
async def test_signing_in_and_its_refusals_are_in_the_language_of_the_browser(
    visit: Any, language: str, title: str, email: str, password: str, refusal: str
) -> None:
    page = await visit("/login", locale=language)
    await expect(page).to_have_title(f"{title} · Postrider")
    await page.get_by_label(email).fill("nobody@example.org")
    await page.get_by_label(password, exact=True).fill("not it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text(refusal)


async def test_one_time_password_must_be_changed_first(visit: Any, company: Any) -> None:
    person = await company.add_person(Role.DISPATCHER, must_change_password=True)
    page = await visit("/login")
    await page.get_by_label("Email").fill(person.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_label("New password").fill("another horse, another staple")
    await page.get_by_label("The same again").fill("something else entirely")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("differ")
    await page.get_by_label("The same again").fill("another horse, another staple")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dispatch")
    await expect(page.locator("#person")).to_have_text(person.name)


async def test_login_page_is_accessible(
    visit: Any, company: Any, accessibility_faults: Any
) -> None:
    for scheme in ("light", "dark"):
        page = await visit("/login", color_scheme=scheme)
        assert await accessibility_faults(page) == [], scheme


async def test_values_of_a_refusal_stand_in_the_sentence_of_the_readers_language(
    visit: Any, company: Any
) -> None:
    person = await company.add_person(Role.DISPATCHER, must_change_password=True)
    page = await visit("/login", locale="de-CH")
    await page.get_by_label("E-Mail").fill(person.email)
    await page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_label("Neues Passwort").fill("kurz")
    await page.get_by_label("Dasselbe noch einmal").fill("kurz")
    await page.keyboard.press("Enter")
    told = f"Ein Passwort hat mindestens {SHORTEST} Zeichen."
    await expect(page.get_by_role("alert")).to_contain_text(told)
