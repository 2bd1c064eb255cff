"""What talking and carrying files have in common: one server, one pairing, and how each may end."""

import asyncio
import logging
from pathlib import Path

from driver_app.core.https import Answer, NoAnswer, send_request
from driver_app.core.pace import Pace
from driver_app.core.store import Pairing, Store
from driver_app.core.view import Link

log = logging.getLogger(__name__)


class LinkFailed(Exception):
    """The talk broke off; it goes on after a pause."""


class Revoked(Exception):
    """The server knows this device no more."""


async def ask(
    pairing: Pairing,
    method: str,
    path: str,
    body: bytes | Path = b"",
    *,
    content_type: str = "application/json",
    timeout_s: float,
    offset: int = 0,
) -> Answer:
    """One request to the server of this pairing. offset: of a file, where to begin.

    Raises
    ------
    LinkFailed, Revoked
    """
    try:
        answer = await asyncio.to_thread(
            send_request,
            method,
            pairing.server_url + path,
            body,
            content_type=content_type,
            token=pairing.token,
            timeout_s=timeout_s,
            offset=offset,
            tls_pin=pairing.tls_pin,
        )
    except NoAnswer as error:
        raise LinkFailed(str(error)) from error
    if answer.content_type == "text/html":
        raise LinkFailed("a web page instead of an answer; a Wi-Fi's login page?")
    if answer.status in (401, 403) and answer.is_json:
        raise Revoked
    return answer


async def wait_for_pairing(store: Store, pace: Pace) -> Pairing:
    while True:
        pairing = store.get_pairing()
        if pairing is not None and not pairing.revoked:
            return pairing
        await asyncio.sleep(pace.poll_s)


def mark_revoked(store: Store, pairing: Pairing) -> None:
    log.warning("this phone was revoked; it hands in what it has not sent, then it is wiped")
    store.mark_revoked(pairing)
    set_link(store, "none")


def set_link(store: Store, link: Link) -> None:
    if store.get_setting("link") != link:
        store.put_setting("link", link)
