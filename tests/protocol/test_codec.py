"""The codec keeps every frame, is strict about what is there, and agrees with msgspec."""

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import from_driver, to_driver
from server.protocol.codec import (
    MalformedFrame,
    decode,
    decode_batch,
    decode_part,
    encode,
    encode_batch,
    encode_part,
)
from server.protocol.envelope import COMMANDS, FRAMES, Envelope
from server.protocol.from_driver import (
    AcceptTasks,
    Command,
    CompleteTask,
    Fix,
    Heartbeat,
    Hello,
    Proof,
    SetShift,
)
from server.protocol.to_driver import Ack

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    # JSON spells floats that are very large or very small in more than one way.
    float: st.floats(-1e15, 1e15).filter(lambda number: number == 0 or abs(number) > 1e-3),
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may have."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{f.name: values(hints[f.name]) for f in fields(kind)})
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(*map(values, get_args(kind)))
    return PLAIN[kind]


frames = st.sampled_from(sorted(FRAMES.values(), key=lambda cls: cls.__name__)).flatmap(values)
envelopes = st.builds(Envelope, id=st.uuids().map(str), sent_at=values(datetime), body=frames)


@given(envelopes)
def test_every_frame_comes_back_as_it_was(envelope: Envelope) -> None:
    assert decode(encode(envelope)) == envelope
    assert decode(encode(envelope).encode()) == envelope
    assert decode_part(type(envelope.body), encode_part(envelope.body)) == envelope.body


@given(envelopes)
def test_msgspec_writes_the_same_bytes_and_reads_the_same_frame(envelope: Envelope) -> None:
    body = envelope.body
    assert msgspec.json.encode(body) == encode_part(body).encode()
    assert msgspec.json.decode(encode_part(body), type=type(body)) == body
    around = {"type": envelope.type, "id": envelope.id, "sent_at": envelope.sent_at, "body": body}
    assert msgspec.json.encode(around) == encode(envelope).encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_read_as_msgspec_reads_it(number: float) -> None:
    fix = Fix(seq=1, taken_at=AT, lon=number, lat=0.0, accuracy_m=1.0)
    assert decode_part(Fix, msgspec.json.encode(fix)) == fix
    assert msgspec.json.decode(encode_part(fix), type=Fix) == fix


@given(st.lists(envelopes, max_size=4))
def test_batch_comes_back_as_it_was(batch: list[Envelope]) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@given(envelopes, st.data())
def test_unknown_field_of_a_newer_peer_is_ignored(envelope: Envelope, data: st.DataObject) -> None:
    raw = json.loads(encode(envelope))
    raw["new"] = data.draw(st.none() | st.text())
    raw["body"]["invented_later"] = [{"deep": 1}]
    assert decode(json.dumps(raw)) == envelope


@given(envelopes, st.data())
def test_field_that_has_a_default_may_be_missing_and_no_other(
    envelope: Envelope, data: st.DataObject
) -> None:
    raw = json.loads(encode(envelope))
    known = fields(type(envelope.body))
    field = data.draw(st.sampled_from(known))
    del raw["body"][field.name]
    if field.default is not MISSING:
        assert getattr(decode(json.dumps(raw)).body, field.name) == field.default
    else:
        with pytest.raises(MalformedFrame, match=rf"body\.{field.name}: missing"):
            decode(json.dumps(raw))


