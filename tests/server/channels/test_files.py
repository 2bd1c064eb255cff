"""Files of orders: read in any usual form, taken in once, and their bad rows given back."""

import csv
import io
import re
import zipfile
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from sqlalchemy import func, select, text

from server.accounts import service as accounts
from server.accounts.service import AccountView
from server.channels import import_work, tables
from server.channels.imports import run_import_file
from server.channels.service import take_orders
from server.identity.access import Role
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.settings import Settings

Json = dict[str, Any]
Work = Callable[[], Awaitable[None]]

HEADER = "order number;name;street;house number;postcode;city;lon;lat;sku;quantity"
ADA = "A-1;Ada;Main Street;1;9490;Vaduz;9.52;47.14;TEA-1;2"
BOB = "A-2;Bob;Main Street;2;9490;Vaduz;9.52;47.14;TEA-2;1"
BAD = "A-3;;Main Street;3;9490;Vaduz;9.52;47.14;TEA-3;none"


def lines(*rows: str) -> bytes:
    return "\n".join(rows).encode()


async def hand_in(client: httpx.AsyncClient, content: bytes, **query: Any) -> Json:
    handed = await client.post("/api/imports", params=query, content=content)
    assert handed.status_code == 202, handed.text
    return dict(handed.json())


async def take_in(client: httpx.AsyncClient, work: Work, content: bytes, **query: Any) -> Json:
    """Hand the file in and let the worker have its turn."""
    begun = await hand_in(client, content, **query)
    await work()
    return dict((await client.get(f"/api/imports/{begun['id']}")).json())


def summary(done: Json) -> tuple[str, int, int, int]:
    return done["state"], done["orders_new"], done["orders_repeated"], done["rows_bad"]


async def problems(client: httpx.AsyncClient, done: Json) -> list[tuple[int, str, str]]:
    page = (await client.get(f"/api/imports/{done['id']}/problems")).json()
    return [(each["line"], each["column"], each["reason"]) for each in page["items"]]


async def orders(client: httpx.AsyncClient) -> list[Json]:
    """Oldest first."""
    return list((await client.get("/api/orders?limit=200")).json()["items"][::-1])


async def count(db: Database, table: str) -> int:
    async with db.transaction() as session:
        return await session.scalar(select(func.count()).select_from(text(table))) or 0


async def test_a_file_becomes_orders(shop: httpx.AsyncClient, work: Work) -> None:
    begun = await hand_in(shop, lines(HEADER, ADA, BOB), file_name="monday.csv")
    assert (begun["state"], begun["file_name"], begun["rows_total"]) == (
        "queued",
        "monday.csv",
        None,
    )
    await work()
    done = (await shop.get(f"/api/imports/{begun['id']}")).json()
    assert summary(done) == ("done", 2, 0, 0)
    assert (done["rows_done"], done["rows_total"]) == (2, 2)
    ada, bob = await orders(shop)
    assert (ada["external_id"], ada["channel"], ada["lines"][0]["sku"]) == ("A-1", "file", "TEA-1")
    assert bob["consignee"]["name"] == "Bob"


async def test_the_same_file_twice_adds_nothing(
    db: Database, shop: httpx.AsyncClient, work: Work
) -> None:
    nameless = ";Eve;Main Street;9;9490;Vaduz;9.52;47.14;TEA-1;1"
    content = lines(HEADER, ADA, nameless, nameless)
    assert summary(await take_in(shop, work, content)) == ("done", 3, 0, 0)
    before = await count(db, "place"), await count(db, "orders"), await count(db, "outbox_event")
    assert summary(await take_in(shop, work, content)) == ("done", 0, 3, 0)
    after = await count(db, "place"), await count(db, "orders"), await count(db, "outbox_event")
    assert after == before


