"""What the OpenAPI document says beyond the routes: how a refusal looks, and what is forbidden."""

from datetime import time
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar.config.app import AppConfig
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import InitPlugin, OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from server.kit.geo import Position

PROBLEM = "application/problem+json"

REFUSALS = {
    400: "The request cannot be read.",
    401: "Sign in, or send a valid key or token.",
    403: "Not yours to do.",
    404: "No such thing, or none of yours.",
    409: "It has changed in the meantime, or is in a state that does not allow this.",
    413: "Send less at once.",
    422: "It can be read but not used; `fields` says which part.",
    429: "Too many attempts; Retry-After says how long to wait.",
    503: "A part of the system is away; the same request may work later.",
}
LOCAL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"


class ProblemDocument(msgspec.Struct, frozen=True):
    """RFC 9457. code: for programs. detail: a sentence that a person can act on. What else is known
    of the problem stands beside these, and the `pattern` of the sentence, which those fill in."""

    type: str
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    code: str
    detail: str


class DocumentedRefusals(InitPlugin):
    """Adds the refusals to every route; what a route says of a status itself takes precedence."""

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        for handler in app_config.route_handlers:
            if isinstance(handler, HTTPRouteHandler):
                refusals = {status: _refusal(status) for status in REFUSALS}
                handler.responses = {**refusals, **(handler.responses or {})}
        return app_config


class ExactSchemas(OpenAPISchemaPlugin):
    """Says of our types what Litestar leaves out or gets wrong."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        field = field_definition
        exact = field.annotation in (time, Position)
        return exact or _is_tuple_of_many(field) or _forbids_more(field)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        if field_definition.annotation is time:
            return Schema(type=OpenAPIType.STRING, pattern=LOCAL_TIME)
        if field_definition.annotation is Position:
            return Schema(
                type=OpenAPIType.ARRAY,
                items=Schema(type=OpenAPIType.NUMBER),
                min_items=2,
                max_items=2,
                description="lon, lat",
            )
        if _is_tuple_of_many(field_definition):
            items = schema_creator.for_field_definition(field_definition.inner_types[0])
            return Schema(type=OpenAPIType.ARRAY, items=items)
        (litestars,) = (
            plugin
            for plugin in schema_creator.plugins
            if plugin is not self and plugin.is_plugin_supported_field(field_definition)
        )
        schema: Schema = litestars.to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        return schema


def _is_tuple_of_many(field: FieldDefinition) -> bool:
    return field.origin is tuple and field.inner_types[-1].annotation is Ellipsis


def _forbids_more(field: FieldDefinition) -> bool:
    is_struct = not field.is_union and field.is_subclass_of(msgspec.Struct)
    return is_struct and field.annotation.__struct_config__.forbid_unknown_fields


def _refusal(status: int) -> ResponseSpec:
    return ResponseSpec(
        ProblemDocument,
        generate_examples=False,
        description=f"{HTTPStatus(status).phrase}. {REFUSALS[status]}",
        media_type=PROBLEM,
    )
