"""Asks the server whose phone this is to be. Needs network, and blocks while it asks."""

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from driver_app.core.errors import PairingRefused, ServerUnreachable
from driver_app.core.https import NoAnswer, send_request
from driver_app.core.store import Pairing
from driver_app.core.tls import PIN_CHARACTERS

TIMEOUT_S = 20


def ask_for_pairing(
    server_url: str, code: str, device_model: str, tls_pin: str | None = None
) -> Pairing:
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
            tls_pin=tls_pin,
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
            tls_pin=tls_pin,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PairingRefused(detail=f"{server_url} is not a Postrider server.") from error


@dataclass(frozen=True, slots=True)
class PairingLink:
    """What the dispatcher's screen shows as a QR code."""

    server_url: str
    code: str
    tls_pin: str | None


def read_pairing_link(text: str) -> PairingLink | None:
    """Of a scanned link such as `https://host/pair#CODE` or `https://host/pair#CODE.PIN`; None when
    it is something else."""
    address, _, said = text.strip().partition("#")
    code, _, pin = said.partition(".")
    if not code.isalnum() or not address.startswith(("https://", "http://")):
        return None
    if pin and not re.fullmatch(rf"[\w-]{{{PIN_CHARACTERS}}}", pin, re.ASCII):
        return None
    return PairingLink(address.removesuffix("/").removesuffix("/pair"), code, pin or None)


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
