"""Why we end a socket, in a code and a sentence (at most 123 bytes of it fit into a close frame).

4401, 1012 (the process stops; uvicorn sends it) and 1013 tell a phone what to do; after any other
code it connects again after a pause, as after a lost connection.
"""

import inspect
import logging
from typing import ClassVar

from server.kit.db import is_away
from server.kit.errors import PostriderError, Unavailable

log = logging.getLogger(__name__)

MAX_REASON_BYTES = 123


class Ending(Exception):
    """Goodbye."""

    code: ClassVar[int] = 1000

    @property
    def reason(self) -> str:
        return str(self) or inspect.cleandoc(type(self).__doc__ or "")


class Refused(Ending):
    """What was sent makes no sense here."""

    code = 4400


class Revoked(Ending):
    """This phone was revoked."""

    code = 4401


class SignedOut(Ending):
    """You are signed out. Sign in again."""

    code = 4401


class HelloLate(Ending):
    """No Hello came in time."""

    code = 4408


class Replaced(Ending):
    """This phone has opened another connection."""

    code = 4409


class TryLater(Ending):
    """Try again later."""

    code = 1013


class Broken(Ending):
    """Something broke on our side; nothing was changed. Please report it."""

    code = 1011


def ending_for(error: BaseException) -> Ending:
    """How a socket ends on which this happened. A defect of ours is logged here."""
    if isinstance(error, Ending):
        return error
    if isinstance(error, Unavailable) or is_away(error):
        log.warning("a socket is closed until the database is back: %s", error)
        return TryLater()
    if isinstance(error, PostriderError):
        return Refused(shorten(error.message))
    log.error("a socket broke", exc_info=error)
    return Broken()


def shorten(sentence: str) -> str:
    return sentence.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
