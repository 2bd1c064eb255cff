"""What a gateway tells Prometheus and a proxy's health check, at its own port only: whoever comes
through the web process gets neither. (The company's figures are at /api/metrics.)"""


def plain_answer(text: str) -> bytes:
    """As a whole HTTP answer."""
    body = text.encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