async def test_bad_rows_come_back_as_a_file_and_are_taken_once_mended(
    shop: httpx.AsyncClient, work: Work
) -> None:
    formula = "A-4;=cmd|' /C calc'!A0;Main Street;4;9490;Vaduz;9.52;-100;TEA-1;1"
    done = await take_in(shop, work, lines(HEADER, ADA, BAD, formula))
    assert summary(done) == ("done", 1, 0, 2)
    assert await problems(shop, done) == [
        (3, "quantity", "is not a number; write it like 2.5"),
        (3, "name", "is missing"),
        (4, "lat", "must be between -90 and 90 degrees"),
    ]
    given = await shop.get(f"/api/imports/{done['id']}/bad-rows")
    assert given.headers["content-type"] == "text/csv; charset=utf-8"
    back = list(csv.reader(io.StringIO(given.content.decode("utf-8-sig")), delimiter=";"))
    assert back[0] == [*HEADER.split(";"), "error"]
    assert back[1][:-1] == BAD.split(";")
    assert back[1][-1] == "quantity is not a number; write it like 2.5; name is missing"
    assert back[2][1] == "'=cmd|' /C calc'!A0", "no spreadsheet may run it"
    assert back[2][7] == "-100", "a number is no formula"
    back[1][1], back[1][9], back[2][7] = "Cy", "3", "47.1"
    mended = io.StringIO()
    csv.writer(mended, delimiter=";").writerows(back)
    again = await take_in(shop, work, mended.getvalue().encode("utf-8-sig"))
    assert summary(again) == ("done", 2, 0, 0), await problems(shop, again)
    assert again["ignored_columns"] == []
    names = [order["consignee"]["name"] for order in await orders(shop)]
    assert names == ["Ada", "Cy", "=cmd|' /C calc'!A0"]


async def test_a_dry_run_says_the_same_and_takes_nothing(
    db: Database, shop: httpx.AsyncClient, work: Work
) -> None:
    content = lines(HEADER, ADA, BAD, BOB)
    dry = await take_in(shop, work, content, dry_run=True)
    assert summary(dry) == ("done", 2, 0, 1)
    assert (await count(db, "orders"), await count(db, "place")) == (0, 0)
    wet = await take_in(shop, work, content)
    assert summary(wet) == summary(dry)
    assert await problems(shop, wet) == await problems(shop, dry)
    assert summary(await take_in(shop, work, content, dry_run=True)) == ("done", 0, 2, 1)


@pytest.mark.parametrize("header", ["Cost centre", "cost_center", "Kostenstelle", "KST"])
async def test_a_file_names_the_cost_centre_of_each_order(
    shop: httpx.AsyncClient, work: Work, header: str
) -> None:
    done = await take_in(shop, work, lines(f"{HEADER};{header}", f"{ADA};Lab 7", f"{BOB};"))
    assert (summary(done), done["ignored_columns"]) == (("done", 2, 0, 0), [])
    assert [each["cost_centre"] for each in await orders(shop)] == ["Lab 7", ""]


async def test_rows_of_one_order_are_one_order(shop: httpx.AsyncClient, work: Work) -> None:
    more = "A-1;;;;;;;;TEA-7;3"
    done = await take_in(shop, work, lines(HEADER, ADA, more, BOB))
    assert summary(done) == ("done", 2, 0, 0)
    ada, _ = await orders(shop)
    assert [(line["sku"], line["quantity"]) for line in ada["lines"]] == [
        ("TEA-1", 2),
        ("TEA-7", 3),
    ]


async def test_rows_that_contradict_their_order_hold_all_of_it_up(
    shop: httpx.AsyncClient, work: Work
) -> None:
    other = "A-1;Eve;;;;;;;TEA-7;3"
    done = await take_in(shop, work, lines(HEADER, ADA, other, BOB, ADA))
    assert summary(done) == ("done", 1, 0, 3)
    assert await problems(shop, done) == [
        (2, "", "belongs to the order of line 3, which cannot be taken"),
        (3, "name", "differs from line 2, which is of the same order"),
        (5, "order number", "came in line 2 already; put the rows of one order together"),
    ]


