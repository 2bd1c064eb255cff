"""Dataclass <-> JSON without any library, for the phone. The server may use msgspec on the same
classes; a test holds both to the same bytes.

Decoding is strict about what is there (types, names of frames) and lenient about what is not
known: an unknown field is ignored, so that an older phone understands a newer server.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from server.protocol import from_driver, to_driver  # noqa: F401 - they register their frames
from server.protocol.envelope import FRAMES, Envelope
from server.protocol.from_driver import Fixes
from server.protocol.packed import KIND, pack_fixes, unpack_fixes

MAX_ID_LENGTH = 64
PACKED = bytes([KIND])
INT64 = range(-(2**63), 2**63)
HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class MalformedFrame(ValueError):
    """The frame is not what its name says; the message names the place and what is wrong there.

    envelope_id: the id of its envelope, so that a Reject can name it; None when it had none.
    """

    envelope_id: str | None = None


def encode(envelope: Envelope) -> str:
    """The envelope as one line of JSON."""
    return _to_json(_plain_envelope(envelope))


def encode_frame(envelope: Envelope) -> str | bytes:
    """The envelope for a socket: fixes packed, all else as text."""
    return pack_fixes(envelope) if isinstance(envelope.body, Fixes) else encode(envelope)


def decode(text: str | bytes) -> Envelope:
    """The envelope that `text` holds, or that `encode_frame` packed.

    Raises
    ------
    MalformedFrame
        When it is not JSON, not an envelope, of an unknown type, or a field has a wrong type.
    """
    if isinstance(text, bytes) and text[:1] == PACKED:
        try:
            return unpack_fixes(text)
        except ValueError as error:
            raise MalformedFrame(str(error)) from None
    return _read_envelope(_from_json(text))


def encode_batch(envelopes: Iterable[Envelope]) -> str:
    """Several envelopes as the body of one POST or of its answer."""
    return _to_json({"envelopes": [_plain_envelope(envelope) for envelope in envelopes]})


def decode_batch(text: str | bytes) -> list[Envelope | MalformedFrame]:
    """What `encode_batch` wrote. One malformed envelope does not spoil the others: it comes back
    as the error in its place.

    Raises
    ------
    MalformedFrame
        When it is not JSON or not a batch at all.
    """
    raw = _from_json(text)
    if not isinstance(raw, dict) or not isinstance(raw.get("envelopes"), list):
        raise MalformedFrame("a batch is a JSON object with a list of envelopes")
    made: list[Envelope | MalformedFrame] = []
    for item in raw["envelopes"]:
        try:
            made.append(_read_envelope(item))
        except MalformedFrame as error:
            made.append(error)
    return made


def encode_part(value: Any) -> str:
    """A frame or part alone, without its envelope: how the phone keeps it in its store."""
    return _to_json(_plain(value))


def decode_part[T](cls: type[T], text: str | bytes) -> T:
    """The frame or part that `encode_part` wrote."""
    made: T = _decoder(cast(Any, cls))(_from_json(text), cls.__name__)
    return made


def _to_json(plain: Any) -> str:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _from_json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedFrame(f"not JSON: {error}") from None


def _plain_envelope(envelope: Envelope) -> dict[str, Any]:
    return {
        "type": envelope.type,
        "id": envelope.id,
        "sent_at": _plain(envelope.sent_at),
        "body": _plain(envelope.body),
    }


def _read_envelope(raw: Any) -> Envelope:
    if not isinstance(raw, dict):
        raise MalformedFrame("an envelope is a JSON object with type, id, sent_at and body")
    envelope_id = _text(raw.get("id"), "id")
    if not 1 <= len(envelope_id) <= MAX_ID_LENGTH:
        raise MalformedFrame(f"id: expected 1 to {MAX_ID_LENGTH} characters")
    try:
        name = raw.get("type")
        if not isinstance(name, str) or name not in FRAMES:
            raise MalformedFrame(f"type: no frame is called {name!r}")
        return Envelope(
            id=envelope_id,
            sent_at=_datetime(raw.get("sent_at"), "sent_at"),
            body=_decoder(FRAMES[name])(raw.get("body"), "body"),
        )
    except MalformedFrame as error:
        error.envelope_id = envelope_id
        raise


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time on the wire must say its time zone")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


Decoder = Callable[[Any, str], Any]


@cache
def _decoder(kind: Any) -> Decoder:
    """A function that turns plain JSON into `kind`, or raises MalformedFrame with the path."""
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple_decoder(_decoder(arguments[0]))
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _optional_decoder(_decoder(inner))
    if origin is Literal:
        return _literal_decoder(arguments)
    return {datetime: _datetime, float: _float, int: _int, str: _text, bool: _bool}[kind]


def _dataclass_decoder(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    known = [
        (field.name, _decoder(hints[field.name]), field.default is MISSING)
        for field in fields(kind)
    ]

    def decode_object(raw: Any, path: str) -> Any:
        if not isinstance(raw, dict):
            raise MalformedFrame(f"{path}: expected an object, got {type(raw).__name__}")
        values = {}
        for name, inner, required in known:
            if name in raw:
                values[name] = inner(raw[name], f"{path}.{name}")
            elif required:
                raise MalformedFrame(f"{path}.{name}: missing")
        return kind(**values)

    return decode_object


def _tuple_decoder(inner: Decoder) -> Decoder:
    def decode_items(raw: Any, path: str) -> Any:
        if not isinstance(raw, list):
            raise MalformedFrame(f"{path}: expected a list, got {type(raw).__name__}")
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(raw))

    return decode_items


def _optional_decoder(inner: Decoder) -> Decoder:
    return lambda raw, path: None if raw is None else inner(raw, path)


def _literal_decoder(allowed: tuple[Any, ...]) -> Decoder:
    def decode_literal(raw: Any, path: str) -> Any:
        if raw not in allowed:
            raise MalformedFrame(f"{path}: {raw!r} is none of {', '.join(map(str, allowed))}")
        return raw

    return decode_literal


def _datetime(raw: Any, path: str) -> datetime:
    try:
        value = datetime.fromisoformat(raw)
        if value.tzinfo is None:
            raise MalformedFrame(f"{path}: a time must say its time zone")
        return value.astimezone(UTC)
    except MalformedFrame:
        raise
    except (TypeError, ValueError, OverflowError):
        raise MalformedFrame(f"{path}: {raw!r} is not a time in ISO 8601") from None


def _float(raw: Any, path: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise MalformedFrame(f"{path}: expected a number, got {type(raw).__name__}")
    try:
        value = float(raw)
    except OverflowError:
        value = float("inf")
    if not isfinite(value):
        raise MalformedFrame(f"{path}: the number is not finite")
    return value


def _int(raw: Any, path: str) -> int:
    # bool is an int in Python, but not on the wire.
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise MalformedFrame(f"{path}: expected int, got {type(raw).__name__}")
    if raw not in INT64:
        raise MalformedFrame(f"{path}: the number does not fit into 64 bits")
    return raw


def _text(raw: Any, path: str) -> str:
    if not isinstance(raw, str):
        raise MalformedFrame(f"{path}: expected str, got {type(raw).__name__}")
    # JSON may spell both, but neither can be stored as text.
    if "\0" in raw or HALF_CHARACTER.search(raw):
        raise MalformedFrame(f"{path}: the text holds a NUL or half a character")
    return raw


def _bool(raw: Any, path: str) -> bool:
    if not isinstance(raw, bool):
        raise MalformedFrame(f"{path}: expected bool, got {type(raw).__name__}")
    return raw
