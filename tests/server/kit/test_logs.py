"""Lines of a log that a person and a program can read, and the trace that joins them."""

import asyncio
import json
import logging
import sys

import pytest

from server.kit.logs import JsonLines, Sentences, begin_trace, current_trace, set_up_logs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def record(message: str, *values: object, error: bool = False) -> logging.LogRecord:
    exc_info = sys.exc_info() if error else None
    return logging.LogRecord("server.x", logging.WARNING, "x.py", 1, message, values, exc_info)


async def test_a_line_names_the_trace_of_the_proxy_and_each_task_has_its_own() -> None:
    async def one(traceparent: str | None) -> tuple[str, str]:
        told = begin_trace(traceparent)
        await asyncio.sleep(0)
        return told, json.loads(JsonLines().format(record("slow %s", "café")))["trace_id"]

    joined, mine, other = await asyncio.gather(
        one(f"00-{TRACE}-00f067aa0ba902b7-01"), one(None), one("00-nonsense-01")
    )
    assert joined == (TRACE, TRACE)
    assert mine[0] == mine[1] != other[0] == other[1]
    assert len(mine[0]) == len(other[0]) == 32
    assert current_trace() == "", "who asks outside of them has none"


@pytest.mark.parametrize("told", ["", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", TRACE, "x" * 9999])
async def test_a_trace_that_is_none_gives_way_to_one_of_ours(told: str) -> None:
    assert begin_trace(told) not in (TRACE, "0" * 32)


async def test_a_line_for_programs_is_one_object_even_with_an_error() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = JsonLines().format(record('it "broke"\nhere', error=True))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == (
        "warning",
        "server.x",
        'it "broke"\nhere',
    )
    assert "ValueError: two\nlines" in told["error"]


async def test_a_line_for_people_ends_with_the_trace() -> None:
    assert Sentences().format(record("late")) == "WARNING server.x: late"
    trace = begin_trace()
    assert Sentences().format(record("late")) == f"WARNING server.x: late [trace {trace}]"


def test_an_unknown_way_of_speaking_is_refused_in_words() -> None:
    with pytest.raises(SystemExit, match="text or json"):
        set_up_logs({"POSTRIDER_LOG": "xml"})
