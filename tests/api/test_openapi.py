"""Every operation of the OpenAPI document, with input that fits it and input that does not.

Each input is sent by an admin, by a user of an account and by nobody; first as it was made up, and
then with the ids of things that exist, which are another account's for the account user.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from litestar.serialization import decode_json, encode_json

from server.app.web import create_app
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import Settings, ROOT
from tests.api.company import Company

SEED = 20260302
EXAMPLES = 12
"""Made-up ones of each operation, beside those at the bounds of every field."""

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def openapi_document() -> dict[str, Any]:
    """As `/api/docs/openapi.json` serves it; nothing is connected to for it."""
    nowhere = Settings(database_url="postgresql+asyncpg://", redis_url="redis://", data_dir=ROOT)
    db, feed = Database(nowhere.database_url), Feed(nowhere.redis_url)
    app = create_app(nowhere, db, feed, Blobs(nowhere.blobs_dir))
    document: dict[str, Any] = decode_json(encode_json(app.openapi_schema.to_schema()))
    return document


schema = schemathesis.openapi.from_dict(
    openapi_document(),
    config=schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "base-url": "http://testserver",
            "generation": {"max-examples": EXAMPLES, "no-shrink": True, "database": "none"},
            "phases": {"coverage": {"unexpected-methods": ["PUT", "TRACE"]}},
        }
    ),
)

Send = Callable[[httpx.AsyncClient, schemathesis.Case], httpx.Response]


@pytest_asyncio.fixture
async def send(company: Company) -> Send:
    """Sends to the app in the loop of the fixtures, which stands still while a test runs."""
    loop = asyncio.get_running_loop()

    def send(client: httpx.AsyncClient, case: schemathesis.Case) -> httpx.Response:
        prepared = requests.Request(**case.as_transport_kwargs()).prepare()
        return loop.run_until_complete(
            client.request(
                prepared.method, prepared.url, headers=prepared.headers, content=prepared.body
            )
        )

    return send


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_whatever_it_is_sent(
    case: schemathesis.Case, company: Company, send: Send
) -> None:
    for client in (company.admin, company.of_beta, company.anonymous):
        for sent in (case, naming_what_exists(case, company.ids)):
            answer = send(client, sent)
            STATS[answer.status_code]+=1
            assert answer.status_code < 500, f"seed {SEED}: {answer.text}"
            if answer.is_error:
                check_problem(answer)
            sent.validate_response(answer, checks=CHECKS)

import collections
STATS=collections.Counter()

def naming_what_exists(case: schemathesis.Case, ids: dict[str, str]) -> schemathesis.Case:
    ids_of_things = {name: each for name, each in ids.items() if name.endswith("_id")}
    existing = case.derive()
    existing.path_parameters = with_ids(case.path_parameters, ids)
    existing.query = with_ids(case.query, ids_of_things)
    existing.body = with_ids(case.body, ids_of_things)
    return existing


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: ids[name] if name in ids and isinstance(each, str) else with_ids(each, ids)
        for name, each in value.items()
    }


def check_problem(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"]
    assert problem["detail"]