async def test_an_order_number_with_other_content_is_a_bad_row(
    shop: httpx.AsyncClient, work: Work
) -> None:
    await take_in(shop, work, lines(HEADER, ADA))
    done = await take_in(shop, work, lines(HEADER, ADA.replace("TEA-1", "TEA-9")))
    assert summary(done) == ("done", 0, 0, 1)
    [(line, column, reason)] = await problems(shop, done)
    assert (line, column) == (2, "order number")
    assert "other content" in reason


GERMAN = (
    "Auftragsnr.;Empfänger;Straße;Hausnr.;PLZ;Ort;Gewicht (kg);Länge cm;Nachnahme;Datum;von;bis"
    ";Bemerkung;Telefon;Länge\n"
    "77;Müller & Söhne;Hauptstraße;1a;9490;Vaduz;2,5;30;12,50;24.11.2026;14:00;16:00"
    ";Über den Hof;+423 123 45 67;x\n"
)


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode("cp1252"),
        GERMAN.encode("utf-8"),
        GERMAN.encode("utf-8-sig"),
        GERMAN.encode("utf-16"),
        GERMAN.replace("\n", "\r\n").encode("utf-8"),
        GERMAN.replace("2,5", "2.5").replace("12,50", "12.50").replace(";", "\t").encode("cp1252"),
        re.sub("([0-9]+,[0-9]+)", r'"\1"', GERMAN).replace(";", ",").encode(),
        GERMAN.replace(";", "|").encode(),
    ],
    ids=["cp1252", "utf8", "bom", "utf16", "crlf", "tab", "comma", "pipe"],
)
async def test_german_headers_encodings_and_delimiters_are_recognised(
    shop: httpx.AsyncClient, work: Work, content: bytes
) -> None:
    done = await take_in(shop, work, content)
    assert summary(done) == ("done", 1, 0, 0), await problems(shop, done)
    assert done["ignored_columns"] == ["Länge"]
    (order,) = await orders(shop)
    assert (order["external_id"], order["consignee"]["name"]) == ("77", "Müller & Söhne")
    assert (order["cash_minor"], order["instructions"]) == (1250, "Über den Hof")
    parcel = order["parcels"][0]
    assert (parcel["weight_g"], parcel["length_mm"]) == (2500, 300)
    assert order["window_start_at"] == "2026-11-24T14:00:00Z"


async def test_quoted_cells_over_several_lines_keep_the_line_numbers_right(
    shop: httpx.AsyncClient, work: Work
) -> None:
    header = "name,address,notes,weight"
    rows = ['Ada,"Main Street 1, Vaduz","ring\ntwice",1', "", "Bob,Main Street 2,,heavy"]
    done = await take_in(shop, work, lines(header, *rows))
    assert await problems(shop, done) == [(5, "weight", "is not a number; write it like 2.5")]
    (order,) = await orders(shop)
    assert order["instructions"] == "ring\ntwice"


MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - spreadsheets know no zones


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def test_an_xlsx_file_becomes_orders(shop: httpx.AsyncClient, work: Work) -> None:
    header = ("Order number", "Name", "Address", "Weight kg", "Date", "Window start", "Window end")
    content = workbook(
        (*header, "COD", "ZIP", "Pin", "Phone"),
        (1001, "Ada", "Main Street 1", 2.5, MONDAY + timedelta(days=1), time(14), time(16, 30),
         12.5, 9490, None, "'+423 1"),
        (None,) * 9,
        (1002.0, "Bob", "Main Street 2", "=1+1", None, MONDAY + timedelta(days=2, hours=8),
         MONDAY + timedelta(days=2, hours=9), None, "09490", 1234, 4231234567),
        (1003, "Cy", "Main Street 3", "heavy"),
    )  # fmt: skip
    done = await take_in(shop, work, content)
    assert summary(done) == ("done", 2, 0, 1), await problems(shop, done)
    assert await problems(shop, done) == [(5, "Weight kg", "is not a number; write it like 2.5")]
    ada, bob = await orders(shop)
    assert (ada["external_id"], ada["cash_minor"], ada["consignee"]["phone"]) == (
        "1001",
        1250,
        "+423 1",
    )
    assert (ada["window_start_at"], ada["window_end_at"]) == (
        "2026-11-24T14:00:00Z",
        "2026-11-24T16:30:00Z",
    )
    assert (bob["external_id"], bob["pin"]) == ("1002", "1234")
    assert bob["parcels"][0]["weight_g"] == 0, "a formula that nobody calculated has no value"
    given = await shop.get(f"/api/imports/{done['id']}/bad-rows")
    assert "1003" in given.text and "1002" not in given.text


