"""What processes say about themselves: sentences for people, or one JSON object a line for programs
that gather logs (POSTRIDER_LOG=json). Both name the trace to which a line belongs: one request,
from the proxy (W3C Trace Context) to the last line that it causes here.
"""

import json
import logging
import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16


def begin_trace(traceparent: str | None = None) -> str:
    """Let what follows in this task belong to the caller's trace, or to one of its own; its id, 32
    hexadecimal digits."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    is_told = found is not None and found[1] != NO_TRACE
    trace_id = found[1] if found is not None and is_told else secrets.token_hex(16)
    _trace_id.set(trace_id)
    return trace_id


def continue_trace(trace_id: str | None) -> str:
    """Let what follows in this task belong to a trace of ours that began elsewhere, or to a new
    one; its id."""
    found = trace_id or secrets.token_hex(16)
    _trace_id.set(found)
    return found


def parent_span_of(traceparent: str | None) -> str | None:
    """Who is asking, for those who draw traces: 16 hexadecimal digits, or None."""
    found = TRACEPARENT.fullmatch(traceparent or "")
    if found is None or found[1] == NO_TRACE or found[2] == NO_SPAN:
        return None
    return found[2]


def current_trace() -> str:
    """The id of the trace; "" outside of any."""
    return _trace_id.get()


class Sentences(logging.Formatter):
    """As a person reads them."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = super().formatMessage(record)
        return f"{line} [trace {trace}]" if (trace := current_trace()) else line


class JsonLines(logging.Formatter):
    """One object a line: at, level, logger, message, and when there are any trace_id and error."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := current_trace():
            said["trace_id"] = trace
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def set_up_logs(environ: Mapping[str, str]) -> None:
    """How this process speaks, for good.

    Raises
    ------
    SystemExit
        For a way of speaking that there is not.
    """
    wanted = environ.get("POSTRIDER_LOG", "text")
    formatters: dict[str, type[logging.Formatter]] = {"text": Sentences, "json": JsonLines}
    if wanted not in formatters:
        raise SystemExit(f"POSTRIDER_LOG is {wanted!r}; it may be text or json")
    handler = logging.StreamHandler()
    handler.setFormatter(formatters[wanted]())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
