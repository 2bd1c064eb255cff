"""One HTTP request, blocking (run it in a thread). No redirects: the token goes to one server only,
and a Wi-Fi's login page is not taken for its answer."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from driver_app.core.tls import make_tls


class NoAnswer(Exception):
    """No usable answer came; the request may or may not have had its effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    @property
    def is_json(self) -> bool:
        return self.content_type.endswith(("/json", "+json"))

    def read_problem(self) -> tuple[str, str]:
        """The code and the sentence of a problem+json; the status when it is something else."""
        try:
            problem = json.loads(self.body)
            return str(problem["code"]), str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            return f"http.{self.status}", f"The server answered {self.status}."


def send_request(
    method: str,
    url: str,
    body: bytes | Path,
    *,
    content_type: str,
    token: str | None = None,
    timeout_s: float,
    offset: int = 0,
    tls_pin: str | None = None,
) -> Answer:
    """Send the request over TLS (over plain TCP only when the URL says http) and read the answer.

    offset: of a file, where to begin. tls_pin: see tls.py.
    timeout_s: without a sign of life, not for the whole.

    Raises
    ------
    NoAnswer
        When there is no network, no server, or what came back is not HTTP.
    """
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection = _open(parts.scheme, parts.netloc, timeout_s, tls_pin)
        try:
            if isinstance(body, Path):
                headers["Content-Length"] = str(body.stat().st_size - offset)
                with body.open("rb") as file:
                    file.seek(offset)
                    connection.request(method, target, file, headers)
            else:
                connection.request(method, target, body, headers)
            response = connection.getresponse()
            return Answer(
                status=response.status,
                content_type=(response.getheader("Content-Type") or "").split(";")[0].strip(),
                body=response.read(),
            )
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"{method} {parts.netloc}{parts.path}: {error}") from error


def _open(
    scheme: str, host: str, timeout_s: float, tls_pin: str | None
) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, timeout=timeout_s)
    return http.client.HTTPSConnection(host, timeout=timeout_s, context=make_tls(tls_pin))