async def test_a_multipart_upload_is_taken_like_a_body(shop: httpx.AsyncClient, work: Work) -> None:
    files = {"file": ("monday.csv", lines(HEADER, ADA), "text/csv")}
    begun = await shop.post("/api/imports", files=files)
    assert begun.status_code == 202, begun.text
    await work()
    done = (await shop.get(f"/api/imports/{begun.json()['id']}")).json()
    assert (done["file_name"], *summary(done)) == ("monday.csv", "done", 1, 0, 0)


async def test_a_profile_tells_what_the_columns_mean(shop: httpx.AsyncClient, work: Work) -> None:
    profile = {"columns": {"Wer": "to_name", "Wohin": "to_address", "Gewicht": ""}}
    saved = await shop.put("/api/import-profiles/laden", json=profile)
    assert saved.status_code == 200, saved.text
    content = lines("Wer;Wohin;Gewicht", "Ada;Main Street 1;lots")
    refused = await shop.post("/api/imports", content=content)
    assert (refused.status_code, refused.json()["code"]) == (422, "channels.column_missing")
    done = await take_in(shop, work, content, profile="laden")
    assert summary(done) == ("done", 1, 0, 0), await problems(shop, done)
    assert done["ignored_columns"] == ["Gewicht"]
    unknown = await shop.post("/api/imports?profile=nobody", content=content)
    assert unknown.status_code == 404
    silly = await shop.put("/api/import-profiles/laden", json={"columns": {"Wer": "to_moon"}})
    assert (silly.status_code, silly.json()["code"]) == (422, "channels.unknown_field")
    assert (await shop.get("/api/import-profiles")).json() == [{"name": "laden", **profile}]
    assert (await shop.delete("/api/import-profiles/laden")).status_code == 204
    assert (await shop.delete("/api/import-profiles/laden")).status_code == 404


class Crash(BaseException):
    """What a kill -9 is to the code that runs."""


@pytest.mark.parametrize("chunk", [1, 2, 3])
async def test_work_killed_in_the_middle_goes_on_where_it_stopped(
    own_db: Database,
    blobs: Blobs,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
) -> None:
    monkeypatch.setattr(import_work, "CHUNK_ORDERS", 4)
    async with own_db.transaction() as session:
        await accounts.create_account(session, name="Shop", code="SHOP", by="test")
    file = tmp_path / "orders.csv"
    numbers = range(1, 11)
    file.write_bytes(
        lines(HEADER, *(ADA.replace("A-1", f"A-{n}") for n in numbers), BAD, f"{ADA};too much")
    )
    taken = 0

    async def take_and_die(*args: Any, **named: Any) -> Any:
        nonlocal taken
        taken += 1
        answers = await take_orders(*args, **named)
        if taken == chunk:
            raise Crash
        return answers

    async def run(dry_run: bool = False) -> Json:
        return await run_import_file(
            own_db, blobs, file, account_code="SHOP", dry_run=dry_run, zone=settings.timezone
        )

    monkeypatch.setattr(import_work, "take_orders", take_and_die)
    with pytest.raises(Crash):
        await run()
    assert await count(own_db, "orders") == 4 * (chunk - 1)
    monkeypatch.setattr(import_work, "take_orders", take_orders)
    await import_work.work_on_imports(own_db, blobs, zone=settings.timezone)
    async with own_db.transaction() as session:
        state = (
            await session.execute(
                text("select state, orders_new, rows_bad, rows_done, rows_total from order_import")
            )
        ).one()
        external = (await session.scalars(text("select external_id from orders"))).all()
        captured = await session.scalar(
            text("select count(*) from outbox_event where name = 'orders.OrderCaptured'")
        )
    assert tuple(state) == ("done", 10, 2, 12, 12)
    assert sorted(external) == sorted(f"A-{n}" for n in numbers)
    assert captured == 10
    assert summary(await run()) == ("done", 0, 10, 2)


