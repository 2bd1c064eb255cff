"""Requests that are not even wrong: broken bytes, broken JSON, too much, at the wrong door."""

import json
from typing import Any

import httpx
import pytest

from server.app.web import MAX_BODY_BYTES
from server.live.routes import MAX_BATCH_BYTES
from tests.api.company import Company, check_problem

NOT_JSON = {
    "nothing": b"",
    "half": b'{"name": "Acme", ',
    "bad UTF-8": b'{"name": "\xff\xfe", "code": "ACME2"}',
    "UTF-16": '{"name": "Acme", "code": "ACME2"}'.encode("utf-16"),
    "NaN": b'{"name": NaN, "code": "ACME2"}',
    "too deep": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a form": b"name=Acme&code=ACME2",
}
NOT_AN_ACCOUNT: dict[str, Any] = {
    "a list": [],
    "a number": 7,
    "null": None,
    "unknown field": {"name": "Acme", "code": "ACME2", "colour": "red"},
    "missing field": {"name": "Acme"},
    "wrong type": {"name": 7, "code": "ACME2"},
    "NUL": {"name": "Ac\0me", "code": "ACME2"},
    "half a letter": {"name": "\ud800", "code": "ACME2"},
    "too long": {"name": "x" * 201, "code": "ACME2"},
    "huge number": {"name": 10**4000, "code": "ACME2"},
}
JSON = {"Content-Type": "application/json"}


async def accounts(company: Company) -> list[str]:
    answer = await company.admin.get("/api/accounts")
    return [each["code"] for each in answer.json()["items"]]


@pytest.mark.parametrize("name", NOT_JSON)
async def test_what_cannot_be_read_is_refused_and_nothing_is_written(
    company: Company, name: str
) -> None:
    answer = await company.admin.post("/api/accounts", content=NOT_JSON[name], headers=JSON)
    check_problem(answer, 400, 422)
    assert await accounts(company) == ["ACME", "BETA"]


@pytest.mark.parametrize("name", NOT_AN_ACCOUNT)
async def test_what_can_be_read_but_not_used_is_refused_with_the_field(
    company: Company, name: str
) -> None:
    body = json.dumps(NOT_AN_ACCOUNT[name]).encode()
    problem = check_problem(
        await company.admin.post("/api/accounts", content=body, headers=JSON), 400, 422
    )
    if name == "wrong type":
        assert "name" in problem["detail"]
    assert await accounts(company) == ["ACME", "BETA"]


async def test_a_body_that_was_forgotten_is_asked_for(company: Company) -> None:
    problem = check_problem(await company.admin.post("/api/accounts"), 422)
    assert "Send a JSON body" in problem["detail"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", "x", "", "a/b; c=\x80"]
)
async def test_the_content_type_that_a_program_forgot_is_no_defect_of_ours(
    company: Company, content_type: str
) -> None:
    body = b'{"name": "Acme", "code": "NEW-1"}'
    headers = [(b"content-type", content_type.encode("latin-1"))]
    for url in ("/api/accounts", "/api/orders/form", "/api/imports", "/api/login"):
        answer = await company.admin.post(url, content=body, headers=headers)
        assert answer.status_code < 500, f"{url}: {answer.text}"
        if answer.is_error:
            check_problem(answer)


@pytest.mark.parametrize(
    ("url", "limit_bytes"),
    [("/api/orders", MAX_BODY_BYTES), ("/api/driver/envelopes", MAX_BATCH_BYTES)],
)
async def test_a_body_that_is_too_large_is_refused_with_the_limit(
    company: Company, url: str, limit_bytes: int
) -> None:
    client = company.phone if "driver" in url else company.admin
    answer = await client.post(url, content=b" " * (limit_bytes + 1), headers=JSON)
    problem = check_problem(answer, 413)
    assert (problem["code"], problem["limit_bytes"]) == ("too_large", limit_bytes)


async def test_a_method_that_does_nothing_here_is_told_which_does(company: Company) -> None:
    answer = await company.admin.delete("/api/orders")
    problem = check_problem(answer, 405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert "GET" in problem["detail"]


@pytest.mark.parametrize("url", ["/api/nothing", "/api/orders/7", "/api/orders/%00", "/%ff"])
async def test_an_address_where_nothing_is_is_a_problem_document_too(
    company: Company, url: str
) -> None:
    check_problem(await company.admin.get(url), 404)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=1e3", "after=7", "state=lost", "limit=%00"]
)
async def test_query_parameters_have_bounds(company: Company, query: str) -> None:
    problem = check_problem(await company.admin.get(f"/api/orders?{query}"), 422)
    assert problem["fields"]


async def test_a_value_that_the_database_refuses_is_422_and_undone(company: Company) -> None:
    """Seen only when it is too late for a check: the transaction's end finds it."""
    times = {"since": "0001-01-01T00:00:00+14:00", "until": "2026-03-02T00:00:00Z"}
    answer = await company.admin.get("/api/reports/day", params=times)
    check_problem(answer, 422)


async def test_a_stranger_page_cannot_change_anything(company: Company) -> None:
    body = {"name": "Acme", "code": "ACME2"}
    for headers in ({"X-CSRF-Token": "wrong"}, {"Origin": "https://evil.example"}):
        answer: httpx.Response = await company.admin.post(
            "/api/accounts", json=body, headers=headers
        )
        check_problem(answer, 403)
    assert await accounts(company) == ["ACME", "BETA"]
