"""Every operation of the OpenAPI document, with input that fits it, input that does not, and
poison. Half of it names things that exist, so that it gets past the front door.
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from litestar.serialization import decode_json, encode_json
from schemathesis.generation.meta import TestPhase as Phase
from schemathesis.specs.openapi import checks

from server.app.web import create_app
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.settings import ROOT, Settings
from tests.api.company import Company, check_problem

SEED = 20260302
THOROUGH = "POSTRIDER_FUZZ" in os.environ
"""Takes minutes: many more examples, and every field at each of its bounds."""

MADE_UP, POISONED = (20, 60) if THOROUGH else (6, 10)
"""Requests of each kind for each operation."""

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]

NESTED: list[Any] = []
for _ in range(400):
    NESTED = [NESTED]

POISON_FOR_URLS: list[Any] = ["a\0b", "x" * 10_000, "%00", "", -1, 2**31, 2**63, 10**400, "nan"]
POISON = [*POISON_FOR_URLS, "\ud800", 1e308, float("nan"), True, None, {}, NESTED]
POISON_FOR_TIMES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "2026-03-02T08:00:00",
    "0001-01-01",
    "9999-12-31",
    "24:00:00",
    "23:59:59.999999",
]


def openapi_document() -> bytes:
    """As /api/docs/openapi.json serves it. It connects to nothing."""
    nowhere = Settings(database_url="postgresql+asyncpg://", redis_url="redis://", data_dir=ROOT)
    db, feed = Database(nowhere.database_url), Feed(nowhere.redis_url)
    app = create_app(nowhere, db, feed, Blobs(nowhere.blobs_dir))
    return encode_json(app.openapi_schema.to_schema())


DOCUMENT = openapi_document()


def operations(examples: int) -> schemathesis.BaseSchema:
    config = {
        "seed": SEED,
        "base-url": "http://testserver",
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "phases": {"coverage": {"enabled": THOROUGH}},
    }
    return schemathesis.openapi.from_dict(
        decode_json(DOCUMENT), config=schemathesis.Config.from_dict(config)
    )


any_input = operations(MADE_UP)
poisoned_input = operations(POISONED).include(lambda context: takes_input(context.operation))

Send = Callable[[httpx.AsyncClient, schemathesis.Case], httpx.Response]


@pytest_asyncio.fixture
async def send(company: Company) -> Send:
    """Sends to the app in the loop of the fixtures, which stands still while a test runs."""
    loop = asyncio.get_running_loop()

    def send(client: httpx.AsyncClient, case: schemathesis.Case) -> httpx.Response:
        request = case.as_transport_kwargs()
        if (body := request.pop("json", None)) is not None:
            request["data"] = json.dumps(body)  # as lenient as a careless program
            request["headers"].setdefault("Content-Type", "application/json")
        made = requests.Request(**request).prepare()
        return loop.run_until_complete(
            client.request(made.method, made.url, headers=made.headers, content=made.body)
        )

    return send


@any_input.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_whatever_it_is_sent(
    case: schemathesis.Case, company: Company, send: Send
) -> None:
    existing = naming_what_exists(case, company.ids)
    check(send(company.admin, existing), existing)
    if case.meta.phase.name == Phase.FUZZING:
        check(send(company.admin, case), case)
        check(send(company.of_beta, existing), existing)
        check(send(company.anonymous, existing), existing)


@poisoned_input.given(data=st.data())
@poisoned_input.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_no_operation_can_be_poisoned(
    case: schemathesis.Case, data: st.DataObject, company: Company, send: Send
) -> None:
    poisoned = naming_what_exists(case, company.ids)
    fields = [*fields_of(poisoned.query), *fields_of(poisoned.body)]
    if fields:
        holder, name = data.draw(st.sampled_from(fields))
        in_json = holder is not poisoned.query and "json" in (poisoned.media_type or "")
        holder[name] = data.draw(st.sampled_from(poison_for(name, in_json=in_json)))
        poisoned.freeze_metadata()  # poison is not to be looked at by schemathesis
    check(send(company.admin, poisoned), poisoned)


def poison_for(name: Any, *, in_json: bool) -> list[Any]:
    if str(name).endswith("_at") or name in ("day", "since", "until"):
        return POISON_FOR_TIMES
    return POISON if in_json else POISON_FOR_URLS


def takes_input(operation: schemathesis.APIOperation) -> bool:
    says = operation.definition.raw
    return "requestBody" in says or any(
        each["in"] == "query" for each in says.get("parameters", ())
    )


def check(answer: httpx.Response, sent: schemathesis.Case) -> None:
    assert answer.status_code < 500, f"seed {SEED}: {answer.text}"
    if answer.is_error:
        check_problem(answer)
    sent.validate_response(answer, checks=CHECKS)


def naming_what_exists(case: schemathesis.Case, ids: dict[str, str]) -> schemathesis.Case:
    things = {name: each for name, each in ids.items() if name.endswith("_id")}
    existing = case.derive()
    existing.path_parameters = with_ids(case.path_parameters, ids)
    existing.query = with_ids(case.query, things)
    existing.body = with_ids(case.body, things)
    return existing


def with_ids(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [with_ids(each, ids) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: ids[name] if name in ids and isinstance(each, str) else with_ids(each, ids)
        for name, each in value.items()
    }


def fields_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in it that holds a value: (dict or list, key or index)."""
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield value, name
            yield from fields_of(value[name])
