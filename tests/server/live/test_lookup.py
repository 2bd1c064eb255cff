"""The small page for a shop's own site, where who knows number and postcode sees how far it is."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from server.accounts import service as accounts
from server.accounts.service import Brand
from server.consignments.service import ConsignmentView
from server.kit import clock
from server.kit.db import Database
from server.kit.geo import Position
from server.live.guess_limit import GUESSES
from server.places import service as places
from tests.server.live.test_public_tracking import HOME, SECRETS, Street

POSTCODE = "9490 AB"


@pytest_asyncio.fixture
async def street(db: Database) -> AsyncIterator[Street]:
    street = Street(db)
    with clock.running(lambda: street.now):
        await street.set_up()
        yield street


async def open_shop(street: Street, code: str = "SHOP") -> UUID:
    async with street.db.transaction() as session:
        made = await accounts.create_account(session, code=code, name="A shop", by="test")
        await accounts.set_brand(session, made.id, Brand(name="The <b>shop</b>"), by="test")
    return made.id


async def book(street: Street, account_id: UUID) -> ConsignmentView:
    address = places.Address(street="Hidden lane", city="Vaduz", postcode=POSTCODE)
    async with street.db.transaction() as session:
        place = await places.create_place(
            session, address, position=Position(HOME.lon + 0.01, HOME.lat)
        )
    return await street.book(0.01, account_id=account_id, at_place=place.id)


async def ask(client: httpx.AsyncClient, number: str, postcode: str, code: str = "SHOP") -> Any:
    return await client.get(f"/embed/{code}", params={"number": number, "postcode": postcode})


async def test_number_and_postcode_show_how_far_it_is_and_nothing_private(
    street: Street, client: httpx.AsyncClient
) -> None:
    made = await book(street, await open_shop(street))
    for postcode in (POSTCODE, "9490ab"):
        page = await ask(client, made.waybill.lower(), postcode)
        assert page.status_code == 200
        assert "We are expecting your parcel" in page.text
        assert [secret for secret in SECRETS if secret in page.text] == []
        assert "/t/" not in page.text, "no way to more than this"
    assert "The &lt;b&gt;shop" in page.text


async def test_wrong_postcode_and_number_that_never_was_are_answered_alike(
    street: Street, client: httpx.AsyncClient
) -> None:
    made = await book(street, await open_shop(street))
    await open_shop(street, "OTHER")
    answers = [
        await ask(client, made.waybill, "1000"),
        await ask(client, made.waybill, " - "),
        await ask(client, "PR0000000000", POSTCODE),
        await ask(client, made.waybill, POSTCODE, "OTHER"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert all("Nothing is known by this number" in answer.text for answer in answers)
    assert (await ask(client, made.waybill, POSTCODE, "NOBODY")).status_code == 404


async def test_guessing_postcodes_is_slowed_down(street: Street, client: httpx.AsyncClient) -> None:
    made = await book(street, await open_shop(street))
    codes = [
        (await ask(client, made.waybill, str(each))).status_code for each in range(GUESSES + 3)
    ]
    assert codes[0] == 404
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "number", ["%", "' or 1=1 --", "<script>alert(1)</script>", "\u202e", "1" * 60]
)
async def test_odd_numbers_are_unknown_like_any_other(
    street: Street, client: httpx.AsyncClient, number: str
) -> None:
    await open_shop(street)
    page = await ask(client, number, POSTCODE)
    assert page.status_code == 404
    assert "<script" not in page.text


async def test_page_may_stand_in_any_frame_and_runs_nothing(
    street: Street, client: httpx.AsyncClient
) -> None:
    await open_shop(street)
    policy = (await client.get("/embed/shop")).headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "script-src" not in policy and "default-src 'none'" in policy
    script = await client.get("/embed/lookup.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "style" not in script.text.replace("no style attribute", "")