async def test_work_that_breaks_on_our_side_is_given_up_after_some_attempts(
    shop: httpx.AsyncClient, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(import_work, "take_orders", broken)
    begun = await hand_in(shop, lines(HEADER, ADA))
    for _ in range(import_work.ATTEMPTS + 1):
        await work()
    failed = (await shop.get(f"/api/imports/{begun['id']}")).json()
    assert failed["state"] == "failed"
    assert "after line 1" in failed["error"]


async def test_a_long_file_is_taken_in_from_the_command_line_with_progress(
    own_db: Database, blobs: Blobs, settings: Settings, tmp_path: Path
) -> None:
    async with own_db.transaction() as session:
        await accounts.create_account(session, name="Shop", code="SHOP", by="test")
    file = tmp_path / "orders.csv"
    file.write_bytes(lines(HEADER, *(ADA.replace("A-1", f"A-{n}") for n in range(1500))))
    said: list[str] = []
    report = await run_import_file(
        own_db,
        blobs,
        file,
        account_code="SHOP",
        dry_run=False,
        zone=settings.timezone,
        say=said.append,
    )
    assert summary(report) == ("done", 1500, 0, 0)
    assert (said[0], said[-1], len(said)) == ("100 of 1500 rows", "1500 of 1500 rows", 15)


def bomb() -> bytes:
    """An XLSX file that unpacks to far more than it seems."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(101):
            sheet.write(b"0" * 1024 * 1024)
    return file.getvalue()


def with_doctype() -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(("name",)))) as old,
        zipfile.ZipFile(file, "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name.startswith("xl/worksheets"):
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + content
            new.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "channels.file_missing"),
        (b"\n\n  \n", "channels.empty_table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "channels.not_a_table"),
        (b"PK\x03\x04 and then nothing of a zip", "channels.not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "channels.old_excel"),
        (b"name;address\n\x81\x8d\x8f;x", "channels.unknown_encoding"),
        (b"colour;size\nred;2", "channels.column_missing"),
        (b";".join([b"name"] * 201), "channels.too_many_columns"),
        (b'name,"' + b"x" * 200_000, "channels.broken_table"),
        (bomb(), "channels.unpacks_too_large"),
        (with_doctype(), "channels.not_a_table"),
        (workbook(), "channels.empty_table"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_files_that_are_no_table_of_orders_are_refused_at_once(
    db: Database, shop: httpx.AsyncClient, content: bytes, code: str
) -> None:
    refused = await shop.post("/api/imports", content=content)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert await count(db, "order_import") == 0


async def test_a_file_that_is_too_large_is_refused(shop: httpx.AsyncClient) -> None:
    refused = await shop.post("/api/imports", content=b"x" * (15 * 1024 * 1024 + 1))
    assert refused.status_code == 413


async def test_too_many_rows_are_refused_before_the_first_is_taken(
    db: Database, shop: httpx.AsyncClient, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    done = await take_in(shop, work, lines(HEADER, ADA, BOB, BAD, BAD))
    assert done["state"] == "failed"
    assert "more than 3 rows" in done["error"]
    assert await count(db, "orders") == 0


async def test_a_sheet_with_a_cell_far_below_is_refused(
    shop: httpx.AsyncClient, work: Work
) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(("name", "address"))
    book.worksheets[0]["A1048576"] = "x"
    file = io.BytesIO()
    book.save(file)
    done = await take_in(shop, work, file.getvalue())
    assert (done["state"], done["orders_new"]) == ("failed", 0)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("A\0B;Ada;Main Street 1;;", "order number"),
        ("A;A\x07da;Main Street 1;;", "name"),
        (f"A;{'x' * 201};Main Street 1;;", "name"),
        ("A;Ada;Main Street 1;1e309;", "weight"),
        ("A;Ada;Main Street 1;nan;", "weight"),
        ("A;Ada;Main Street 1;-1;", "weight"),
        ("A;Ada;Main Street 1;1000,1;", "weight"),
        ("A;Ada;Main Street 1;;99999999999999999999", "cash"),
        ("A;Ada;Main Street 1;;1;2;3", ""),
        ("A;Ada;;;", "address"),
        ("A;;Main Street 1;;", "name"),
    ],
)
async def test_hostile_and_hasty_cells_are_problems_of_their_row_only(
    shop: httpx.AsyncClient, work: Work, row: str, column: str
) -> None:
    done = await take_in(
        shop, work, lines("order number;name;address;weight;cash", row, "B;Bob;Main Street 2;;")
    )
    assert summary(done) == ("done", 1, 0, 1), await problems(shop, done)
    assert [(line, name) for line, name, _ in await problems(shop, done)] == [(2, column)]
    given = await shop.get(f"/api/imports/{done['id']}/bad-rows")
    assert given.status_code == 200


async def test_problems_come_page_by_page(shop: httpx.AsyncClient, work: Work) -> None:
    done = await take_in(
        shop, work, lines(HEADER, *(BAD.replace("A-3", f"A-{n}") for n in range(5)))
    )
    url = f"/api/imports/{done['id']}/problems"
    first = (await shop.get(url, params={"limit": 3})).json()
    rest = (await shop.get(url, params={"limit": 3, "after": first["next"]})).json()
    assert [each["line"] for each in first["items"]] == [2, 2, 3, 3, 4, 4]
    assert [each["line"] for each in rest["items"]] == [5, 5, 6, 6]
    assert rest["next"] is None


async def test_others_imports_are_not_there(
    db: Database, sign_in: Any, shop: httpx.AsyncClient, account: AccountView
) -> None:
    begun = await hand_in(shop, lines(HEADER, ADA))
    async with db.transaction() as session:
        other = await accounts.create_account(session, name="Other", code="OTHER", by="test")
    stranger = await sign_in(Role.ACCOUNT_USER, other.id)
    url = f"/api/imports/{begun['id']}"
    for path in (url, f"{url}/problems", f"{url}/bad-rows"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/api/imports")).json()["items"] == []
    not_mine = await stranger.post("/api/imports?account=SHOP", content=lines(HEADER, ADA))
    assert (not_mine.status_code, not_mine.json()["code"]) == (422, "channels.account_not_yours")
    clerk = await sign_in(Role.CLERK)
    assert [each["id"] for each in (await clerk.get("/api/imports")).json()["items"]] == [
        begun["id"]
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/import-profiles?account=%00"),
        ("put", "/api/import-profiles/%00"),
        ("put", "/api/import-profiles/" + "x" * 101),
        ("post", "/api/imports?file_name=%00"),
        ("post", "/api/imports?profile=%00"),
        ("post", "/api/imports?dry_run=perhaps"),
        ("get", "/api/imports?limit=0"),
        ("get", "/api/imports/0193/problems"),
        ("get", "/api/imports/01930000-0000-7000-8000-000000000000/problems?after=-1"),
        ("get", "/api/imports/01930000-0000-7000-8000-000000000000/bad-rows"),
    ],
)
async def test_bad_questions_about_files_are_refused(
    shop: httpx.AsyncClient, method: str, path: str
) -> None:
    body = None if method == "get" else b'{"columns": {}}'
    refused = await shop.request(
        method, path, content=body, headers={"Content-Type": "application/json"}
    )
    assert refused.status_code in (400, 404, 422), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
