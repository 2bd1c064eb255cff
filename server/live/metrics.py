"""What a gateway tells Prometheus and a proxy's health check, at its own port only: whoever comes
through the web process gets neither."""

from collections.abc import Iterable
from typing import NamedTuple


class Metric(NamedTuple):
    """kind: "counter" (since the process began) or "gauge" (now)."""

    name: str
    kind: str
    help: str
    value: float


def plain_answer(text: str) -> bytes:
    """As a whole HTTP answer."""
    body = text.encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def exposition(metrics: Iterable[Metric]) -> str:
    """In the text format of Prometheus."""
    return "".join(
        f"# HELP postrider_{each.name} {each.help}\n# TYPE postrider_{each.name} {each.kind}\n"
        f"postrider_{each.name} {each.value:g}\n"
        for each in metrics
    )
