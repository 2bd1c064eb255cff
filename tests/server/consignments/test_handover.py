"""Manifests of what changed hands: written once, true for ever."""

import io
from typing import Any

import pypdfium2
import pytest
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.consignments import service
from server.consignments.handover import signature_svg
from server.consignments.licence_plates import create_container, put_in
from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id
from tests.conftest import SignIn

from .conftest import DAY, MakeConsignment, Report

PEN = [[[0, 500], [300, 100], [600, 900], [1000, 400]], [[500, 500]]]


def asked(*barcodes: str, **details: Any) -> dict[str, Any]:
    values = {
        "kind": "agent",
        "barcodes": list(barcodes),
        "given_by": "Wanda",
        "taken_by": "Anton Agent",
        "destination": "Alpine Parcels",
        "occurred_at": DAY.isoformat(),
        "signature": PEN,
    }
    return values | details


async def pdf_of(client: AsyncClient, handover_id: str) -> bytes:
    answer = await client.get(f"/api/handovers/{handover_id}/manifest.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def text_in(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    return "\n".join(page.get_textpage().get_text_range() for page in document)


async def test_a_manifest_stays_what_it_was(
    db: Database, sign_in: SignIn, make_consignment: MakeConsignment, report: Report
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=3)
        cage = await create_container(session, kind="cage", by="test")
        await put_in(session, cage.barcode, [made.parcels[0].barcode], by="test")
    first = await client.post("/api/handovers", json=asked(cage.barcode, made.parcels[1].barcode))
    assert first.status_code == 201, first.text
    given = first.json()
    assert [line["barcode"] for line in given["lines"]] == [
        made.parcels[0].barcode,
        made.parcels[1].barcode,
    ]
    assert [line["container"] for line in given["lines"]] == [cage.barcode, None]
    before = await pdf_of(client, given["id"])
    async with db.transaction() as session:
        await report(session, made, "delivered", minute=60)
        changes = service.ConsignmentChanges(consignee=service.Party(name="Somebody else"))
        other = await make_consignment(session)
        await service.amend_consignment(session, other.id, changes, by="test")
    assert (await client.get(f"/api/handovers/{given['id']}")).json() == given
    assert await pdf_of(client, given["id"]) == before
    shown = text_in(before)
    for words in ("Anton Agent", "Alpine Parcels", "Ada", made.waybill, "2.4 kg"):
        assert words in shown
    (listed,) = (await client.get("/api/handovers")).json()["items"]
    assert (listed["number"], listed["parcels"]) == (given["number"], 2)


@pytest.mark.parametrize(
    "change", ["update handover set taken_by = 'me'", "delete from handover", "truncate handover"]
)
async def test_nobody_can_change_a_manifest(
    db: Database, make_consignment: MakeConsignment, change: str
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session)
        new = service.NewHandover(
            kind="agent",
            barcodes=[made.parcels[0].barcode],
            given_by="Wanda",
            taken_by="Anton",
            occurred_at=DAY,
        )
        await service.hand_over(session, new, by="test")
        with pytest.raises(DBAPIError, match="append-only"):
            async with session.begin_nested():
                await session.execute(text(change))


@pytest.mark.parametrize(
    ("kind", "state"),
    [("loading", "loaded"), ("linehaul", "loaded"), ("agent", "loaded"), ("shop", "returned")],
)
async def test_the_chain_of_custody_tells_of_the_hand_over(
    db: Database, sign_in: SignIn, make_consignment: MakeConsignment, kind: str, state: str
) -> None:
    client = await sign_in(Role.DISPATCHER)
    async with db.transaction() as session:
        made = await make_consignment(session)
    given = await client.post("/api/handovers", json=asked(made.parcels[0].barcode, kind=kind))
    assert given.status_code == 201, given.text
    async with db.transaction() as session:
        assert (await service.get_consignment(session, made.id)).state == state


async def test_a_repeated_request_hands_over_once(
    db: Database, sign_in: SignIn, make_consignment: MakeConsignment
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    async with db.transaction() as session:
        made = await make_consignment(session)
    key = {"Idempotency-Key": "once"}
    body = asked(made.parcels[0].barcode)
    answers = [await client.post("/api/handovers", json=body, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await client.get("/api/handovers")).json()["items"]) == 1


async def test_what_cannot_be_handed_over_is_refused_with_a_reason(
    db: Database, sign_in: SignIn, make_consignment: MakeConsignment
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    async with db.transaction() as session:
        made = await make_consignment(session)
        empty = await create_container(session, kind="bag", by="test")
    barcode = made.parcels[0].barcode
    for body, status, code in (
        (asked(barcode, "nothing"), 404, "consignments.unknown_barcode"),
        (asked(empty.barcode), 422, "consignments.nothing_handed_over"),
        (asked(barcode, driver_id=str(new_id())), 422, "consignments.not_a_driver"),
        (asked(barcode, signature=[[[0, 1001]]]), 422, "invalid_fields"),
        (asked(barcode, taken_by=" "), 422, "invalid_fields"),
    ):
        answer = await client.post("/api/handovers", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await client.get("/api/handovers")).json()["items"] == []


async def test_hostile_names_are_printed_over_many_pages(
    db: Database, sign_in: SignIn, make_consignment: MakeConsignment
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    name = "#panic() *x* $y$ Österreichische Donaudampfschifffahrtselektrizitätengesellschaft"
    async with db.transaction() as session:
        made = await make_consignment(
            session, parcels=80, consignee=service.Party(name=f"{name} محمد عبد الرحمن")
        )
    body = asked(*(parcel.barcode for parcel in made.parcels), taken_by=name, note=name)
    given = (await client.post("/api/handovers", json=body)).json()
    pdf = await pdf_of(client, given["id"])
    assert len(pypdfium2.PdfDocument(io.BytesIO(pdf))) > 2
    shown = text_in(pdf)
    assert all(parcel.barcode in shown for parcel in made.parcels)
    assert "#panic() *x* $y$" in shown


def test_a_signature_is_drawn_from_its_numbers() -> None:
    drawn = signature_svg([[(0, 1000), (500, 0)], [(7, 7)]])
    assert drawn is not None
    assert "M0 300 L500 0 L500 0" in drawn and "M7 2 L7 2" in drawn
    assert signature_svg([]) is None
