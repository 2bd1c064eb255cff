"""Asks the server whose phone this is to be. Needs network, and blocks while it asks."""

import json
from urllib.parse import urlsplit

from driver_app.core.errors import PairingRefused, ServerUnreachable
from driver_app.core.https import NoAnswer, send_request
from driver_app.core.store import Pairing

TIMEOUT_S = 20


def ask_for_pairing(server_url: str, code: str, device_model: str) -> Pairing:
    """Trade the code that the dispatcher made for this phone's token."""
    server_url = normalise_server_url(server_url)
    body = json.dumps({"code": code.strip().upper(), "device_model": device_model})
    try:
        answer = send_request(
            "POST",
            f"{server_url}/api/driver/pair",
            body.encode(),
            content_type="application/json",
            timeout_s=TIMEOUT_S,
        )
    except NoAnswer as error:
        raise ServerUnreachable(server_url=server_url) from error
    if answer.status != 201:
        _, detail = answer.read_problem()
        raise PairingRefused(detail=detail)
    try:
        given = json.loads(answer.body)
        return Pairing(
            server_url=server_url,
            device_id=str(given["device_id"]),
            driver_id=str(given["driver_id"]),
            token=str(given["token"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PairingRefused(detail=f"{server_url} is not a Postrider server.") from error


def read_pairing_link(text: str) -> tuple[str, str] | None:
    """The server's address and the code in a scanned link such as `https://host/pair#CODE`; None
    when it is something else."""
    address, _, code = text.strip().partition("#")
    if not code.isalnum() or not address.startswith(("https://", "http://")):
        return None
    return address.removesuffix("/").removesuffix("/pair"), code


def normalise_server_url(text: str) -> str:
    """The server's address as the driver typed it; TLS unless http is asked for by name."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ServerUnreachable(server_url=text)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