@given(st.text() | st.binary())
def test_rubbish_is_malformed_and_nothing_worse(text: str | bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(text)
    with pytest.raises(MalformedFrame):
        decode_batch(text)


@given(envelopes, st.data())
def test_any_other_value_in_any_place_is_malformed_or_understood_but_nothing_worse(
    envelope: Envelope, data: st.DataObject
) -> None:
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
    raw = json.loads(encode(envelope))
    place = data.draw(st.sampled_from([raw, raw["body"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    try:
        understood = decode(json.dumps(raw))
    except MalformedFrame as error:
        assert error.envelope_id in (None, raw["id"])
    else:
        assert decode(encode(understood)) == understood


def envelope_text(**changes: Any) -> str:
    body = {"lon": 9.5, "lat": 47.1, "seq": 1, "taken_at": "2026-03-02T08:00:00Z", "accuracy_m": 5}
    fixes = {"fixes": [{**body, **changes.pop("fix", {})}]}
    known = {"type": "Fixes", "id": "e1", "sent_at": "2026-03-02T08:00:00Z", "body": fixes}
    return json.dumps({**known, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "Nonsense"}, "type: no frame is called 'Nonsense'"),
        ({"type": ["Fixes"]}, "type: no frame is called"),
        ({"id": ""}, "id: expected 1 to 64 characters"),
        ({"id": "x" * 65}, "id: expected 1 to 64 characters"),
        ({"id": 7}, "id: expected str, got int"),
        ({"sent_at": "2026-03-02T08:00:00"}, "sent_at: a time must say its time zone"),
        ({"sent_at": "0001-01-01T00:00:00+14:00"}, "sent_at: .* is not a time"),
        ({"sent_at": 5}, "sent_at: 5 is not a time"),
        ({"body": []}, "body: expected an object, got list"),
        ({"body": {"fixes": {}}}, r"body\.fixes: expected a list, got dict"),
        ({"fix": {"seq": True}}, r"body\.fixes\[0\]\.seq: expected int, got bool"),
        ({"fix": {"seq": 1.0}}, r"seq: expected int, got float"),
        ({"fix": {"seq": 2**63}}, "seq: the number does not fit into 64 bits"),
        ({"fix": {"lon": "9"}}, "lon: expected a number, got str"),
        ({"fix": {"lon": True}}, "lon: expected a number, got bool"),
        ({"fix": {"lon": float("nan")}}, "lon: the number is not finite"),
        ({"fix": {"lon": 10**400}}, "lon: the number is not finite"),
        ({"fix": {"lon": None}}, "lon: expected a number, got NoneType"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedFrame, match=message):
        decode(envelope_text(**changes))


def test_error_names_the_envelope_so_that_it_can_be_rejected() -> None:
    with pytest.raises(MalformedFrame) as caught:
        decode(envelope_text(body={}))
    assert caught.value.envelope_id == "e1"
    with pytest.raises(MalformedFrame) as caught:
        decode("[]")
    assert caught.value.envelope_id is None


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d"])
def test_text_that_no_database_holds_is_malformed(text: str) -> None:
    raw = json.dumps({"task_ids": [text], "occurred_at": "2026-03-02T08:00:00Z"})
    with pytest.raises(MalformedFrame, match=r"task_ids\[0\]: the text holds a NUL or half"):
        decode_part(AcceptTasks, raw)


def test_choice_outside_the_list_is_malformed() -> None:
    raw = '{"change":"pause","occurred_at":"2026-03-02T08:00:00Z"}'
    with pytest.raises(MalformedFrame, match="'pause' is none of start, break_start"):
        decode_part(SetShift, raw)


def test_very_deep_json_is_malformed() -> None:
    with pytest.raises(MalformedFrame):
        decode("[" * 100_000)


@pytest.mark.parametrize("text", ["[]", "{}", '{"envelopes":{}}', "3"])
def test_batch_is_an_object_with_a_list(text: str) -> None:
    with pytest.raises(MalformedFrame, match="a batch is"):
        decode_batch(text)


def test_one_malformed_envelope_does_not_spoil_its_batch() -> None:
    good = Envelope(id="good", sent_at=AT, body=Ack())
    text = f'{{"envelopes":[{envelope_text(type="Nonsense")},{encode(good)}]}}'
    bad, kept = decode_batch(text)
    assert isinstance(bad, MalformedFrame)
    assert bad.envelope_id == "e1"
    assert kept == good


def test_time_of_any_zone_is_sent_and_read_as_utc() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    envelope = Envelope(id="e", sent_at=AT.astimezone(zone), body=Heartbeat())
    assert '"sent_at":"2026-03-02T08:00:00Z"' in encode(envelope)
    assert decode(encode(envelope)).sent_at.tzinfo is UTC


def test_time_without_zone_and_number_that_is_none_are_not_sent() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encode(Envelope(id="e", sent_at=AT.replace(tzinfo=None), body=Heartbeat()))
    with pytest.raises(ValueError, match="JSON"):
        encode_part(Fix(seq=1, taken_at=AT, lon=float("nan"), lat=0.0, accuracy_m=1.0))


def test_frames_of_an_older_phone_are_still_understood() -> None:
    """What the first app sent, letter by letter; what was added to frames since then is empty."""
    text = (
        '{"type":"CompleteTask","id":"019cad8f-ac00-7d4f-89c9-aea81d1af908",'
        '"sent_at":"2026-03-02T08:00:00Z","body":{"task_id":"T1","outcome_code":"delivered",'
        '"occurred_at":"2026-03-02T07:59:00Z","position":{"lon":9.5,"lat":47.1,"accuracy_m":4.0},'
        '"parcels":[{"barcode":"P2","outcome":"refused"}],"proof":{"photos":[{"sha256":"ab",'
        '"size_bytes":3,"content_type":"image/jpeg"}],"signature":null,"recipient_name":"Ada",'
        '"pin":null,"scans":["P1"],"age_checked":null,"note":null},"cash_minor":1250}}'
    )
    body = decode(text).body
    assert isinstance(body, CompleteTask)
    assert (body.proof.recipient_name, body.cash_minor) == ("Ada", 1250)
    today = text.replace('"image/jpeg"}', '"image/jpeg","small_sha256":null}')
    assert encode(decode(text)) == today


def test_every_command_says_when_it_happened_and_is_in_the_union() -> None:
    assert set(Command.__args__) == COMMANDS
    for command in COMMANDS:
        assert get_type_hints(command)["occurred_at"] is datetime


def test_every_frame_is_defined_in_one_of_the_two_directions() -> None:
    for name, cls in FRAMES.items():
        module = from_driver if hasattr(from_driver, name) else to_driver
        assert getattr(module, name) is cls
    assert {Hello, Proof} - set(FRAMES.values()) == {Proof}
