"""What a person did wrong, said so that they can act on it.

    PostriderError (400)
    ├── Unauthenticated (401)   who are you?
    ├── Forbidden (403)         we know you, but this is not yours to do
    ├── NotFound (404)          no such thing, or none of yours
    ├── Conflict (409)          the world has moved on; look again
    ├── TooLarge (413)
    ├── Invalid (422)           what you sent cannot be used
    ├── TooMany (429)           slow down
    └── Unavailable (503)       a part is away; the same request may work later

The class is the fact and its docstring the message; `{name}` in it is filled from the keywords
given when raised, which also travel as fields of the problem document. With them goes the message
before it was filled, so that the console can say it in another language (decision 0032):

    class UnknownPlace(NotFound):
        \"\"\"There is no place {place_id}. Search at /api/places or create it.\"\"\"
        code = "places.unknown_place"

    raise UnknownPlace(place_id=place_id)
"""

import re
from typing import Any, ClassVar


class PostriderError(Exception):
    """Something is wrong with this request."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, **details: Any) -> None:
        self.details = details
        self.message = " ".join((type(self).__doc__ or "").split()).format(**details)
        super().__init__(self.message)

    @classmethod
    def pattern(cls) -> str:
        """The message with {names} for values, by which it is known in other languages."""
        return re.sub(r"\{(\w+)!r\}", r"“{\1}”", " ".join((cls.__doc__ or "").split()))

    @property
    def headers(self) -> dict[str, str]:
        """What goes beside the problem document over HTTP."""
        return {}

    def problem(self) -> dict[str, Any]:
        """The problem document of RFC 9457; over the wire the same code and sentence."""
        return {
            "type": "about:blank",
            "title": type(self).__name__,
            "status": self.status,
            "code": self.code,
            "detail": self.message,
            "pattern": self.pattern(),
            **{name: value for name, value in self.details.items() if name not in RESERVED},
        }


RESERVED = {"type", "title", "status", "code", "detail", "pattern"}


class Unauthenticated(PostriderError):
    """Sign in, or send a valid key or token in the Authorization header."""

    code = "unauthenticated"
    status = 401

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(PostriderError):
    """You are not allowed to do this."""

    code = "forbidden"
    status = 403


class NotFound(PostriderError):
    """There is nothing here."""

    code = "not_found"
    status = 404


class Conflict(PostriderError):
    """This has changed in the meantime. Look at it again, then repeat."""

    code = "conflict"
    status = 409


class TooLarge(PostriderError):
    """This is larger than {limit_bytes} bytes. Send less at once."""

    code = "too_large"
    status = 413


class Invalid(PostriderError):
    """What was sent cannot be used."""

    code = "invalid"
    status = 422


class TooMany(PostriderError):
    """Too many requests. Wait {wait_s} seconds, then try again."""

    code = "too_many"
    status = 429

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.details["wait_s"])}


class Unavailable(PostriderError):
    """A part of the system is away. Try again in a moment."""

    code = "unavailable"
    status = 503


class IllegalMove(Conflict):
    """{thing} is {state} and cannot become {wanted}."""

    code = "illegal_move"
