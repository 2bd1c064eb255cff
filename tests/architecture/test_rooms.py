"""The house stands as the architecture says: rooms, walls, names, one commit, declared access."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.openapi.spec import OpenAPIType, Schema
from sqlalchemy.orm import RelationshipProperty

from server.app.modules import MODULES, load
from server.identity.access import Access
from server.kit.db import Base
from server.kit.outbox import EVENTS
from server.kit.settings import ROOT

SERVER = ROOT / "server"
NOT_ROOMS = {"app", "migrations", "decisions", "protocol"}
LINES_MAX = 400
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def contract(name: str) -> dict[str, object]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (found,) = (each for each in contracts["contracts"] if each["name"] == name)
    return dict(found)


def test_every_folder_of_the_server_is_a_listed_room() -> None:
    folders = {path.name for path in SERVER.iterdir() if (path / "__init__.py").exists()}
    assert folders - NOT_ROOMS == set(MODULES)


def test_rooms_are_listed_from_the_ground_up_as_the_import_contract_has_them() -> None:
    layers = contract("Rooms call down, never up or sideways")["layers"]
    assert isinstance(layers, list)
    height = {
        room.strip(): number
        for number, layer in enumerate(reversed(layers))
        for room in str(layer).split("|")
    }
    heights = [height[room] for room in MODULES]
    assert heights == sorted(heights)


def test_rooms_meet_only_at_service_and_events() -> None:
    wrong = []
    for path in python_files("server"):
        room = path.relative_to(SERVER).parts[0]
        if room in ("app", "migrations", "__main__.py"):
            continue
        for name in imports_of(path):
            match = re.match(r"server\.(\w+)\.(\w+)", name)
            if match is None or match[1] in (room, "kit", "protocol"):
                continue
            doors = {"service", "events"}
            if match[1] == "identity":
                doors |= {"access"}
            if room == "reporting":
                doors |= {"models"}
            if match[2] not in doors:
                wrong.append(f"{shown(path)} imports {name}, which is private to {match[1]}")
    assert wrong == []


def test_events_stand_where_the_relay_looks_for_them() -> None:
    load("reactions")
    load("routes")
    doors = {f"server.{room}.events" for room in MODULES}
    strays = [event.__module__ for event in EVENTS.values() if event.__module__ not in doors]
    assert [each for each in strays if each.startswith("server.")] == []


def test_files_are_named_for_what_they_hold() -> None:
    files = python_files("server", "routing", "driver_app")
    assert [shown(path) for path in files if path.stem in BANNED_NAMES] == []


def test_files_are_short_enough_to_be_read_at_once() -> None:
    files = python_files("server", "routing", "driver_app")
    long = {shown(path): len(path.read_text().splitlines()) for path in files}
    assert {path: lines for path, lines in long.items() if lines > LINES_MAX} == {}


def test_commit_appears_only_where_transactions_are_opened() -> None:
    calls = re.compile(r"\bsession\.(commit|rollback)\(")
    found = [path for path in python_files("server") if calls.search(path.read_text())]
    assert found == []


def test_routes_do_not_postpone_their_annotations() -> None:
    found = [
        path
        for path in SERVER.rglob("routes.py")
        if "from __future__ import annotations" in path.read_text()
    ]
    assert found == []


def test_time_comes_from_the_clock() -> None:
    clocks = re.compile(r"datetime\.(now|utcnow)\(|func\.now\(|time\.time\(\)")
    allowed = {SERVER / "kit/clock.py"}
    found = [
        str(path.relative_to(ROOT))
        for path in python_files("server")
        if path not in allowed and clocks.search(path.read_text())
    ]
    assert found == []


def test_relationships_never_load_by_themselves() -> None:
    load("models")
    for mapper in Base.registry.mappers:
        for attribute in mapper.attrs:
            if isinstance(attribute, RelationshipProperty):
                assert attribute.lazy == "raise", f"{mapper.class_.__name__}.{attribute.key}"
                here, there = mapper.class_.__module__, attribute.mapper.class_.__module__
                assert here == there, f"{attribute} leads into another room"


def test_every_route_declares_who_may_call_it(app: Litestar) -> None:
    """Litestar adds handlers of its own (OPTIONS, the API's description); all the rest is ours."""
    handlers = [
        handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]
        if not handler.fn.__module__.startswith("litestar.")
    ]
    offered = {handler.fn.__name__ for room in load("routes") for handler in room.ROUTES}
    assert offered <= {handler.fn.__name__ for handler in handlers}
    assert len(offered) > 100
    undeclared = [
        handler.handler_name
        for handler in handlers
        if [type(guard) for guard in handler.guards or ()] != [Access]
    ]
    assert undeclared == []


def test_bounds_of_query_parameters_are_where_litestar_heeds_them() -> None:
    """It ignores a msgspec.Meta there: only Annotated[int, QueryParameter(ge=1)] is checked."""
    ignored = re.compile(
        r"FromQuery\[\s*Annotated|FromPath\[\s*Annotated|Parameter\([^)]*\)\s*,\s*Meta"
    )
    found = [shown(path) for path in python_files("server") if ignored.search(path.read_text())]
    assert found == []


def test_no_query_parameter_without_bounds_takes_text_or_numbers(app: Litestar) -> None:
    unbounded = [
        f"{operation.operation_id}: {parameter.name}"
        for path in app.openapi_schema.paths.values()
        for operation in (path.get, path.post, path.put, path.patch, path.delete)
        for parameter in (operation.parameters if operation else None) or ()
        if parameter.param_in == "query" and not is_bounded(parameter.schema)
    ]
    assert unbounded == []


def is_bounded(schema: Any) -> bool:
    """Whether what it takes is limited in size or length; an id or a date is by its format."""
    kinds = [each for each in (schema, *(schema.one_of or ())) if isinstance(each, Schema)]
    if any(each.type in (OpenAPIType.INTEGER, OpenAPIType.NUMBER) for each in kinds):
        return schema.minimum is not None and schema.maximum is not None
    if any(each.type == OpenAPIType.STRING and not (each.format or each.enum) for each in kinds):
        return schema.max_length is not None or schema.pattern is not None
    return True


def test_tests_mirror_the_rooms() -> None:
    missing = [
        room for room in MODULES if not list((ROOT / "tests/server" / room).glob("test_*.py"))
    ]
    assert missing == []
